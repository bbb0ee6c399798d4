"""Identical samples under different ids, and the share of test samples with a copy in training."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from mmbench.data import ArraySource, Fold, InstanceSource, Rows, Store, find_row_size, read_presence, split_rows

Index = NDArray[np.int64]

MIN_LABEL_AGREEMENT = 0.8
"""Copies keep their labels: if fewer pairs have the same label, samples are similar by nature."""
_N_CHECKED, _LEAST_CHECKED = 2000, 100  # rows from which the number of distinct values is estimated
_CHECKED_BYTES = 64 << 20  # of these rows, where there are more than the least number


def find_identical_samples(store: Store, rows: Rows, modalities: Sequence[str]) -> dict[str, Index]:
    """Pairs ``(P, 2)`` of samples with the same bytes, by modality, as positions in ``rows``.

    Of several identical samples each is paired with the one before it. Missing modalities, and vectors and tables with
    few distinct values, have no pairs. Data are read once, in chunks.
    """
    vectors = [name for name in modalities if store.schema.modality(name).kind in ("vector", "table")]
    coarse = {name for name in vectors if _is_coarse(store, rows, name)}
    return {name: _same([] if name in coarse else _digests(store, rows, name)) for name in modalities}


def measure_copied_share(
    pairs: Mapping[str, Index], missing: Mapping[str, NDArray[np.bool_]], labels: Index, folds: Sequence[Fold]
) -> float:
    """The share of test samples with the data, in every modality, and the label of a training or validation sample.

    ``pairs`` ``(P, 2)`` are samples with the same data in a modality; ``missing`` ``(n,)`` marks those without it. The
    relation is transitive. The share is 0 where fewer than `MIN_LABEL_AGREEMENT` of the pairs have the same label.
    """
    n = len(labels)
    of = np.zeros(n, dtype=np.int64)
    alone = np.ones(n, dtype=bool)
    for name, each in pairs.items():
        same = np.where(missing[name], n, _connected(each, n))
        alone &= missing[name] | (np.bincount(same, minlength=n + 1)[same] < 2)
        of = np.unique(np.stack([of, same]), axis=1, return_inverse=True)[1].ravel()
    n_same = np.bincount(of)[of]
    has_copy = (n_same > 1) & ~alone
    of_label = np.unique(np.stack([of, labels]), axis=1, return_inverse=True)[1].ravel()
    n_agreeing = np.bincount(of_label)[of_label]
    if not has_copy.any() or ((n_agreeing - 1) / np.maximum(n_same - 1, 1))[has_copy].mean() < MIN_LABEL_AGREEMENT:
        return 0.0
    copied = [np.isin(of_label[fold.test], of_label[_others(fold)]) & has_copy[fold.test] for fold in folds]
    return float(np.concatenate(copied).mean())


def has_few_values(x: NDArray[np.float32]) -> bool:
    """Whether rows ``(n, D)`` have so few distinct values that equal rows occur by chance.

    Compares the Rényi entropy (order 2) of the columns, as if independent, with the number of pairs; ten bits of
    margin allow for dependence.
    """
    known = np.flatnonzero(~np.isnan(x[:, 0]))
    if len(known) < 2:
        return False
    enough, bits = 2 * np.log2(len(known)) + 10, 0.0
    for column in x.T:
        share = np.unique(column[known], return_counts=True)[1] / len(known)
        bits -= np.log2((share**2).sum())
        if bits >= enough:  # no other column takes any away
            return False
    return True


def find_missing_modalities(store: Store, rows: Rows, modalities: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which samples have no instance of a modality ``(n,)``, by modality."""
    present = {name: read_presence(store.path, name)[rows] for name in modalities}
    return {name: np.asarray(~each.any(axis=1)) for name, each in present.items()}


def _others(fold: Fold) -> Index:
    return np.concatenate([fold.train, fold.validation])


def _same(digests: Sequence[bytes | None]) -> Index:
    last: dict[bytes, int] = {}
    pairs = []
    for at, digest in enumerate(digests):
        if digest is None:
            continue
        if digest in last:
            pairs.append((last[digest], at))
        last[digest] = at
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _connected(pairs: Index, n_samples: int) -> Index:
    """Connected component of each sample ``(n,)``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_samples, n_samples))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _is_coarse(store: Store, rows: Rows, name: str) -> bool:
    source = store.source(name)
    n = min(_N_CHECKED, max(_LEAST_CHECKED, _CHECKED_BYTES // max(1, find_row_size(source, rows[:1]))))
    # From all parts of the data: the first rows may be of another origin than the others.
    x, _ = source.read(rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(np.int64)])
    return has_few_values(x.reshape(len(x), -1))


def _digests(store: Store, rows: Rows, name: str) -> list[bytes | None]:
    source = store.source(name)
    if isinstance(source, InstanceSource):
        return [_digest(source.coded(int(row))) if source.present[row].any() else None for row in rows]
    return list(_digests_of_arrays(source, rows)) if isinstance(source, ArraySource) else [None] * len(rows)


def _digests_of_arrays(source: ArraySource, rows: Rows) -> Iterator[bytes | None]:
    size = source.read(rows[:1])[0].nbytes
    for part in split_rows(rows, size):
        for bag, present in zip(*source.read(part), strict=True):
            masked = np.where(present.reshape(-1, *[1] * (bag.ndim - 1)), bag, 0)
            yield _digest([np.ascontiguousarray(masked).tobytes(), present.tobytes()]) if present.any() else None


def _digest(parts: Sequence[bytes]) -> bytes:
    hashed = blake2b(digest_size=16)
    for part in parts:
        hashed.update(len(part).to_bytes(8, "little") + part)
    return hashed.digest()
