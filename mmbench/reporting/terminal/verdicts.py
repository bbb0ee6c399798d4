"""The verdict on a comparison in sentences, and the marks of the best methods where there is no verdict."""

from collections.abc import Iterator, Sequence

from mmbench.reporting.number_format import format_difference, format_interval, format_p, format_score
from mmbench.reporting.terminal.limits import join_names
from mmbench.results import ALPHA, Comparison, FusionEffect, MethodResult, Verdict

BEST, TIED = "*", "="
MARKS = f"{BEST} best; {TIED} not significantly worse, all pairs compared (95 % model confidence set)"
_EFFECTS = {"helps": "Fusing helps", "hurts": "Fusing hurts", "not shown": "Fusing is not shown to help"}


def describe_verdict(comparison: Comparison) -> str:
    """Whether fusing helps, how the first method compares with the others, and which method scores best."""
    if not comparison.leaders:
        return "Folds are missing; verdicts need all folds."
    if comparison.verdicts:
        sentences = [_describe_guessing(comparison)] if _is_guessing(comparison) else [*_describe_first(comparison)]
        return " ".join(sentences)
    failed = "The first method failed in every fold and has no verdict. " if comparison.headless else ""
    return failed + (_describe_guessing(comparison) if _is_guessing(comparison) else _describe_best(comparison))


def mark(comparison: Comparison, name: str) -> str:
    """The mark before a method: `BEST`, `TIED`, or a blank."""
    leaders = comparison.leaders
    if len(comparison.methods) < 2 or name not in leaders:
        return " "
    return BEST if name == leaders[0] else TIED


def best_set_line(comparison: Comparison) -> str:
    """The set of best methods."""
    return f"set of best methods (95 % model confidence set): {join_names(comparison.leaders)}"


def single_note(comparison: Comparison) -> str:
    """What the mark ``²`` says: the best single modality, or the best of those that were run."""
    reads = [set(method.run["encoders"]) for method in comparison.methods]
    alone = set[str]().union(*(names for names in reads if len(names) == 1))
    is_whole = alone >= set[str]().union(*reads)
    return "² best single modality" if is_whole else "² best of the single modalities that were run"


def _describe_first(comparison: Comparison) -> Iterator[str]:
    """Sentences on the first method, the reference of all verdicts."""
    first, effect = comparison.methods[0], comparison.fusion_effect
    others = comparison.verdicts
    if effect:
        yield _describe_effect(comparison, effect)
        single = {method.name for method in comparison.methods if len(method.run["encoders"]) == 1}
        others = [verdict for verdict in others if verdict.against not in single]
    if words := _describe_words(others):
        yield f"{first.name} is {words}." if effect else f"{first.name} scores {_score(comparison, first)}: {words}."
    best = comparison.leaders[0]
    if best != first.name and not (effect and best == effect.method):
        yield f"{best} scores best, {_score(comparison, _named(comparison, best))}."


def _describe_effect(comparison: Comparison, effect: FusionEffect) -> str:
    first, single = comparison.methods[0], _named(comparison, effect.method)
    which = "a single modality" if effect.word == "hurts" else "the best single modality"
    compared = (
        f"{comparison.metric_title} of {first.name} {_score(comparison, first)} against "
        f"{format_score(single.score.mean)} for {which} ({effect.modality}), "
        f"difference {format_difference(effect.verdict.difference)}, p {format_p(effect.verdict.p)}"
    )
    rest = f"; not significantly different from {_join(effect.unclear)} either" if effect.unclear else ""
    if effect.unclear and effect.verdict.p < ALPHA:
        rest = f", but not significantly different from {_join(effect.unclear)}"
    return f"{_EFFECTS[effect.word]}: {compared}{rest}."


def _describe_words(verdicts: Sequence[Verdict]) -> str:
    """The verdicts, grouped by their words."""
    titles = {
        "significantly better": "significantly better than",
        "significantly worse": "significantly worse than",
        "not significant": "not significantly different from",
        "identical": "identical in score to",
    }
    groups = {word: [verdict.against for verdict in verdicts if verdict.word == word] for word in titles}
    return "; ".join(f"{titles[word]} {_join(names)}" for word, names in groups.items() if names)


def _is_guessing(comparison: Comparison) -> bool:
    """Whether chance level was tested and no method is significantly above it."""
    return bool(comparison.above_chance) and not any(p < ALPHA for p in comparison.above_chance.values())


def _describe_guessing(comparison: Comparison) -> str:
    best = _named(comparison, comparison.leaders[0])
    score = _score(comparison, best)
    if len(comparison.above_chance) == 1:
        return f"{best.name} is not significantly above chance, {_chance(comparison)}: it scores {score}."
    which = f"No method is significantly above chance, {_chance(comparison)}; {best.name} scores best"
    return f"{which}, {score}."


def _describe_best(comparison: Comparison) -> str:
    """The best method and the others relative to it, where the first method has no verdict."""
    best, *ties = comparison.leaders
    others = [method.name for method in comparison.methods if not method.missing and method.name not in (best, *ties)]
    score = _score(comparison, _named(comparison, best))
    if not ties and not others:
        chance = ", significantly above chance" if comparison.above_chance else ""
        return f"{best} scores {score}{chance}; no other method was run."
    parts = [f"significantly better than {_join(others)}"] if others else []
    parts += [f"not significantly different from {_join(ties)}"] if ties else []
    return f"{best} scores best, {score}: {'; '.join(parts)}."


def _named(comparison: Comparison, name: str) -> MethodResult:
    return next(method for method in comparison.methods if method.name == name)


def _score(comparison: Comparison, method: MethodResult) -> str:
    return format_interval(method.scores[comparison.metric])


def _chance(comparison: Comparison) -> str:
    return "" if comparison.chance is None else format_score(comparison.chance)


def _join(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
