"""Calibration of predicted probabilities: expected calibration error, Brier score, negative log-likelihood.

A cell's tally ``(15, 5)`` holds, for each bin of confidence, the number of samples and the sums of confidence, of
correct predictions, of Brier scores and of negative log-likelihoods. Tallies add up like confusion matrices.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmbench.results.statistics import Interval, Outcomes, Ratios, binomial_probability, find_cells, mean_interval

N_BINS = 15
_N_SAMPLES, _CONFIDENCE, _CORRECT, _BRIER, _NLL = range(5)

Tallies = NDArray[np.float64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """A bar of the reliability diagram: mean confidence and observed accuracy of the samples whose confidence is above
    ``low`` and at most ``high``; None without samples."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Calibration of one method: means over seeds, with intervals over units.

    ``brier`` is the squared distance of the probabilities from the one-hot labels, 0 to 2 (Brier 1950), ``nll`` the
    negative log-likelihood of the true class in nats. ``ece_by_luck`` is the ECE expected under perfect calibration for
    as many samples. ``reliability`` pools the samples of all seeds. ``by_label`` has the ECE and the Brier score of
    each label of a task of several labels.
    """

    ece: float
    ece_by_luck: float
    brier: Interval
    nll: Interval
    reliability: tuple[Bin, ...]
    by_label: tuple[tuple[float, float], ...] = ()


def calibrate(outcomes: Outcomes, logits: NDArray[np.float64]) -> Calibration:
    """Calibration of predictions and their logits ``(S, n, C)``."""
    cell, unit, fold = find_cells(outcomes.unit, outcomes.fold)
    seeds = [cell_tallies(outcomes.labels, each, cell) for each in logits]
    whole = [tallies.sum(axis=0) for tallies in seeds]

    def mean(column: int, high: float) -> Interval:
        sums = np.stack(seeds).sum(axis=2)  # (S, cells, 5)
        ratios = Ratios(sums[:, :, [column]], sums[:, :, [_N_SAMPLES]], unit, fold)
        return mean_interval(ratios, outcomes.varies, high)

    return Calibration(
        ece=float(np.mean([measure_calibration_error(tally) for tally in whole])),
        ece_by_luck=float(np.mean([expected_calibration_error(tally) for tally in whole])),
        brier=mean(_BRIER, 2.0),
        nll=mean(_NLL, float(np.finfo(np.float64).max)),
        reliability=tuple(make_reliability_bins(np.sum(whole, axis=0))),
    )


def calibrate_labels(outcomes: Outcomes) -> Calibration:
    """Calibration of the probabilities of labels, the sigmoids of logits, pooled over labels.

    Each pair of sample and label is a task of two classes, the label and its absence, so that confidence is that of the
    more probable one and the Brier score of a pair lies between 0 and 2. ``by_label`` has the values of each label.
    """
    one_by_one = [
        calibrate(_one_label(outcomes, [at]), _two_logits(outcomes.predictions[:, :, [at]]))
        for at in range(outcomes.n_classes)
    ]
    everything = list(range(outcomes.n_classes))
    pooled = calibrate(_one_label(outcomes, everything), _two_logits(outcomes.predictions))
    return replace(pooled, by_label=tuple((each.ece, each.brier.mean) for each in one_by_one))


def _one_label(outcomes: Outcomes, labels: list[int]) -> Outcomes:
    """Pairs of samples and some labels as samples of two classes."""
    there, n = outcomes.labels[:, labels].ravel(), len(labels)
    predicted = (outcomes.predictions[:, :, labels] > 0).reshape(outcomes.n_seeds, -1).astype(np.int64)
    unit, fold = (np.repeat(each, n) for each in (outcomes.unit, outcomes.fold))
    return Outcomes(there, predicted, unit, fold, 2, outcomes.varies)


def _two_logits(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits ``(S, n * L, 2)`` of absence and presence, whose softmax is the sigmoid of ``(S, n, L)``."""
    flat = logits.reshape(len(logits), -1)
    return np.stack([np.zeros_like(flat), flat], axis=2)


def log_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the softmax of ``(n, C)``, without overflow for any logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def cell_tallies(labels: NDArray[np.int64], logits: NDArray[np.float64], cell: NDArray[np.int64]) -> Tallies:
    """Tallies ``(N, 15, 5)`` of cells 0 to N - 1; ``cell`` ``(n,)`` is the cell of each sample."""
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
    place = cell * N_BINS + np.clip(np.ceil(confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    sums = [np.bincount(place, weights=column, minlength=n_cells * N_BINS) for column in columns]
    tallies: Tallies = np.stack(sums, axis=-1).reshape(n_cells, N_BINS, len(columns)).astype(np.float64)
    return tallies


def measure_calibration_error(tallies: Tallies) -> Scores:
    """Expected calibration error of the predicted class (Guo et al. 2017, arXiv 1706.04599), tallies ``(..., 15, 5)``.

    The mean absolute difference of confidence and accuracy over 15 bins of equal width, weighted by their samples. It
    is biased upwards where samples are few; `expected_calibration_error` estimates by how much. It has no interval,
    since sampling intervals do not include that bias.
    """
    distance = np.abs(tallies[..., _CONFIDENCE] - tallies[..., _CORRECT]).sum(axis=-1)
    return _mean_over_samples(distance, tallies)


def expected_calibration_error(tally: Tallies) -> float:
    """The ECE expected under perfect calibration with the same confidences, tally ``(15, 5)``.

    The number of correct predictions in a bin is binomial with the mean confidence; its mean absolute deviation is De
    Moivre's. Samples count as independent: where those of one person are correlated, the expected ECE is larger.
    """
    count = tally[tally[:, _N_SAMPLES] > 0, _N_SAMPLES]
    confidence = np.minimum(tally[tally[:, _N_SAMPLES] > 0, _CONFIDENCE] / count, 1.0)
    above = np.floor(count * confidence) + 1
    deviations = 2 * above * (1 - confidence) * binomial_probability(above, count, confidence)
    return float(deviations.sum() / count.sum())


def make_reliability_bins(tally: Tallies) -> list[Bin]:
    """The bars of the reliability diagram of one tally ``(15, 5)``, by increasing confidence."""
    edges = np.linspace(0, 1, N_BINS + 1).tolist()
    bins = []
    for (low, high), sums in zip(pairwise(edges), tally, strict=True):
        count = int(sums[_N_SAMPLES])
        means = (float(sums[at] / count) if count else None for at in (_CONFIDENCE, _CORRECT))
        bins.append(Bin(low, high, count, *means))
    return bins


def _mean_over_samples(totals: Scores, tallies: Tallies) -> Scores:
    count = tallies[..., _N_SAMPLES].sum(axis=-1)
    means: Scores = np.divide(totals, count, out=np.zeros_like(totals), where=count > 0)
    return means
