"""Test samples that are copies of training samples, nearly so, or mixtures of two, found by distances of features.

How much nearer the nearest training sample is than the tenth follows from the number d of dimensions in which data
vary, whatever their density: ``P(r1 / r10 < a) = 1 - (1 - a^d)^9`` (Facco et al. 2017, TwoNN, for the second). Copies
with noise lie far below what this allows. New samples that SMOTE makes (Chawla et al. 2002) lie on the line between two
neighbours of one class, where samples in more than a few dimensions never do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.integrity import MIN_LABEL_AGREEMENT

Index = NDArray[np.int64]
Features = NDArray[np.float32]

NEIGHBOURS = 10
DIMENSION_FACTOR = 0.7
"""The share of the estimated dimensions that is counted on: density and dimension differ from place to place."""
MAX_PROBABILITY = 1e-3  # the probability, on these dimensions, below which a nearest sample is unusually near
MAX_COSINE_GAP = 1e-5  # 1 - cosine of the directions to two neighbours on one line; float32 leaves less
MIN_SAMPLES, MIN_DIMENSIONS = 30, 3.0
"""Test samples, and dimensions, below which distances tell nothing."""
_CHANCE = 2
_MAX_SAMPLES = 2000  # test samples that are looked at; of more, so many are drawn
_BLOCK = 256


@dataclass(frozen=True)
class CopiedSamples:
    """Shares of test samples that have something too like them, of their own label, in training or validation.

    ``copies`` have the very data in every modality; ``near`` are nearer to one than ``dimensions`` of variation allow;
    ``mixed`` lie on a line with two of their neighbours. ``near`` and ``mixed`` are None where distances tell nothing,
    and ``reason`` says why.
    """

    copies: float
    near: float | None = None
    mixed: float | None = None
    dimensions: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class FeatureSpace:
    """Samples as points: ``x`` ``(n, D)``, in standard deviations; ``whole`` ``(n,)`` where no modality is missing.

    ``recordings`` ``(n,)`` numbers the finest group, within which samples are alike by nature and not compared; None
    where there are no groups. ``is_vector``: the features are the data themselves, so that mixtures stay on lines.
    """

    x: Features
    whole: NDArray[np.bool_]
    labels: Index
    recordings: Index | None
    is_vector: bool


def make_feature_space(
    features: Mapping[str, Features], labels: Index, recordings: Index | None, is_vector: bool
) -> FeatureSpace:
    """The space of features ``(n, D)`` by modality, NaN where one is missing; each modality weighs the same."""
    whole = ~np.any([np.isnan(x[:, 0]) for x in features.values()], axis=0)
    columns = [_standardised(x, whole) for x in features.values()]
    return FeatureSpace(np.concatenate(columns, axis=1), whole, labels, recordings, is_vector)


def find_copied_samples(space: FeatureSpace, folds: Sequence[Fold], copies: float) -> CopiedSamples:
    """What test samples have too near, over all folds; ``copies`` is the share that has the very data."""
    found = [part for fold in folds if (part := _measure_fold(space, fold)) is not None]
    n_seen = sum(len(part.ratios) for part in found)
    if n_seen < MIN_SAMPLES:
        return CopiedSamples(copies, reason=f"{n_seen} test samples have enough others to compare with")
    ratios, agree, mixed = (np.concatenate(columns) for columns in zip(*found, strict=True))
    dimensions = estimate_dimensions(ratios)
    if dimensions < MIN_DIMENSIONS:
        reason = f"features vary in about {dimensions:.1f} dimensions, too few to tell copies from neighbours"
        return CopiedSamples(copies, dimensions=dimensions, reason=reason)
    near = ratio_probability(ratios, DIMENSION_FACTOR * dimensions) < MAX_PROBABILITY
    is_copied = near.any() and agree[near].mean() >= MIN_LABEL_AGREEMENT
    share = _share(near & agree) if is_copied else 0.0
    return CopiedSamples(copies, share, _share(mixed) if space.is_vector else None, dimensions)


def _share(found: NDArray[np.bool_]) -> float:
    """The share of test samples; none of one or two, which chance may bring."""
    return float(found.mean()) if found.sum() > _CHANCE else 0.0


def estimate_dimensions(ratios: NDArray[np.float64]) -> float:
    """The number of dimensions that the upper tenth of the ratios ``r1 / r10`` fits, where copies are not."""
    quantile, share = float(np.quantile(ratios, 0.9)), 0.9
    inside = 1 - (1 - share) ** (1 / (NEIGHBOURS - 1))
    return float(np.log(inside) / np.log(np.clip(quantile, 1e-6, 1 - 1e-6)))


def ratio_probability(ratios: NDArray[np.float64], dimensions: float) -> NDArray[np.float64]:
    """The probability of a ratio ``r1 / r10`` as small or smaller."""
    return np.asarray(1 - (1 - ratios**dimensions) ** (NEIGHBOURS - 1), dtype=np.float64)


def _standardised(x: Features, whole: NDArray[np.bool_]) -> Features:
    known = x[whole].astype(np.float64)
    mean, spread = (known.mean(axis=0), known.std(axis=0)) if len(known) else (0.0, np.zeros(x.shape[1]))
    varies = spread > 1e-7 * np.abs(mean) + 1e-12
    scaled = np.where(varies, (x - mean) / np.where(varies, spread, 1), 0.0)
    return np.asarray(np.nan_to_num(scaled) / np.sqrt(x.shape[1]), dtype=np.float32)


@dataclass(frozen=True)
class _FoldDistances:
    """Of the test samples of a fold: ``r1 / r10``, whether the nearest has their label, and whether they are mixed."""

    ratios: NDArray[np.float64]
    agree: NDArray[np.bool_]
    mixed: NDArray[np.bool_]

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        return iter((self.ratios, self.agree, self.mixed))


def _measure_fold(space: FeatureSpace, fold: Fold) -> _FoldDistances | None:
    known = np.concatenate([fold.train, fold.validation])
    known, test = known[space.whole[known]], fold.test[space.whole[fold.test]]
    if len(test) > _MAX_SAMPLES:
        test = np.random.default_rng(0).choice(test, _MAX_SAMPLES, replace=False)
    if len(known) <= NEIGHBOURS:
        return None
    parts = [_measure_block(space, known, test[at : at + _BLOCK]) for at in range(0, len(test), _BLOCK)]
    parts = [part for part in parts if len(part.ratios)]
    return _FoldDistances(*(np.concatenate(columns) for columns in zip(*parts, strict=True))) if parts else None


def _measure_block(space: FeatureSpace, known: Index, test: Index) -> _FoldDistances:
    ours, theirs = torch.from_numpy(space.x[test]), torch.from_numpy(space.x[known])
    apart = torch.cdist(ours, theirs, compute_mode="donot_use_mm_for_euclid_dist")
    if space.recordings is not None:
        same = space.recordings[test][:, None] == space.recordings[known][None, :]
        apart[torch.from_numpy(same)] = torch.inf
    near, which = apart.topk(NEIGHBOURS, largest=False)
    usable = (near[:, -1].isfinite() & (near[:, -1] > 0)).numpy()
    test, distances, neighbours = test[usable], near.numpy()[usable].astype(np.float64), known[which.numpy()[usable]]
    agree = space.labels[neighbours[:, 0]] == space.labels[test]
    return _FoldDistances(distances[:, 0] / distances[:, -1], agree, _find_mixed(space, test, neighbours))


def _find_mixed(space: FeatureSpace, test: Index, neighbours: Index) -> NDArray[np.bool_]:
    """Which test samples ``(n,)`` lie on a line with two of their neighbours ``(n, k)`` of their own label."""
    if not space.is_vector or not len(test):
        return np.zeros(len(test), dtype=bool)
    away = space.x[neighbours].astype(np.float64) - space.x[test][:, None].astype(np.float64)
    length = np.linalg.norm(away, axis=2)
    usable = (space.labels[neighbours] == space.labels[test][:, None]) & (length > 1e-3 * length[:, -1:])
    directions = away / np.maximum(length, 1e-12)[:, :, None]
    cosines = np.abs(directions @ directions.transpose(0, 2, 1))
    # Two that are one sample twice are on a line with everything.
    apart = np.linalg.norm(away[:, :, None] - away[:, None], axis=3) > 0.05 * np.minimum(
        length[:, :, None], length[:, None]
    )
    pairs = usable[:, :, None] & usable[:, None] & apart & ~np.eye(neighbours.shape[1], dtype=bool)
    return np.asarray(((1 - cosines < MAX_COSINE_GAP) & pairs).any(axis=(1, 2)))
