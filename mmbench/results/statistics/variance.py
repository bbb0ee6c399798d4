"""Variance of scores over people, trainings and training sets, with degrees of freedom.

Linearised, a score is a sum over cells (`cells.CellScore`): the test samples of one unit in one fold. It varies with
the units (people); with the trainings, where units of one fold share initial weights and sample order and are not
independent; and with the training sets, which overlap between folds. The variance of the mean over seeds is

    V = (1 + o) A + max(B - C, 0)

with A between units (means over seeds), B between the trainings of one fold, and C the part of B that A includes,
between the trainings of one cell. Without o it is unbiased whether units lie within folds or across them, and equals A
where each unit has trainings of its own (Searle, Casella & McCulloch 1992, Variance Components; Cameron, Gelbach &
Miller 2011, JBES 29). With one seed, of any of the methods, trainings and units of a fold are confounded, and B is
estimated between folds. Each method counts with all of its seeds, so that differences are those of the scores.

o, the overlap factor, accounts for training sets that share samples, a variance that cannot be estimated from one data
set (Bengio & Grandvalet 2004, JMLR 5). For scores it is 1, as in the corrected resampled t test (Nadeau & Bengio 2003,
Machine Learning 52); real trainings (benchmarks/calibration.py) show 0.2 to 1.9. For differences it is 1 / 3, since
methods trained on the same samples share a part of that variance.

A is corrected for the leverage of each unit, and its degrees of freedom are counted, after Bell & McCaffrey (2002,
Survey Methodology 28, "CR2"); those of V are Satterthwaite's (1946, Biometrics Bulletin 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.results.statistics.cells import CellScore, Floats, sum_by

OVERLAP = 1 / 3
OVERLAP_OF_SCORES = 1.0


@dataclass(frozen=True)
class Design:
    """Degrees of freedom of a comparison, between ``units`` and between ``trainings``.

    ``units`` is 0 if all samples of a stratum (a class) are of one unit, so that no variance can be estimated.
    ``overlaps`` is False if each unit has models of its own.
    """

    units: float
    trainings: float
    overlaps: bool = True


@dataclass(frozen=True)
class Influence:
    """Linearised parts of M scores, whose inner products are variances and covariances.

    ``people`` ``(M, U)`` is by unit, ``training`` ``(M, F * S)`` by fold and seed, ``cell`` ``(M, N * S)`` by cell and
    seed. ``varies`` ``(M,)`` is False for scores that do not depend on the training seed, ``defined`` ``(M,)`` where
    no variance can be estimated.
    """

    people: Floats
    training: Floats
    cell: Floats
    varies: NDArray[np.bool_]
    defined: NDArray[np.bool_]

    def contrast(self, weights: Floats) -> "Influence":
        """Parts of weighted sums of the scores, one per row of ``weights`` ``(R, M)``."""
        people, training, cell = (weights @ part for part in (self.people, self.training, self.cell))
        varies, undefined = (np.abs(weights) @ each > 0 for each in (self.varies, ~self.defined))
        return Influence(people, training, cell, varies, ~undefined)

    def covariance(self) -> Floats:
        """Covariances ``(M, M)`` of the scores, up to a common factor."""
        training = self.training * self.varies[:, None]
        return np.asarray(self.people @ self.people.T + training @ training.T)


def make_influence(several: Sequence[CellScore], varies: Sequence[bool]) -> Influence:
    """The parts of several scores over the same cells, each a mean over its seeds."""
    between_seeds, most = fewest_seeds(several, varies) > 1, max(ratios.n_seeds for ratios in several)
    parts = [_parts(ratios, between_seeds, most) for ratios in several]
    people, training, cell = (np.stack([part[at] for part in parts]) for at in range(3))
    defined = np.array([ratios.defined for ratios in several])
    return Influence(people, training, cell, np.asarray(varies, dtype=np.bool_), defined)


def fewest_seeds(several: Sequence[CellScore], varies: Sequence[bool]) -> int:
    """The smallest number of seeds among methods that vary with the seed."""
    return min([each.n_seeds for each, varying in zip(several, varies, strict=True) if varying] or [several[0].n_seeds])


def make_comparison_design(ratios: CellScore, n_seeds: int | None = None) -> Design:
    """Degrees of freedom of scores over these cells with ``n_seeds`` seeds (default: those of ``ratios``)."""
    units, n_seeds = cluster_freedom(ratios.unit_share), n_seeds or ratios.n_seeds
    if n_seeds == 1:
        trainings = cluster_freedom(ratios.fold_share)
    else:
        weight = np.square(ratios.fold_share).sum(axis=1)
        trainings = float((n_seeds - 1) * weight.sum() ** 2 / np.square(weight).sum())
    return Design(units, trainings, not ratios.has_own_trainings)


def variances(parts: Influence, design: Design, overlap: float | Floats = OVERLAP) -> tuple[Floats, Floats]:
    """Variances ``(M,)`` of scores or contrasts, and their degrees of freedom ``(M,)``, 0 without an estimate."""
    people, training, cell = (np.square(each).sum(axis=1) for each in (parts.people, parts.training, parts.cell))
    people = (1 + overlap * design.overlaps) * people
    excess = np.where(parts.varies, np.maximum(training - cell, 0), 0.0)
    total = people + excess
    if not design.units:
        return total, np.zeros_like(total)
    trained = np.where(excess > 0, training, 0.0) ** 2 / max(design.trainings, 1e-9)
    spread = people**2 / design.units + trained
    free = np.divide(total**2, spread, out=np.full_like(total, design.units), where=spread > 0)
    return total, np.where(parts.defined, free, 0.0)


def _parts(ratios: CellScore, between_seeds: bool, most_seeds: int) -> tuple[Floats, Floats, Floats]:
    residuals = ratios.residuals()
    mean = residuals.mean(axis=0)
    people = _inflated(sum_by(ratios.unit, mean, ratios.n_units), ratios.unit_share).sum(axis=1)
    if not between_seeds:
        by_fold = sum_by(ratios.fold, mean, ratios.n_folds)
        cell = _inflated(mean, ratios.cell_share).sum(axis=1)
        return people, _inflated(by_fold, ratios.fold_share).sum(axis=1), cell
    each = residuals.sum(axis=2).T  # (N, S)
    summed = (sum_by(ratios.fold, each, ratios.n_folds), each)
    training, cell = (_around_mean(values, most_seeds).ravel() for values in summed)
    return people, training, cell


def _around_mean(values: Floats, most_seeds: int) -> Floats:
    """Deviations ``(N, most_seeds)`` of values ``(N, S)`` from their mean; their squares sum to the mean's variance.

    Missing seeds are 0: they add nothing to variances and covariances.
    """
    n_seeds = values.shape[1]
    scaled = (values - values.mean(axis=1, keepdims=True)) / np.sqrt(max(n_seeds * (n_seeds - 1), 1))
    return np.pad(scaled, ((0, 0), (0, most_seeds - n_seeds)))


def cluster_freedom(share: Floats) -> float:
    """Degrees of freedom of a variance between clusters with shares ``(U, K)`` of K strata.

    Those of Bell & McCaffrey for a working model of independent clusters that vary as a whole; 0 where a stratum lies
    in a single cluster.
    """
    share = share[:, share.sum(axis=0) > 0]
    if share.max(initial=0.0) > 1 - 1e-9:
        return 0.0
    inflated, spread = 1 / np.sqrt(1 - share), np.square(share)
    diagonal = (inflated**2 * spread).sum(axis=1)
    # The rest of the matrix has rank 2 K, so that the matrix of all pairs of clusters is not needed.
    basis = np.concatenate([inflated * spread, inflated * share], axis=1)
    zero, one = np.zeros((share.shape[1],) * 2), np.eye(share.shape[1])
    core = np.block([[zero, -one], [-one, np.diag(spread.sum(axis=0))]])
    rest = np.einsum("ui,ij,uj->u", basis, core, basis)
    product = basis.T @ basis @ core
    squared = np.square(diagonal).sum() + 2 * (diagonal * rest).sum() + np.trace(product @ product)
    return float((diagonal.sum() + rest.sum()) ** 2 / squared)


def _inflated(residuals: Floats, share: Floats) -> Floats:
    """Residuals of clusters, corrected for leverage (CR2)."""
    left = 1 - share
    return np.asarray(residuals / np.sqrt(np.where(left > 1e-9, left, 1.0)))
