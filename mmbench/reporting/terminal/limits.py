"""Limitations of a comparison: few units, one seed, classes of one unit, and what would help."""

import sys
from collections.abc import Iterator, Sequence

import numpy as np

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.number_format import format_signed
from mmbench.results import ALPHA, Comparison, Verdict
from mmbench.storage import counted, plural_of

FEW_UNITS = 6
_LEAST_BELOW = 0.005
_UNLIMITED = sys.float_info.max / 4  # bounds beyond it stand for infinity


def limit_lines(comparison: Comparison) -> Iterator[str]:
    """What the numbers of units, seeds and classes do not allow to conclude, a line each."""
    yield from _single_unit_classes(comparison)
    yield from _one_subject(comparison)
    yield from _one_unit(comparison)
    yield from _few_units(comparison)
    yield from one_seed_line(comparison)
    yield from _constant_below_chance(comparison)
    yield from _detectable_differences(comparison)


def above_chance_line(comparison: Comparison) -> Iterator[str]:
    """The methods that are not significantly above chance, if there are any, or that none was tested."""
    if comparison.above_chance_reason and comparison.has_chance_level:
        yield f"above chance: {comparison.above_chance_reason}"
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


def _one_subject(comparison: Comparison) -> Iterator[str]:
    """Units within one subject say nothing about other subjects."""
    if comparison.is_of_one_subject:
        units = plural_of(comparison.run["unit"])
        yield f"1 subject: intervals and tests are over its {units}, and hold for this subject only"


def _one_unit(comparison: Comparison) -> Iterator[str]:
    """Nothing varies between units where there is one; of classes, `_single_unit_classes` says so."""
    if comparison.methods[0].outcomes.n_units == 1 and kind_of(comparison.run) != "class":
        unit = comparison.run["unit"]
        yield f"1 {unit}: no interval and no test; add {plural_of(unit)}"


def _few_units(comparison: Comparison) -> Iterator[str]:
    n_units, unit = comparison.methods[0].outcomes.n_units, comparison.run["unit"]
    if 1 < n_units < FEW_UNITS:
        degrees = "1 degree" if n_units == 2 else f"{n_units - 1} degrees"
        yield f"{counted(n_units, unit)}: intervals and tests have {degrees} of freedom; add {plural_of(unit)}"


def one_seed_line(comparison: Comparison) -> Iterator[str]:
    """With one seed, variation between trainings is confounded with variation between folds.

    Where other methods have several, these may be equal in their predictions and differ in their intervals.
    """
    varying = [method for method in comparison.methods if method.varies and not method.missing]
    single = [method for method in varying if method.outcomes.n_seeds == 1]
    outcomes = comparison.methods[0].outcomes
    if not single or outcomes.n_folds >= outcomes.n_units:
        return
    unit, several = comparison.run["unit"], len(single) < len(varying)
    elsewhere = all(method.is_elsewhere for method in single)
    more = "predictions of several seeds measure" if elsewhere else "--seeds 3 measures"
    which = f"1 seed of {join_names([method.name for method in single])}" if several else "1 seed"
    yield (
        f"{which}: variation between trainings cannot be separated from variation between {plural_of(unit)} "
        f"({counted(outcomes.n_folds, 'fold')}); {more} it"
        + ("; equal predictions of several seeds have other intervals" if several else "")
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


def _detectable_differences(comparison: Comparison) -> Iterator[str]:
    """The smallest half-width of the intervals of differences, and the largest where it is another number.

    Each row has a width of its own. They are rounded down, so that no significant difference is below the smallest one.
    """
    tested = [each for each in comparison.verdicts if each.error > 0 or each.p < ALPHA]
    widths = {each.against: half_width(each) for each in tested}
    known = [width for width in widths.values() if width < min(comparison.range_of_scores, _UNLIMITED)]
    without = [name for name, width in widths.items() if width not in known]
    if not known or not (least := _round_down(min(known))):
        return
    largest = _round_down(max(known))
    which = f"{least} cannot" if least == largest else f"{least} to {largest}, depending on the row, cannot"
    yield f"differences below about {which} be significant here" + (
        f", and none from {join_names(without)}" if without else ""
    )


def half_width(verdict: Verdict) -> float:
    """What a difference must exceed to be significant: from it to the farther end of its interval.

    The nearer end may be cut off where a score cannot go further. A difference that is the same in all units has an
    interval without width, and is significant by its sign.
    """
    interval = verdict.difference
    return max(interval.high - interval.mean, interval.mean - interval.low) or abs(interval.mean)


def _round_down(width: float) -> str:
    """The width in the digits of a table, not rounded up; empty for 0."""
    text = format_signed(width, 2).lstrip("+")
    if float(text) > width:
        text = format_signed(float(text) - 10.0 ** -len(text.partition(".")[2]), 2).lstrip("+")
    return text if float(text) > 0 else ""
