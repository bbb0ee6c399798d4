"""Footnotes on the tuning budget of each method."""

from collections.abc import Iterator, Sequence

from mmbench.results import MethodResult
from mmbench.storage import counted


def tuning_lines(methods: Sequence[MethodResult]) -> Iterator[str]:
    """The tuning budget of each method and the tuning trials that it ran; no line if nothing was tuned."""
    budgets = [_budget(method) for method in methods]
    for budget in dict.fromkeys(filter(None, budgets)):
        who = [method for method, own in zip(methods, budgets, strict=True) if own == budget]
        counts = [_count(method) for method in who]
        names = "" if len(who) == len(methods) else f"{', '.join(method.name for method in who)}: "
        yield f"{names}{budget}"
        if any(count != str(who[0].run["tuning"]["trials"]) for count in counts):
            done = (f"{method.name} {count}" for method, count in zip(who, counts, strict=True))
            yield f"tuning trials run: {', '.join(done)} (1 where there is nothing to tune)"
    if any(budgets) and not all(budgets):
        yield f"not tuned: {', '.join(method.name for method, own in zip(methods, budgets, strict=True) if not own)}"


def _budget(method: MethodResult) -> str | None:
    settings = method.run.get("tuning")
    if not settings:
        return None
    limit = f", at most {settings['seconds']:g} s" if settings["seconds"] else ""
    trials = counted(settings["trials"], "tuning trial")
    if settings["scope"] == "once":
        return (
            f"TUNED ON THE FIRST FOLD ONLY (--tune-scope once), {trials} per method{limit}: "
            "test samples of other folds were used for the choice"
        )
    return f"tuned on the validation part of each fold, {trials} per method and fold{limit}"


def _count(method: MethodResult) -> str:
    """The number of tuning trials of a method, from the fewest to the most over its folds."""
    counts = sorted({len(record.tuning["trials"]) for record in method.records if record.tuning})
    return "–".join(dict.fromkeys(map(str, (counts[0], counts[-1])))) if counts else "0"
