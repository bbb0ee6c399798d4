"""Sections of a report on the verdict and the scores of every method."""

from collections.abc import Iterator

from mmbench.reporting.metric_names import direction_sentence
from mmbench.reporting.number_format import (
    format_difference,
    format_interval,
    format_p,
    format_score,
    format_signed,
)
from mmbench.reporting.pages.page_model import Lines, Section, Statement, Table, Text
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.plots.ranking import ranked, ranking
from mmbench.reporting.terminal.comparisons import adjusted_line
from mmbench.reporting.terminal.limits import limit_lines
from mmbench.reporting.terminal.run_description import describe_data
from mmbench.reporting.terminal.verdicts import describe_verdict, single_note
from mmbench.results import ALPHA, Comparison, MethodResult, describe_missing
from mmbench.storage import counted, plural_of


def verdict_section(comparison: Comparison) -> Section:
    """The verdict as a sentence and as a table, with its limitations."""
    blocks: list[Statement | Table | Text | Lines] = [Statement(describe_verdict(comparison))]
    if comparison.verdicts:
        blocks += [_verdicts(comparison), Text(_verdict_note(comparison), quiet=True)]
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
            format_difference(verdict.difference),
            format_p(verdict.p),
        )
        for verdict in comparison.verdicts
    ]
    strong = {at for at, verdict in enumerate(comparison.verdicts) if verdict.p < ALPHA}
    first = comparison.methods[0].name
    return Table(
        f"{first} compared with each other method",
        ("compared with", "verdict", "difference", "p"),
        rows,
        2,
        frozenset(strong),
    )


def _verdict_note(comparison: Comparison) -> str:
    single = f" {single_note(comparison)}." if comparison.best_single else ""
    return (
        f"Difference: {comparison.metric_title} of {comparison.methods[0].name} minus that of the other method, "
        f"paired, with a 95 % interval. {direction_sentence(comparison)}"
        f"p: t test over {plural_of(comparison.run['unit'])} and trainings; "
        f"{adjusted_line(comparison)}. "
        f"A non-significant difference does not show equivalence.{single}"
    )


def scores_section(comparison: Comparison, embedder: PlotEmbedder) -> Section:
    """The ranking as a plot, and all scores as a table."""
    notes = [
        "Bold: the best method and those not significantly worse (95 % model confidence set).",
        f"[95 % interval] over {counted(len(comparison.methods[0].units), comparison.run['unit'])}.",
        f"Last, oracle: change of {comparison.metric_title} at the last epoch, and at the best epoch on test data "
        "(oracle epoch), relative to the chosen epoch.",
        *describe_data(comparison),
    ]
    return Section(
        "ranking",
        "Ranking",
        [embedder.embed(lambda width: ranking(comparison, width)), _scores(comparison), Lines(notes)],
    )


def _scores(comparison: Comparison) -> Table:
    titles = (comparison.title_of(name) for name in (comparison.metric, *comparison.other_metrics))
    columns = ("method", *titles, "last", "oracle")
    methods = ranked(comparison)
    strong = {at for at, method in enumerate(methods) if method.name in comparison.leaders}
    return Table(
        "Scores of every method", columns, [tuple(_row(method, comparison)) for method in methods], 1, frozenset(strong)
    )


def _row(method: MethodResult, comparison: Comparison) -> Iterator[str]:
    yield method.name + ("\N{NO-BREAK SPACE}¹" if method.run["own_encoders"] else "")
    yield format_interval(method.score)
    yield from (format_score(method.score_by(name)) for name in comparison.other_metrics)
    yield format_signed(method.gap("last"))
    yield format_signed(method.gap("oracle"))
