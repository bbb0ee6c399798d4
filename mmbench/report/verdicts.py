"""Who won, in a sentence and by marks: what the table of a comparison says first."""

from collections.abc import Sequence

from mmbench.comparison import Comparison, MethodResult
from mmbench.report.layout import show_interval

BEST, TIED = "*", "="
MARKS = f"{BEST} best; {TIED} not told apart from it, by exchanging {{unit}}s (Holm)"


def say_verdict(comparison: Comparison) -> str:
    """Who won, over whom, and who cannot be told from the winner, in a sentence."""
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
    if not _is_above_chance(comparison, best):
        return f"Nothing is above chance: {best.name} scores {score}, guesses stay below {comparison.chance_bound:.3f}."
    if not ties and not beaten:
        return f"{best.name} scores {score}, which is above chance; it was run against nothing."
    parts = []
    if ties:
        parts.append(f"no evidence tells it from {_listed(ties)}")
    if beaten:
        parts.append(f"it is better than {_listed(beaten)}")
    return f"{best.name} scores best, {score}: {'; '.join(parts)}."


def _is_above_chance(comparison: Comparison, best: MethodResult) -> bool:
    return best.scores["balanced_accuracy"].mean > comparison.chance_bound


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
