"""Metrics of CMU-MOSI, MOSEI and CH-SIMS as in MMSA (Mao et al. 2022): values around zero, read as classes.

Each is the mean over targets. *Has 0* reads a value as negative or not; *non 0* leaves out samples whose target is zero
and reads the others as positive or not. Those of CH-SIMS, from -1 to 1, cut at fixed values, of which 0 is negative.
"""

import numpy as np
from numpy.typing import NDArray

from mmbench import Metric
from mmbench.builtin.metrics.counts import Counts, Values, f1_scores, mean_where, ratio


class _Reading(Metric):
    """How values are read as classes, and which samples are scored."""

    kinds = ("values",)

    def _read(self, values: Values) -> Values:
        """The class of each value."""
        raise NotImplementedError(f"{type(self).__name__}._read")

    def _is_scored(self, target: Values) -> NDArray[np.bool_]:
        return np.ones(target.shape, dtype=bool)


class _HasZero(_Reading):
    def _read(self, values: Values) -> Values:
        return np.where(values >= 0, 1.0, 0.0)


class _NonZero(_Reading):
    def _read(self, values: Values) -> Values:
        return np.where(values > 0, 1.0, 0.0)

    def _is_scored(self, target: Values) -> NDArray[np.bool_]:
        return np.not_equal(target, 0)


class _Rounded(_Reading):
    largest: float

    def _read(self, values: Values) -> Values:
        return np.asarray(np.round(np.clip(values, -self.largest, self.largest)), dtype=np.float64)


class _Cut(_Reading):
    cuts: tuple[float, ...]  # a value at a cut is in the class below it

    def _read(self, values: Values) -> Values:
        # In float32, as the published labels are: 0.1 is then not above the cut 0.1.
        cut = np.digitize(values.astype(np.float32), np.asarray(self.cuts, np.float32), right=True)
        return cut.astype(np.float64)


class _AgreementMetric(_Reading):
    """Share of the scored samples whose output is read as the class of the target."""

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and for each target whether it is scored and whether it is right, ``(n, 1 + 2 V)``."""
        y, p = target.astype(np.float64), outputs.astype(np.float64)
        scored = self._is_scored(y)
        return np.column_stack([np.ones(len(y)), scored, scored & (self._read(y) == self._read(p))])

    def from_sums(self, sums: Values) -> Values:
        """Right over scored samples."""
        scored, right = np.split(sums[..., 1:], 2, axis=-1)
        return mean_where(ratio(right, scored), scored > 0)


class _WeightedF1Metric(_Reading):
    """F1 of the two classes of the scored samples, weighted by how many targets are in each."""

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and for each target and class support, prediction and both, ``(n, 1 + 6 V)``."""
        y, p = target.astype(np.float64), outputs.astype(np.float64)
        scored, classes = self._is_scored(y)[..., None], np.arange(2)
        truth, predicted = (scored & (self._read(each)[..., None] == classes) for each in (y, p))
        return np.column_stack(
            [np.ones(len(y)), *(each.reshape(len(y), -1) for each in (truth, predicted, truth & predicted))]
        )

    def from_sums(self, sums: Values) -> Values:
        """Mean of F1 weighted by support."""
        by_class = (each.reshape(*each.shape[:-1], -1, 2) for each in np.split(sums[..., 1:], 3, axis=-1))
        counts = Counts(sums[..., 0], *by_class)
        support = counts.support.sum(axis=-1)
        return mean_where(ratio((f1_scores(counts)[0] * counts.support).sum(axis=-1), support), support > 0)


class Acc2Has0(_AgreementMetric, _HasZero):
    """Acc-2 *has 0*: share of samples where target and output are both negative or both not."""

    name = "acc2_has0"
    title = "Acc-2 (has 0)"


class Acc2Non0(_AgreementMetric, _NonZero):
    """Acc-2 *non 0*: share, of the samples with another target than 0, whose output has its sign."""

    name = "acc2_non0"
    title = "Acc-2 (non 0)"


class Acc5(_AgreementMetric, _Rounded):
    """Acc-5: share of samples whose target and output round to the same number from -2 to 2."""

    name = "acc5"
    title = "Acc-5"
    largest = 2.0


class Acc7(_AgreementMetric, _Rounded):
    """Acc-7: share of samples whose target and output round to the same number from -3 to 3."""

    name = "acc7"
    title = "Acc-7"
    largest = 3.0


class F1Has0(_WeightedF1Metric, _HasZero):
    """F1 of the classes of Acc-2 *has 0*, weighted by support."""

    name = "f1_has0"
    title = "F1 (has 0)"


class F1Non0(_WeightedF1Metric, _NonZero):
    """F1 of the classes of Acc-2 *non 0*, weighted by support."""

    name = "f1_non0"
    title = "F1 (non 0)"


class SimsAcc2(_AgreementMetric, _Cut):
    """Acc-2 of CH-SIMS: share of samples where target and output are both above 0 or both not."""

    name = "sims_acc2"
    title = "Acc-2 (SIMS)"
    cuts = (0.0,)


class SimsAcc3(_AgreementMetric, _Cut):
    """Acc-3 of CH-SIMS: share of samples where target and output are in the same of three classes, cut at ±0.1."""

    name = "sims_acc3"
    title = "Acc-3 (SIMS)"
    cuts = (-0.1, 0.1)


class SimsAcc5(_AgreementMetric, _Cut):
    """Acc-5 of CH-SIMS: share of samples where target and output are in the same of five classes, cut at ±0.1, ±0.7."""

    name = "sims_acc5"
    title = "Acc-5 (SIMS)"
    cuts = (-0.7, -0.1, 0.1, 0.7)


class SimsF1(_WeightedF1Metric, _Cut):
    """F1 of the classes of Acc-2 of CH-SIMS, weighted by support."""

    name = "sims_f1"
    title = "F1 (SIMS)"
    cuts = (0.0,)


METRICS: tuple[type[Metric], ...] = (
    Acc2Has0,
    Acc2Non0,
    Acc5,
    Acc7,
    F1Has0,
    F1Non0,
    SimsAcc2,
    SimsAcc3,
    SimsAcc5,
    SimsF1,
)
