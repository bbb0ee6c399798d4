"""Coverage of intervals around predicted values, with the bias and the spread of residuals."""

from typing import TYPE_CHECKING, NamedTuple

from mmbench.reporting.number_format import format_interval, format_score, format_signed
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import BLUE, MUTED, WIDTH, name_rows, new_figure, styled

if TYPE_CHECKING:
    from mmbench.results import Comparison, TargetResiduals

NOMINAL = 0.95
"""The coverage of intervals whose width is right."""


class _Row(NamedTuple):
    method: str
    name: str  # of the method, and of the target where there are several
    target: "TargetResiduals"


def has_coverage(comparison: "Comparison") -> bool:
    """Whether the task predicts values, and the records hold the residuals of the validation part."""
    return any(row.target.coverage is not None for row in _rows(comparison))


def coverage(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A row for each method and target: the share of test samples within the intervals, beside the nominal one."""
    rows, mark = _rows(comparison), Marks()
    with styled():
        figure = new_figure(0.36 * len(rows) + 0.9, width)
        axes = figure.subplots()
        axes.axvline(NOMINAL, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
        for at, row in enumerate(rows):
            if found := row.target.coverage:
                axes.plot([found.low, found.high], [at, at], color=BLUE, linewidth=2.2, alpha=0.45)
                (point,) = axes.plot(found.mean, at, "o", color=BLUE, markersize=8, clip_on=False)
                mark(point, f"{row.name}: {format_interval(found)} of the test samples")
        name_rows(axes, [row.name for row in rows], width)
        axes.set_xlabel("share of test samples within their 95 % interval")
    return Plot(
        figure,
        "Coverage of 95 % intervals",
        "An interval reaches 1.96 standard deviations of the validation residuals to both sides of a prediction. On "
        "the dashed line, .95, its width is right; left of it, intervals are too narrow. The table has the bias, the "
        "standard deviation and quantiles of prediction minus target.",
        ("method", "target", "coverage [95 % interval]", "bias", "deviation", "5 %", "median", "95 %"),
        tuple((row.method, row.target.name, *_cells(row.target)) for row in rows),
        mark.texts,
        names=2,
    )


def _rows(comparison: "Comparison") -> list[_Row]:
    rows = []
    for method in ranked(comparison):
        targets = method.residuals.targets if method.residuals else ()
        for target in targets:
            name = method.name if len(targets) == 1 else f"{method.name} · {target.name}"
            rows.append(_Row(method.name, name, target))
    return rows


def _cells(target: "TargetResiduals") -> tuple[str, ...]:
    low, _, median, _, high = target.quantiles
    return (
        "–" if target.coverage is None else format_interval(target.coverage),
        format_signed(target.bias.mean),
        format_score(target.deviation),
        *(format_signed(value) for value in (low, median, high)),
    )
