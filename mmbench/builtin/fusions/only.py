"""One modality alone: the baseline of every fusion."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from mmbench import Choice, Float, Fusion, Int, SpecError, Tokens, TokenSpec
from mmbench.builtin.fusions.pooling import Head, Pool, any_present, blind_bias, check_sizes


class Only(Fusion):
    """A head on one modality, ``only[modality=eeg]``; the others are not encoded.

    ``modality`` may be left out if there is only one. For samples without it, the outputs are a learned bias.
    ``pool`` is as in ``concat``.
    """

    name = "only"
    space: ClassVar = {
        "dim": Int(32, 256, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
    }
    conformance: ClassVar[Mapping[str, object]] = {"modality": "first"}

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        modality: str | None = None,
        dim: int = 128,
        dropout: float = 0.3,
        pool: Pool = "flatten",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        self.modality = choose_modality(inputs, modality)
        self.head = Head(inputs[self.modality], n_outputs, dim=dim, dropout=dropout, pool=pool)
        self.bias = blind_bias(n_outputs)

    @classmethod
    def uses(cls, modalities: Sequence[str], *, modality: object = None, **params: object) -> Sequence[str]:
        """The one modality."""
        return [choose_modality(modalities, modality)]

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        own = tokens[self.modality]
        return torch.where(any_present(own), self.head(own), self.bias)


def choose_modality(modalities: Iterable[str], wanted: object) -> str:
    """``wanted`` where it exists, the only modality where ``wanted`` is None; otherwise SpecError."""
    known = sorted(modalities)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise SpecError(
            f"needs one of the modalities {', '.join(known)}",
            where="only",
            remedy=f"for example only[modality={known[0]}]",
        )
    if wanted not in known:
        near = difflib.get_close_matches(str(wanted), known, n=1)
        raise SpecError(
            f"no such modality; the modalities are {', '.join(known)}",
            where=f"only[modality={wanted}]",
            remedy=f"did you mean only[modality={near[0] if near else known[0]}]?",
        )
    return str(wanted)
