"""Contract of encoders: one modality to tokens."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.types import Kind, Modality, TokenSpec


class Encoder(nn.Module, Component):
    """One modality to tokens. It sees neither bags nor masks nor labels: the host flattens bags to instances.

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
        """Set statistics that use no labels from ``x`` ``(n, *modality.shape)``, instances of the training part."""

    def forward(self, x: Tensor) -> Tensor:
        """Instances ``(n, *modality.shape)`` to tokens ``(n, T, D)``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """The tensors that ``--save-encoder`` writes, for the parameter ``weights=FILE`` of the same encoder.

        The names are those that the parameter expects: for an encoder around a network of a library, the names of that
        network. Encoders without such a parameter cannot be saved.
        """
        state: Mapping[str, Tensor] = self.state_dict()
        return state
