"""Contract of fusions: tokens of all modalities to logits."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.types import TokenSpec


class Criterion(Protocol):
    """The loss the host trains with: logits ``(B, C)`` and class indices ``(B,)`` to a scalar."""

    def __call__(self, logits: Tensor, labels: Tensor, /) -> Tensor:
        """The loss of one batch."""


class Tokens(NamedTuple):
    """The tokens of one modality.

    ``x`` is ``(B, K, T, D)``: batch, bag, tokens per instance, width; zero where an instance is absent.
    ``present`` is bool ``(B, K)``; a row of False means that the modality is missing in that sample.
    """

    x: Tensor
    present: Tensor


class Fusion(nn.Module, Component):
    """Tokens of all modalities to logits. It never sees raw inputs."""

    def __init__(self, inputs: Mapping[str, TokenSpec], n_classes: int) -> None:
        super().__init__()
        self.inputs = dict(inputs)
        self.n_classes = n_classes

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        """Those of ``modalities`` that this fusion reads with these parameters; the others are not encoded.

        The others are passed with T = D = 0, so that a fusion of no modality knows the batch size.
        """
        return modalities

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Logits ``(B, C)``; finite even if every modality is missing."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Criterion) -> Tensor:
        """The loss of one batch, a scalar; ``labels`` ``(B,)`` are class indices of the training part."""
        return criterion(self(tokens), labels)

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """Explanations by name, such as attention weights ``face.instances`` ``(B, K)``; optional."""
        return {}
