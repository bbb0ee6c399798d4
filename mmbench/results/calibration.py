"""Whether probabilities are what they say: scores of calibration from logits, by way of sums over units.

A cell's tally ``(15, 5)`` holds, for each bin of confidence, how many samples are in it and the sums of their
confidence, of how many are right, of their Brier scores and of their negative log-likelihoods. Tallies are added as
confusion matrices are.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmbench.results.statistics import Interval, Outcomes, Ratios, find_cells, mean_interval

BINS = 15
_COUNT, _CONFIDENCE, _RIGHT, _BRIER, _NLL = range(5)

Tallies = NDArray[np.float64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """A bar of the reliability diagram: of the samples with a confidence above ``low`` and up to ``high``, their mean
    confidence and the share that is right; None where there is no sample."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities of one method can be believed; scores are means over seeds, intervals over units.

    ``brier`` is the squared distance of the probabilities from the truth over all classes, 0 to 2 (Brier 1950), ``nll``
    the negative log-likelihood of the true class, in nats. ``ece_by_luck`` is the calibration error that a perfect
    model would show on as many samples. ``reliability`` has the samples of all seeds.
    """

    ece: float
    ece_by_luck: float
    brier: Interval
    nll: Interval
    reliability: tuple[Bin, ...]


def calibrate(outcomes: Outcomes, logits: NDArray[np.float64]) -> Calibration:
    """Calibration of predictions and their logits ``(S, n, C)``."""
    cell, unit, fold = find_cells(outcomes.unit, outcomes.fold)
    seeds = [cell_tallies(outcomes.labels, each, cell) for each in logits]
    whole = [tallies.sum(axis=0) for tallies in seeds]

    def mean(column: int, high: float) -> Interval:
        sums = np.stack(seeds).sum(axis=2)  # (S, cells, 5)
        ratios = Ratios(sums[:, :, [column]], sums[:, :, [_COUNT]], unit, fold)
        return mean_interval(ratios, outcomes.varies, high)

    return Calibration(
        ece=float(np.mean([calibration_error(tally) for tally in whole])),
        ece_by_luck=float(np.mean([lucky_error(tally) for tally in whole])),
        brier=mean(_BRIER, 2.0),
        nll=mean(_NLL, float(np.finfo(np.float64).max)),
        reliability=tuple(reliability(np.sum(whole, axis=0))),
    )


def log_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the softmax of ``(n, C)``, with no overflow whatever the logits are."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def cell_tallies(labels: NDArray[np.int64], logits: NDArray[np.float64], cell: NDArray[np.int64]) -> Tallies:
    """Tallies ``(N, 15, 5)`` of cells 0 to N - 1, which ``cell`` ``(n,)`` tells of each sample."""
    logs = log_probabilities(logits)
    probabilities = np.exp(logs)
    confidence = probabilities.max(axis=1)
    truth = np.eye(logs.shape[1])[labels]
    columns = (
        np.ones(len(labels)),
        confidence,
        (logits.argmax(axis=1) == labels).astype(np.float64),
        np.square(probabilities - truth).sum(axis=1),
        -logs[np.arange(len(labels)), labels],
    )
    n_cells = int(cell.max()) + 1
    place = cell * BINS + np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    sums = [np.bincount(place, weights=column, minlength=n_cells * BINS) for column in columns]
    tallies: Tallies = np.stack(sums, axis=-1).reshape(n_cells, BINS, len(columns)).astype(np.float64)
    return tallies


def calibration_error(tallies: Tallies) -> Scores:
    """Expected calibration error of the named class (Guo et al. 2017, arXiv 1706.04599), tallies ``(..., 15, 5)``.

    The mean distance of confidence and accuracy over 15 bins of equal width, weighted by their samples. It is biased
    upwards where samples are few, since a bin of ten is off by luck alone: see `lucky_error`. No interval
    is given: that bias is not part of its spread.
    """
    distance = np.abs(tallies[..., _CONFIDENCE] - tallies[..., _RIGHT]).sum(axis=-1)
    return _mean_over_samples(distance, tallies)


def lucky_error(tally: Tallies) -> float:
    """The calibration error to expect of a perfect model with the same confidences, tally ``(15, 5)``: luck alone.

    In each bin as many are right as a binomial with its mean confidence says; its mean deviation is De Moivre's.
    Samples are taken for independent; where those of one person are alike, luck reaches further still.
    """
    from scipy.stats import binom

    count = tally[tally[:, _COUNT] > 0, _COUNT]
    confidence = np.minimum(tally[tally[:, _COUNT] > 0, _CONFIDENCE] / count, 1.0)
    above = np.floor(count * confidence) + 1
    deviations = 2 * above * (1 - confidence) * binom.pmf(above, count, confidence)
    return float(deviations.sum() / count.sum())


def reliability(tally: Tallies) -> list[Bin]:
    """The bars of the reliability diagram of one tally ``(15, 5)``, from the least confidence to the most."""
    edges = np.linspace(0, 1, BINS + 1).tolist()
    bins = []
    for (low, high), sums in zip(pairwise(edges), tally, strict=True):
        count = int(sums[_COUNT])
        means = (float(sums[at] / count) if count else None for at in (_CONFIDENCE, _RIGHT))
        bins.append(Bin(low, high, count, *means))
    return bins


def _mean_over_samples(totals: Scores, tallies: Tallies) -> Scores:
    count = tallies[..., _COUNT].sum(axis=-1)
    means: Scores = np.divide(totals, count, out=np.zeros_like(totals), where=count > 0)
    return means
