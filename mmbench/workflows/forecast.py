"""Lines printed before training: which differences a comparison will be too small to find significant."""

from collections.abc import Iterator, Sequence

import numpy as np

from mmbench.data import Fold, Rows
from mmbench.execution import Setup
from mmbench.results import ASSUMED_DEVIATION, Outcomes, find_statistical_units, smallest_significant_difference
from mmbench.storage import counted, plural_of
from mmbench.workflows.resolve import Request

_LARGE_DIFFERENCE = 0.1  # of balanced accuracy: a warning is given if only larger differences can become significant


def forecast_lines(request: Request, setup: Setup) -> Iterator[str]:
    """A warning if no difference, or only a large one, can become significant, with a remedy.

    The smallest significant difference is known of balanced accuracy; other metrics have another scale.
    """
    comparisons = len(request.recipes) - 1
    if comparisons < 1:
        return
    seeds, store = request.settings.seeds, setup.store
    name, units = find_statistical_units(store.groups, store.ids)
    tested = np.unique(np.concatenate([fold.test for fold in setup.folds]))
    if len(np.unique(units[tested])) == 1:
        yield f"with 1 {name} in the test parts no difference can be significant; add {plural_of(name)}"
        return
    if request.metric != "balanced_accuracy":
        return
    outcomes = _outcomes(store.labels(request.task), units, tested, setup.folds, seeds, request.n_classes)
    reach = smallest_significant_difference(outcomes, comparisons)
    design = f"{counted(outcomes.n_units, name)}, {counted(seeds, 'seed')} and {counted(comparisons, 'baseline')}"
    if reach is None:
        yield f"with {design} no difference can be significant: a class occurs in 1 {name} only; add {name}s"
    elif reach > _LARGE_DIFFERENCE:
        below = f" below about {reach:.2f}" if reach < 1 else ""
        helps = f"more {name}s{', more seeds' * (seeds == 1)}{', fewer baselines' * (comparisons > 1)}"
        yield (
            f"with {design} no difference of balanced accuracy{below} will be significant (where differences between "
            f"{name}s deviate by {ASSUMED_DEVIATION:.2f}); what helps: {helps}"
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
