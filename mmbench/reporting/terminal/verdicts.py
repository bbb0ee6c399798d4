"""Who won, in a sentence and by marks: what the table of a comparison says first."""

from collections.abc import Sequence

from mmbench.reporting.terminal.layout import show_interval
from mmbench.results import ALPHA, Comparison

BEST, TIED = "*", "="
MARKS = f"{BEST} best; {TIED} not significantly worse, all pairs compared (95 % model confidence set)"


def say_verdict(comparison: Comparison) -> str:
    """Who won, over whom, and who is not significantly worse than the winner, in a sentence."""
    lost = (
        "The method that was asked for failed in every fold: there is no verdict on it. " if comparison.headless else ""
    )
    return lost + _say(comparison)


def mark(comparison: Comparison, name: str) -> str:
    """The mark before a method: of the best, of its ties, or a blank."""
    leaders = comparison.leaders
    if len(comparison.methods) < 2 or name not in leaders:
        return " "
    return BEST if name == leaders[0] else TIED


def _say(comparison: Comparison) -> str:
    if not comparison.leaders:
        return "Folds are missing: there is no verdict yet."
    by_name = {method.name: method for method in comparison.methods}
    best, ties = by_name[comparison.leaders[0]], comparison.leaders[1:]
    beaten = [
        method.name for method in comparison.methods if not method.missing and method.name not in comparison.leaders
    ]
    score = show_interval(best.scores["balanced_accuracy"])
    if not any(p < ALPHA for p in comparison.above_chance.values()):
        which = "No method is" if len(comparison.above_chance) > 1 else "It is not"
        return f"{which} significantly above chance, {comparison.chance:.3f}: {best.name} scores {score}."
    if not ties and not beaten:
        return f"{best.name} scores {score}, significantly above chance; it was run against nothing."
    parts = []
    if beaten:
        parts.append(f"significantly better than {_listed(beaten)}")
    if ties:
        parts.append(f"not significantly different from {_listed(ties)}")
    return f"{best.name} scores best, {score}: {'; '.join(parts)}."


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
