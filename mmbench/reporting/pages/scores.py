"""The first sections of a report: who won, by how much, and every score."""

from collections.abc import Iterator

from mmbench.reporting.pages.blocks import Lines, Section, Statement, Table, Text
from mmbench.reporting.pages.drawing import Canvas
from mmbench.reporting.plots.ranking import ranked, ranking
from mmbench.reporting.terminal.layout import show_difference, show_gap, show_interval, show_p
from mmbench.reporting.terminal.limits import limit_lines
from mmbench.reporting.terminal.quantities import short_count, short_time
from mmbench.reporting.terminal.tables import adjusted_line, describe_data
from mmbench.reporting.terminal.verdicts import say_verdict
from mmbench.results import Comparison, MethodResult, describe_missing

_METRIC = "balanced_accuracy"


def verdict_section(comparison: Comparison) -> Section:
    """The verdict in words, then in numbers."""
    blocks: list[Statement | Table | Text | Lines] = [Statement(say_verdict(comparison))]
    if comparison.verdicts:
        blocks += [_verdicts(comparison), Text(_on_verdicts(comparison), quiet=True)]
    if limits := list(limit_lines(comparison)):
        blocks.append(Lines(limits))
    if missing := list(describe_missing(comparison)):
        blocks.append(Lines(missing))
    return Section("verdict", "Verdict", blocks)


def _verdicts(comparison: Comparison) -> Table:
    rows = [
        (
            verdict.against + ("\N{NO-BREAK SPACE}²" if verdict.against == comparison.best_single else ""),
            verdict.word,
            show_difference(verdict.difference),
            show_p(verdict.p),
        )
        for verdict in comparison.verdicts
    ]
    strong = {
        at for at, verdict in enumerate(comparison.verdicts) if verdict.word not in ("not significant", "identical")
    }
    first = comparison.methods[0].name
    return Table(
        f"{first} against each of the others", ("against", "verdict", "difference", "p"), rows, 2, frozenset(strong)
    )


def _on_verdicts(comparison: Comparison) -> str:
    single = " ² the best single modality." if comparison.best_single else ""
    return (
        "Difference: of balanced accuracy, paired, with a 95 % interval; p: t test over "
        f"{comparison.run['unit']}s and trainings; {adjusted_line(comparison)}. "
        f"A non-significant difference does not show equivalence.{single}"
    )


def scores_section(comparison: Comparison, canvas: Canvas) -> Section:
    """The ranking as a plot, and every score as a table."""
    notes = [
        "In bold: the best method, and those not significantly worse (95 % model confidence set).",
        f"[95 % interval] over {len(comparison.methods[0].units)} {comparison.run['unit']}s. Last, oracle: balanced "
        "accuracy gained by taking the last epoch, or the best one on test labels, for the one chosen.",
        *describe_data(comparison),
    ]
    return Section(
        "ranking", "Ranking", [canvas.draw(lambda width: ranking(comparison, width)), _scores(comparison), Lines(notes)]
    )


def _scores(comparison: Comparison) -> Table:
    columns = ("method", "balanced accuracy", "accuracy", "macro F1", "last", "oracle", "parameters", "time")
    methods = ranked(comparison)
    strong = {at for at, method in enumerate(methods) if method.name in comparison.leaders}
    return Table("Scores of every method", columns, [tuple(_row(method)) for method in methods], 1, frozenset(strong))


def _row(method: MethodResult) -> Iterator[str]:
    scores = method.scores
    yield method.name + ("\N{NO-BREAK SPACE}¹" if method.run["own_encoders"] else "")
    yield show_interval(scores[_METRIC])
    yield f"{scores['accuracy'].mean:.3f}"
    yield f"{scores['macro_f1'].mean:.3f}"
    yield show_gap(method.gap("last"))
    yield show_gap(method.gap("oracle"))
    yield short_count(method.parameters["total"])
    yield short_time(method.seconds)
