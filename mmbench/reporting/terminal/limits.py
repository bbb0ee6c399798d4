"""Lines about what a comparison cannot conclude, and what would help."""

from collections.abc import Iterator

import numpy as np

from mmbench.reporting.terminal.layout import show_gap
from mmbench.results import ALPHA, Comparison

FEW_UNITS = 6


def limit_lines(comparison: Comparison) -> Iterator[str]:
    """What the number of people, seeds and classes leaves open."""
    yield from _undecidable(comparison)
    yield from _few_units(comparison)
    yield from _one_seed(comparison)
    if reach := _reach(comparison):
        yield f"differences below about {show_gap(reach, 2).lstrip('+')} could not be significant here"


def above_chance_line(comparison: Comparison) -> Iterator[str]:
    """The methods that are not significantly above chance."""
    below = [name for name, p in comparison.above_chance.items() if p >= ALPHA]
    if below:
        adjusted = "" if len(comparison.above_chance) == 1 else ", adjusted"
        yield f"not significantly above chance (one-sided p{adjusted}): {', '.join(below)}"


def _undecidable(comparison: Comparison) -> Iterator[str]:
    """Classes that a single unit has: no variance of their recall can be estimated."""
    outcomes, unit = comparison.methods[0].outcomes, comparison.run["unit"]
    alone = [
        name
        for at, name in enumerate(comparison.run["classes"])
        if len(np.unique(outcomes.unit[outcomes.labels == at])) == 1
    ]
    if alone:
        yield f"{', '.join(alone)}: in 1 {unit} only, so that there is no interval and no test; add {unit}s"


def _few_units(comparison: Comparison) -> Iterator[str]:
    n_units, unit = comparison.methods[0].outcomes.n_units, comparison.run["unit"]
    if 1 < n_units < FEW_UNITS:
        yield f"{n_units} {unit}s: intervals and tests rest on {n_units - 1} degrees of freedom; add {unit}s"


def _one_seed(comparison: Comparison) -> Iterator[str]:
    """With one seed, how much trainings vary is only seen between folds."""
    varying = [method for method in comparison.methods if method.varies and not method.missing]
    outcomes = comparison.methods[0].outcomes
    nested = outcomes.ratios("balanced_accuracy")
    if varying and outcomes.n_seeds == 1 and nested.n_folds < nested.n_units:
        yield (
            f"1 seed: variation between trainings is only seen between the {nested.n_folds} folds, "
            "and cannot be told from that between people; --seeds 3 measures it"
        )


def _reach(comparison: Comparison) -> float | None:
    """The widest half of the intervals of differences to methods that are trained, where these say anything."""
    trained = {method.name for method in comparison.methods if method.varies}
    widths = [
        (verdict.difference.high - verdict.difference.low) / 2
        for verdict in comparison.verdicts
        if verdict.error > 0 and verdict.against in trained
    ]
    return max(widths) if widths and max(widths) < 1 else None
