"""Contract of fusions: tokens of all modalities to the outputs of the task."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.types import Modality, Task, TaskKind, TokenSpec


class Criterion(Protocol):
    """The loss the host trains with: outputs ``(B, n_outputs)`` and their targets to a scalar.

    Targets are class indices ``(B,)``, or float ``(B, n_outputs)``: 0 or 1 for each label, or values in units of the
    training part's standard deviation (`Fusion.forward`).
    """

    def __call__(self, outputs: Tensor, target: Tensor, /) -> Tensor:
        """The loss of one batch."""


class _Tokens(NamedTuple):
    x: Tensor
    present: Tensor
    mask: Tensor


class Tokens(_Tokens):
    """The tokens of one modality.

    ``x`` is ``(B, K, T, D)``: batch, bag, tokens per instance, width; zero where masked. ``present`` is bool ``(B,
    K)``; a row of False means that the modality is missing in that sample. ``mask`` is bool ``(B, K, T)``: True up to
    the length of a present instance, False beyond it and for absent ones. Where `TokenSpec.length` is a number,
    present instances have all of their tokens, and ``mask`` may be left out.
    """

    __slots__ = ()

    def __new__(cls, x: Tensor, present: Tensor, mask: Tensor | None = None) -> "Tokens":
        """Tokens; without ``mask``, all tokens of the present instances are there."""
        if mask is None:
            mask = present[..., None].expand(*present.shape, x.shape[2] if x.ndim > 2 else 1)
        return super().__new__(cls, x, present, mask)


class Fusion(nn.Module, Component):
    """Tokens of all modalities to outputs. It never sees raw inputs.

    ``task`` says what the outputs are: logits of classes or of labels, or values in units of the standard deviation of
    the training part around its mean, which the host applies and undoes. The host sets it after ``__init__``. ``tasks``
    names the kinds of tasks that the fusion takes.
    """

    tasks: tuple[TaskKind, ...] = ("class", "labels", "values")
    task: Task = Task("class", ())

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__()
        self.inputs = dict(inputs)
        self.n_outputs = n_outputs

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        """Those of ``modalities`` that this fusion reads with these parameters; the others are not encoded.

        The others are passed with T = D = 0, so that a fusion of no modality knows the batch size.
        """
        return modalities

    @classmethod
    def encoders(cls, modalities: Sequence[Modality], **params: object) -> Mapping[str, str]:
        """Specs of the encoders that this fusion requires with these parameters, by modality; none by default.

        For a fusion whose weights come from a file and were trained with encoders in the same file. ``--encoder``,
        presets and methods do not change these, and baselines do not take them. The host standardises neither what
        these encoders read nor their tokens.
        """
        return {}

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``; finite even if every modality is missing."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def training_loss(
        self, tokens: Mapping[str, Tokens], target: Tensor, criterion: Criterion
    ) -> Tensor | Mapping[str, Tensor]:
        """The loss of one batch, a scalar, or several by name, which are summed; ``target`` is of the training part."""
        return criterion(self(tokens), target)

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """Explanations by name, such as attention weights ``face.instances`` ``(B, K)``; optional."""
        return {}
