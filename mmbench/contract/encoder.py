"""The contract of an encoder: one modality to tokens."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.types import Kind, Modality, TokenSpec


class Encoder(nn.Module, Component):
    """One modality to tokens. Sees neither bags nor masks nor labels: the host folds bags in and out.

    ``__init__`` sets ``self.out``. Images arrive as uint8 ``(n, 3, H, W)``, everything else as float32. A
    ``frozen`` encoder is deterministic and needs no fitting: the host runs it once and caches its tokens.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    out: TokenSpec
    frozen: bool = False

    def __init__(self, modality: Modality) -> None:
        super().__init__()
        self.modality = modality

    def adapt(self, x: Tensor) -> None:
        """Set class-free statistics from ``x`` ``(n, *modality.shape)``, instances of the training part only."""

    def forward(self, x: Tensor) -> Tensor:
        """Instances ``(n, *modality.shape)`` to tokens ``(n, T, D)``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """What ``--save-encoder`` writes, for the parameter ``weights=FILE`` of the same encoder to read.

        The names are those the parameter expects: an encoder around a library's network gives that network's own.
        Encoders without such a parameter cannot be saved.
        """
        state: Mapping[str, Tensor] = self.state_dict()
        return state
