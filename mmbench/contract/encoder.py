"""Contract of encoders: one modality to tokens."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, ClassVar

from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.types import Kind, Modality, TokenSpec


class Encoder(nn.Module, Component):
    """One modality to tokens. It sees neither bags nor masks nor labels: the host flattens bags to instances.

    ``__init__`` sets ``self.out``. Instances arrive as a batch of n: uint8 ``(n, 3, H, W)`` for images and
    ``(n, F, 3, H, W)`` for videos, a list of n str for texts, and float32 ``(n, *shape)`` for everything else; a table
    has the index of the level in categorical columns and NaN for missing values. A ``frozen`` encoder is deterministic
    and needs no fitting: the host runs it once and caches its tokens.

    An encoder whose ``forward`` has the parameter ``lengths`` takes modalities of open length (`Modality.is_open`): the
    instances are padded with zeros to the longest, and ``lengths``, int64 ``(n,)``, are the numbers of time steps or
    frames that are theirs. What is padded must not change the tokens. Others are refused for such modalities; texts
    have no ``lengths``.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    out: TokenSpec
    frozen: bool = False

    def __init__(self, modality: Modality) -> None:
        super().__init__()
        self.modality = modality

    @classmethod
    def takes_lengths(cls) -> bool:
        """Whether ``forward`` has the parameter ``lengths``, and so accepts modalities of open length."""
        return "lengths" in signature(cls.forward).parameters

    def adapt(self, x: Any) -> None:
        """Set statistics that use no labels from instances of the training part, as they reach ``forward``.

        For a modality of open length that is not text, ``lengths`` follows as a second argument.
        """

    def forward(self, x: Any) -> Tensor | tuple[Tensor, Tensor]:
        """Instances to tokens ``(n, T, D)``, with a mask bool ``(n, T)`` where ``out.length`` is None.

        The mask is True for the tokens of an instance, which come first, and False for padding.
        """
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """The tensors that ``--save-encoder`` writes, for the parameter ``weights=FILE`` of the same encoder.

        The names are those that the parameter expects: for an encoder around a network of a library, the names of that
        network. Encoders without such a parameter cannot be saved.
        """
        state: Mapping[str, Tensor] = self.state_dict()
        return state
