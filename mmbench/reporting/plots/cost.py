"""Score over cost: operations, latency and training time."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.number_format import format_count, format_duration, format_latency, format_score
from mmbench.reporting.plots.panels import add_legend
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import INK, MUTED, NARROW, WIDTH, new_figure, point_of, series, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult
    from mmbench.training import Cost

_COSTS: "Mapping[str, tuple[Callable[[Cost], float | None], Callable[[float], str], str]]" = {
    "FLOPs per sample": (lambda cost: cost.flops, lambda value: format_count(round(value)), ""),
    "latency per sample": (lambda cost: cost.latency_ms, format_latency, " ms"),
    "training time": (lambda cost: cost.train_seconds, format_duration, " s"),
}
_WIDE = 25  # from the least to the greatest, above which powers of ten are ticks enough
NEEDS = "measured costs"
"""Parts of records that the plot needs."""


def _measured(comparison: "Comparison") -> list[str]:
    """The costs that were measured, and are above 0, for at least one method."""
    costs = [method.cost for method in comparison.methods]
    return [name for name, (find, *_) in _COSTS.items() if any(find(cost) for cost in costs)]


def can_show(comparison: "Comparison") -> bool:
    """Whether any cost was measured."""
    return bool(_measured(comparison))


def cost(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel per cost, on a logarithmic axis; methods whose cost is 0 or was not measured are left out."""
    methods, mark, names = ranked(comparison), Marks(), _measured(comparison)
    title = comparison.metric_title
    styles = {method.name: series(at) for at, method in enumerate(methods)}
    with styled():
        phone = width <= NARROW
        rows, columns = (len(names), 1) if phone else (1, len(names))
        legend = 0.26 * -(-len(methods) // (1 if phone else 3))
        figure = new_figure(rows * 2.2 + legend, width)
        panels = [axes for row in figure.subplots(rows, columns, squeeze=False, sharey=True) for axes in row]
        for axes, name in zip(panels, names, strict=True):
            _draw(axes, name, methods, comparison.metric, mark)
        panels[0].set_ylabel(title)
        add_legend(figure, [point_of(style.color, style.marker) for style in styles.values()], list(styles), columns=3)
    return Plot(
        figure,
        "Score by cost",
        f"{capitalized(title)} over cost, on logarithmic axes; vertical lines are 95 % intervals. Methods whose cost "
        "is 0 or was not measured are left out. Latency and time: measured on the machine that made the records.",
        ("method", title, *names),
        tuple((method.name, *_cells(method, comparison.metric, names)) for method in methods),
        mark.texts,
    )


def _cells(method: "MethodResult", metric: str, names: list[str]) -> list[str]:
    values = [(_COSTS[name][0](method.cost), _COSTS[name][1]) for name in names]
    costs = ("–" if value is None else show(value) for value, show in values)
    return [format_score(method.scores[metric].mean), *costs]


def _draw(axes: "Axes", name: str, methods: "list[MethodResult]", metric: str, mark: Marks) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    find, show, unit = _COSTS[name]
    axes.set_xscale("log")
    values = []
    for at, method in enumerate(methods):
        value, score, style = find(method.cost), method.scores[metric], series(at)
        if not value:
            continue
        values.append(value)
        axes.plot([value, value], [score.low, score.high], color=style.color, linewidth=1.6, alpha=0.4)
        (point,) = axes.plot(value, score.mean, style.marker, color=style.color, markersize=8)
        mark(point, f"{method.name}: {format_score(score.mean)} at {show(value)}")
    axes.set_title(name, color=INK)
    span = max(values) / min(values)
    # A unit makes ticks longer, of which fewer fit.
    steps = (1.0,) if span > _WIDE else (1.0, 3.0) if unit and span > _WIDE / 5 else (1.0, 2.0, 5.0)
    axes.set_xlim(min(values) / 2, max(values) * 2)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{_in_thousands(value)}{unit}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", colors=MUTED)


def _in_thousands(value: float) -> str:
    """A power of ten as 0.01, 100, 10k or 1M."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"
