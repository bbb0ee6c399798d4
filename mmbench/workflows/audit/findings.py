"""Findings of the checks of an audit, as dataclasses; importing them does not import torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ALPHA = 0.001  # an audit tests several protocols and is repeated often: false alarms must be rare
MARGIN = 0.01  # of balanced accuracy: smaller excesses do not matter
MIN_EXCESS = 0.05  # of balanced accuracy: a smaller excess does not matter


@dataclass(frozen=True)
class SharedGroups:
    """Shares of test samples that have something in common with the training or validation part.

    ``straddling``: the trial, session ..., by group. ``overlapping``: a window of the same recording that overlaps in
    time. ``twins``: a near-duplicate, by modality.
    """

    straddling: Mapping[str, float]
    overlapping: float
    twins: Mapping[str, float]


@dataclass(frozen=True)
class Control:
    """Balanced accuracies on random labels under a protocol, means over ``draws``.

    ``score`` is that on random labels of whole units, ``expected`` that on the same labels permuted within class and
    person. ``p_value`` is one-sided. ``detectable`` is the smallest excess with p below `ALPHA`. All but ``draws`` are
    None if the control is not possible.
    """

    draws: int
    score: float | None = None
    expected: float | None = None
    p_value: float | None = None
    detectable: float | None = None

    @property
    def excess(self) -> float | None:
        """The score on labels of whole units minus that on permuted labels."""
        return None if self.score is None or self.expected is None else self.score - self.expected

    @property
    def leaks(self) -> bool:
        """Whether units are recognised: a significant excess of at least `MARGIN`."""
        if self.p_value is None or self.excess is None:
            return False
        return self.p_value < ALPHA and self.excess >= MARGIN


@dataclass(frozen=True)
class CopiedSamples:
    """Shares of test samples that are copies or mixtures of training or validation samples of their label.

    ``copies`` have the same data in every modality; ``near`` are nearer to a sample than the intrinsic dimension
    ``dimensions`` allows; ``mixed`` lie on a line with two neighbours. ``near`` and ``mixed`` are None if distances
    are not conclusive; ``reason`` says why.
    """

    copies: float
    near: float | None = None
    mixed: float | None = None
    dimensions: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Missingness:
    """Balanced accuracy ``score`` of predicting the label from the missingness pattern; ``expected`` is the mean on
    permuted labels, ``p_value`` that of the permutation test."""

    score: float
    expected: float
    p_value: float

    @property
    def predicts_label(self) -> bool:
        """Whether missingness predicts the label: a significant excess of at least `MIN_EXCESS`."""
        return self.p_value < ALPHA and self.score - self.expected >= MIN_EXCESS


@dataclass(frozen=True)
class SuspectChannel:
    """A channel or feature that is ``constant`` over all samples, or ``label-like``: one of its numbers predicts the
    class on test samples with the balanced accuracy ``score``."""

    modality: str
    channel: str
    what: Literal["constant", "label-like"]
    score: float | None = None
