"""Limitations of a comparison: few units, one seed, classes of one unit, and what would help."""

from collections.abc import Iterator, Sequence

import numpy as np

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.number_format import format_signed
from mmbench.results import ALPHA, Comparison
from mmbench.storage import counted, plural_of

FEW_UNITS = 6
_LEAST_BELOW = 0.005


def limit_lines(comparison: Comparison) -> Iterator[str]:
    """What the numbers of units, seeds and classes do not allow to conclude, a line each."""
    yield from _single_unit_classes(comparison)
    yield from _few_units(comparison)
    yield from one_seed_line(comparison)
    yield from _constant_below_chance(comparison)
    if least := _detectable_difference(comparison):
        yield f"differences below about {format_signed(least, 2).lstrip('+')} cannot be significant here"


def above_chance_line(comparison: Comparison) -> Iterator[str]:
    """The methods that are not significantly above chance, if there are any."""
    below = [name for name, p in comparison.above_chance.items() if p >= ALPHA]
    if below:
        adjusted = "" if len(comparison.above_chance) == 1 else ", adjusted"
        yield f"not significantly above chance (one-sided p{adjusted}): {join_names(below)}"


def join_names(names: Sequence[str]) -> str:
    """Names separated by commas, or by semicolons where a name itself holds a comma."""
    return ("; " if any("," in name for name in names) else ", ").join(names)


def _single_unit_classes(comparison: Comparison) -> Iterator[str]:
    """Classes that only one unit has: the variance of their recall cannot be estimated."""
    outcomes, unit = comparison.methods[0].outcomes, comparison.run["unit"]
    if kind_of(comparison.run) != "class":
        return
    alone = [
        name
        for at, name in enumerate(comparison.run["classes"])
        if len(np.unique(outcomes.unit[outcomes.labels == at])) == 1
    ]
    if alone:
        which = "class" if len(alone) == 1 else "classes"
        yield f"{which} of 1 {unit} only: {join_names(alone)}; no interval and no test: add {plural_of(unit)}"


def _few_units(comparison: Comparison) -> Iterator[str]:
    n_units, unit = comparison.methods[0].outcomes.n_units, comparison.run["unit"]
    if 1 < n_units < FEW_UNITS:
        degrees = "1 degree" if n_units == 2 else f"{n_units - 1} degrees"
        yield f"{counted(n_units, unit)}: intervals and tests have {degrees} of freedom; add {plural_of(unit)}"


def one_seed_line(comparison: Comparison) -> Iterator[str]:
    """With one seed, variation between trainings is confounded with variation between folds."""
    varying = [method for method in comparison.methods if method.varies and not method.missing]
    outcomes = comparison.methods[0].outcomes
    unit = comparison.run["unit"]
    more = "predictions of several seeds measure" if comparison.methods[0].is_elsewhere else "--seeds 3 measures"
    if varying and outcomes.n_seeds == 1 and outcomes.n_folds < outcomes.n_units:
        yield (
            f"1 seed: variation between trainings cannot be separated from variation between {plural_of(unit)} "
            f"({counted(outcomes.n_folds, 'fold')}); {more} it"
        )


def _constant_below_chance(comparison: Comparison) -> Iterator[str]:
    """Why a method that reads nothing scores below chance: its constant is another one in each fold.

    Where a fold tests many samples of a class, its training part has fewer of them, so that the constants of all folds
    together are opposed to the labels. A metric within folds would have other intervals than those of the table.
    """
    chance, folds = comparison.chance, comparison.methods[0].outcomes.n_folds
    for method in comparison.methods:
        if method.run["encoders"] or method.is_elsewhere or chance is None or folds < 2:
            continue
        if method.orient(method.score.mean) < method.orient(chance) - _LEAST_BELOW:
            yield (
                f"{method.name} is below chance: it predicts another constant in each of {folds} folds, and "
                f"{comparison.metric_title} is over the samples of all folds together"
            )


def _detectable_difference(comparison: Comparison) -> float | None:
    """The largest half-width of the intervals of differences to trained methods; None if it says nothing."""
    trained = {method.name for method in comparison.methods if method.varies}
    widths = [
        (verdict.difference.high - verdict.difference.low) / 2
        for verdict in comparison.verdicts
        if verdict.error > 0 and verdict.against in trained
    ]
    largest = max(widths, default=np.inf)
    return largest if largest < comparison.range_of_scores else None
