"""Balanced parts: whole groups distributed so that each part has nearly the proportions of all samples."""

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.stratify import Cut, Names, Order

Shares = NDArray[np.float64]


def cut_balanced(
    of: Names, strata: NDArray[np.bool_], n_folds: int, order: Order, validation: float, *, one_out: bool
) -> list[Cut]:
    """Test and validation parts of folds, balanced by ``strata`` ``(n, S)``; ``of`` ``(n,)`` is the group of a sample.

    With ``one_out``, the test parts are the single groups, and only validation is balanced. At least two groups are
    outside of each test part.
    """
    names = np.unique(of)
    if one_out:
        tests = np.array_split(order(names, "test"), len(names))
    else:
        tests = balance_groups(of, strata, n_folds, order, "balanced test", most=len(names) - 2)
    return [
        Cut(tested, choose_balanced(of[rest], strata[rest], validation, order, f"balanced validation {index}"))
        for index, tested in enumerate(tests)
        for rest in [~np.isin(of, tested)]
    ]


def choose_balanced(of: Names, strata: NDArray[np.bool_], share: float, order: Order, purpose: str) -> Names:
    """The groups of one part with about this ``share`` of the samples and nearly the proportions of all."""
    n_parts = min(max(2, round(1 / share)), len(np.unique(of)))
    parts = balance_groups(of, strata, n_parts, order, purpose)
    names, shares = _shares(of, strata)
    return min(parts, key=lambda part: float(np.abs(shares[np.isin(names, part)].sum(axis=0) - share).max()))


def balance_groups(
    of: Names, strata: NDArray[np.bool_], n_parts: int, order: Order, purpose: str, most: int | None = None
) -> list[Names]:
    """The groups of each of ``n_parts`` parts, none of them empty or of more than ``most`` groups.

    ``order`` decides between equal choices.

    Groups are taken by the largest share that they have of a stratum, and each is put into the part that has least of
    what it brings: greedy, as scikit-learn's ``StratifiedGroupKFold``, but for strata that overlap, such as labels, as
    in Sechidis et al. 2011 (ECML PKDD, doi:10.1007/978-3-642-23808-6_10). The number of samples counts as a stratum.
    """
    names, shares = _shares(of, strata)
    rank = {name: at for at, name in enumerate(order(names, purpose).tolist())}
    drawn = np.array([rank[name] for name in names.tolist()])
    part_of = np.full(len(names), -1)
    loads, sizes = np.zeros((n_parts, shares.shape[1])), np.zeros(n_parts, dtype=np.int64)
    for n_left, group in zip(range(len(names), 0, -1), np.lexsort((drawn, -shares.max(axis=1))), strict=True):
        cost = loads @ shares[group]  # half of what the group adds to the sum of squared loads, but for a constant
        if n_left <= (sizes == 0).sum():
            cost[sizes > 0] = np.inf
        if most is not None:
            cost[sizes >= most] = np.inf
        part_of[group] = np.lexsort((loads[:, -1], cost))[0]
        loads[part_of[group]] += shares[group]
        sizes[part_of[group]] += 1
    return [names[part_of == part] for part in range(n_parts)]


def _shares(of: Names, strata: NDArray[np.bool_]) -> tuple[Names, Shares]:
    """The groups in order, and the share that each has of every stratum and of all samples ``(G, S + 1)``."""
    names, index = np.unique(of, return_inverse=True)
    counts = np.zeros((len(names), strata.shape[1] + 1))
    np.add.at(counts, index, np.column_stack([strata, np.ones(len(of))]))
    return names, counts / np.maximum(counts.sum(axis=0), 1)
