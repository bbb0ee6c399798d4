"""Test samples that are copies, noisy copies or mixtures of training samples, found by distances of features.

The ratio of the distances to the nearest and to the tenth nearest training sample depends on the intrinsic dimension d
of the data, not on their density: ``P(r1 / r10 < a) = 1 - (1 - a^d)^9`` (Facco et al. 2017, TwoNN, for the second
nearest). Noisy copies have far smaller ratios. Synthetic samples of SMOTE (Chawla et al. 2002) lie on the line between
two neighbours of one class, which independent samples in more than a few dimensions do not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.integrity import MIN_LABEL_AGREEMENT
from mmbench.workflows.audit.findings import CopiedSamples

Index = NDArray[np.int64]
Features = NDArray[np.float32]

NEIGHBOURS = 10
DIMENSION_FACTOR = 0.7
"""Factor on the estimated dimension, since density and dimension vary locally."""
MAX_PROBABILITY = 1e-3  # probability of the distance ratio below which a nearest sample counts as a copy
MAX_COSINE_GAP = 1e-5  # 1 - |cosine| of the directions to two neighbours on one line; above the rounding of float32
MIN_SAMPLES, MIN_DIMENSIONS = 30, 3.0
"""Numbers of test samples and of dimensions below which distances are not conclusive."""
_CHANCE = 2
_MAX_SAMPLES = 2000  # test samples per fold; larger test parts are subsampled
_BLOCK = 256


@dataclass(frozen=True)
class FeatureSpace:
    """Standardised features ``x`` ``(n, D)`` of all modalities; ``whole`` ``(n,)`` marks samples without missing ones.

    ``recordings`` ``(n,)`` is the finest group: samples within one are not compared, since they are alike by nature.
    None without groups. ``is_vector``: the features are the data themselves, so that mixtures lie on lines.
    """

    x: Features
    whole: NDArray[np.bool_]
    labels: Index
    recordings: Index | None
    is_vector: bool


def make_feature_space(
    features: Mapping[str, Features], labels: Index, recordings: Index | None, is_vector: bool
) -> FeatureSpace:
    """Feature space of ``(n, D)`` per modality, NaN if it is missing; modalities have equal weight."""
    whole = ~np.any([np.isnan(x[:, 0]) for x in features.values()], axis=0)
    columns = [_standardised(x, whole) for x in features.values()]
    return FeatureSpace(np.concatenate(columns, axis=1), whole, labels, recordings, is_vector)


def find_copied_samples(space: FeatureSpace, folds: Sequence[Fold], copies: float) -> CopiedSamples:
    """Copied test samples over all folds; ``copies`` is the share with exactly the same data."""
    found = [part for fold in folds if (part := _measure_fold(space, fold)) is not None]
    n_seen = sum(len(part.ratios) for part in found)
    if n_seen < MIN_SAMPLES:
        needed = f"{MIN_SAMPLES} test samples, each with {NEIGHBOURS} training samples of other recordings"
        return CopiedSamples(copies, reason=f"this needs {needed}; here are {n_seen}")
    ratios, agree, mixed = (np.concatenate(columns) for columns in zip(*found, strict=True))
    dimensions = estimate_dimensions(ratios)
    if dimensions < MIN_DIMENSIONS:
        reason = f"features vary in about {dimensions:.1f} dimensions, too few to distinguish copies from neighbours"
        return CopiedSamples(copies, dimensions=dimensions, reason=reason)
    near = ratio_probability(ratios, DIMENSION_FACTOR * dimensions) < MAX_PROBABILITY
    is_copied = near.any() and agree[near].mean() >= MIN_LABEL_AGREEMENT
    share = _share(near & agree) if is_copied else 0.0
    return CopiedSamples(copies, share, _share(mixed) if space.is_vector else None, dimensions)


def _share(found: NDArray[np.bool_]) -> float:
    """The share of test samples; 0 for one or two, which may be chance."""
    return float(found.mean()) if found.sum() > _CHANCE else 0.0


def estimate_dimensions(ratios: NDArray[np.float64]) -> float:
    """Intrinsic dimension from the 90th percentile of the ratios ``r1 / r10``, which copies do not affect."""
    quantile, share = float(np.quantile(ratios, 0.9)), 0.9
    inside = 1 - (1 - share) ** (1 / (NEIGHBOURS - 1))
    return float(np.log(inside) / np.log(np.clip(quantile, 1e-6, 1 - 1e-6)))


def ratio_probability(ratios: NDArray[np.float64], dimensions: float) -> NDArray[np.float64]:
    """Probabilities of ratios ``r1 / r10`` as small or smaller, for independent samples."""
    return np.asarray(1 - (1 - ratios**dimensions) ** (NEIGHBOURS - 1), dtype=np.float64)


def _standardised(x: Features, whole: NDArray[np.bool_]) -> Features:
    known = x[whole].astype(np.float64)
    mean, spread = (known.mean(axis=0), known.std(axis=0)) if len(known) else (0.0, np.zeros(x.shape[1]))
    varies = spread > 1e-7 * np.abs(mean) + 1e-12
    scaled = np.where(varies, (x - mean) / np.where(varies, spread, 1), 0.0)
    return np.asarray(np.nan_to_num(scaled) / np.sqrt(x.shape[1]), dtype=np.float32)


@dataclass(frozen=True)
class _FoldDistances:
    """Test samples of a fold: ``r1 / r10``, whether the nearest has their label, and whether they are mixtures."""

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
    queries, references = torch.from_numpy(space.x[test]), torch.from_numpy(space.x[known])
    distance = torch.cdist(queries, references, compute_mode="donot_use_mm_for_euclid_dist")
    if space.recordings is not None:
        same = space.recordings[test][:, None] == space.recordings[known][None, :]
        distance[torch.from_numpy(same)] = torch.inf
    near, which = distance.topk(NEIGHBOURS, largest=False)
    usable = (near[:, -1].isfinite() & (near[:, -1] > 0)).numpy()
    test, distances, neighbours = test[usable], near.numpy()[usable].astype(np.float64), known[which.numpy()[usable]]
    agree = space.labels[neighbours[:, 0]] == space.labels[test]
    return _FoldDistances(distances[:, 0] / distances[:, -1], agree, _find_mixed(space, test, neighbours))


def _find_mixed(space: FeatureSpace, test: Index, neighbours: Index) -> NDArray[np.bool_]:
    """Which test samples ``(n,)`` lie on a line with two of their neighbours ``(n, k)`` of their own label."""
    if not space.is_vector or not len(test):
        return np.zeros(len(test), dtype=bool)
    offsets = space.x[neighbours].astype(np.float64) - space.x[test][:, None].astype(np.float64)
    length = np.linalg.norm(offsets, axis=2)
    usable = (space.labels[neighbours] == space.labels[test][:, None]) & (length > 1e-3 * length[:, -1:])
    directions = offsets / np.maximum(length, 1e-12)[:, :, None]
    cosines = np.abs(directions @ directions.transpose(0, 2, 1))
    # Two copies of one sample lie on a line with every other sample.
    distinct = np.linalg.norm(offsets[:, :, None] - offsets[:, None], axis=3) > 0.05 * np.minimum(
        length[:, :, None], length[:, None]
    )
    pairs = usable[:, :, None] & usable[:, None] & distinct & ~np.eye(neighbours.shape[1], dtype=bool)
    return np.asarray(((1 - cosines < MAX_COSINE_GAP) & pairs).any(axis=(1, 2)))
