"""The verdict on a comparison in one sentence, and the marks of the best methods in its table."""

from collections.abc import Sequence

from mmbench.reporting.number_format import format_interval, format_score
from mmbench.results import ALPHA, Comparison

BEST, TIED = "*", "="
MARKS = f"{BEST} best; {TIED} not significantly worse, all pairs compared (95 % model confidence set)"


def describe_verdict(comparison: Comparison) -> str:
    """Which method scores best, which ones it beats significantly, and which ones it does not, in a sentence."""
    failed = "The first method failed in every fold and has no verdict. " if comparison.headless else ""
    return failed + _describe(comparison)


def mark(comparison: Comparison, name: str) -> str:
    """The mark before a method: `BEST`, `TIED`, or a blank."""
    leaders = comparison.leaders
    if len(comparison.methods) < 2 or name not in leaders:
        return " "
    return BEST if name == leaders[0] else TIED


def _describe(comparison: Comparison) -> str:
    if not comparison.leaders:
        return "Folds are missing; verdicts need all folds."
    by_name = {method.name: method for method in comparison.methods}
    best, ties = by_name[comparison.leaders[0]], comparison.leaders[1:]
    beaten = [
        method.name for method in comparison.methods if not method.missing and method.name not in comparison.leaders
    ]
    score = format_interval(best.scores[comparison.metric])
    if comparison.above_chance and not any(p < ALPHA for p in comparison.above_chance.values()):
        if len(comparison.above_chance) > 1:
            which = f"No method is significantly above chance, {_chance(comparison)}; {best.name} scores best"
            return f"{which}, {score}."
        return f"{best.name} is not significantly above chance, {_chance(comparison)}: it scores {score}."
    if not ties and not beaten:
        chance = ", significantly above chance" if comparison.above_chance else ""
        return f"{best.name} scores {score}{chance}; no other method was run."
    parts = []
    if beaten:
        parts.append(f"significantly better than {_join(beaten)}")
    if ties:
        parts.append(f"not significantly different from {_join(ties)}")
    return f"{best.name} scores best, {score}: {'; '.join(parts)}."


def _chance(comparison: Comparison) -> str:
    return "" if comparison.chance is None else format_score(comparison.chance)


def _join(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
