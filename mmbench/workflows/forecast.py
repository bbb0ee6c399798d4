"""What a comparison will not be able to show, told before anything is trained."""

from collections.abc import Iterator, Sequence

import numpy as np

from mmbench.data import Fold, Rows, Store
from mmbench.results import ASSUMED_DEVIATION, Outcomes, find_statistical_units, smallest_significant_difference
from mmbench.workflows.resolve import Asked

_WORTH_SAYING = 0.1  # of balanced accuracy: whoever can show no smaller difference is warned


def forecast_lines(store: Store, asked: Asked, rows: Rows, folds: Sequence[Fold], comparisons: int) -> Iterator[str]:
    """A line where no difference, or only a large one, can become significant, with what would help."""
    if comparisons < 1:
        return
    seeds = asked.design.seeds
    name, units = find_statistical_units(store.groups, store.ids)
    outcomes = _outcomes(store.labels(asked.task), units, rows, folds, seeds, asked.n_classes)
    reach = smallest_significant_difference(outcomes, comparisons)
    counted = f"{_count(outcomes.n_units, name)}, {_count(seeds, 'seed')} and {_count(comparisons, 'baseline')}"
    if reach is None:
        yield f"with {counted} no difference can be significant: a class occurs in 1 {name} only; add {name}s"
    elif reach > _WORTH_SAYING:
        more = (
            f"more {name}s" + (", more seeds" if seeds == 1 else "") + (", fewer baselines" if comparisons > 1 else "")
        )
        yield (
            f"with {counted} no difference of balanced accuracy below about {reach:.2f} will be significant (where "
            f"differences between {name}s deviate by {ASSUMED_DEVIATION:.2f}); what helps: {more}"
        )


def _outcomes(
    labels: Rows,
    units: np.ndarray[tuple[int], np.dtype[np.str_]],
    rows: Rows,
    folds: Sequence[Fold],
    seeds: int,
    n: int,
) -> Outcomes:
    """The test samples, with no predictions yet."""
    fold = np.zeros(len(labels), dtype=np.int64)
    for at, each in enumerate(folds):
        fold[each.test] = at
    unit = np.unique(units[rows], return_inverse=True)[1]
    return Outcomes(labels[rows], np.zeros((seeds, len(rows)), dtype=np.int64), unit, fold[rows], n)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
