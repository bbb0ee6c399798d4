"""Plot of an ablation: difference of each parameter value to the default."""

from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import capitalized, direction_sentence
from mmbench.reporting.number_format import format_difference, format_interval
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, INK, MUTED, WIDTH, name_rows, new_figure, styled

if TYPE_CHECKING:
    from mmbench.workflows import AblationResult, AblationRow, AblationTable


def can_show(result: "AblationResult", table: "AblationTable") -> bool:
    """Whether a row of the table can be compared with the default."""
    return any(result.difference(row) for row in table.rows)


def ablation(result: "AblationResult", table: "AblationTable", width: float = WIDTH) -> Plot:
    """A row per value: its score minus that of the default, with a paired interval."""
    rows, mark = [row for row in table.rows if row.method], Marks()
    metric, title = result.comparison.metric, result.comparison.metric_title
    with styled():
        figure = new_figure(0.4 * len(rows) + 0.9, width)
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=1.0)
        for at, row in enumerate(rows):
            if result.is_default(row):
                (point,) = axes.plot(0, at, "D", color=MUTED, markersize=7)
                mark(point, f"{row.value}: the default")
            elif found := result.difference(row):
                gap = found[metric]
                axes.plot([gap.low, gap.high], [at, at], color=BLUE, linewidth=2.2, alpha=0.45)
                (point,) = axes.plot(gap.mean, at, "o", color=BLUE, markersize=8)
                mark(point, f"{row.value}: {format_difference(gap)}")
        name_rows(axes, [row.value for row in rows], width)
        axes.set_xlabel(f"difference of {title} to the default")
    return Plot(
        figure,
        f"{table.name}: each value compared with the default",
        f"{capitalized(title)} of {result.default.name} with each value of {table.parameter} minus that with the "
        "default, paired, with 95 % intervals, which are not adjusted for the number of values. "
        f"{direction_sentence(result.comparison)}".rstrip(),
        (table.parameter, title, "difference"),
        tuple(_row(result, row) for row in table.rows),
        mark.texts,
    )


def _row(result: "AblationResult", row: "AblationRow") -> tuple[str, ...]:

    if row.method is None:
        return (row.value, "–", "not run")
    metric, found = result.comparison.metric, result.difference(row)
    gap = format_difference(found[metric]) if found else "default" if result.is_default(row) else "?"
    return (row.value, format_interval(row.method.scores[metric]), gap)
