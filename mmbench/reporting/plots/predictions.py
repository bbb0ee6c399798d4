"""Predictions of labels and values: predicted over observed values, or the F1 of every label."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.number_format import format_score
from mmbench.reporting.plots.panels import PANEL_NAME, add_legend, label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import only_best, ranked
from mmbench.reporting.plots.style import (
    BLUE,
    INK,
    MUTED,
    NARROW,
    WIDTH,
    name_rows,
    new_figure,
    point_of,
    series,
    shortened,
    styled,
)
from mmbench.storage import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

_POINTS = 2400  # in all panels: a page stays below 2 MB
_PANELS = 12
_LABELS = 60
NEEDS = "predictions of values, or of up to 60 labels"
"""Parts of records that the plot needs."""


def can_show(comparison: "Comparison") -> bool:
    """Whether the task predicts values, or few enough labels."""
    kind = kind_of(comparison.run)
    return kind == "values" or (kind == "labels" and len(comparison.run["classes"]) <= _LABELS)


def predictions(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """Predicted over observed values, a panel for each method and target, or the F1 of each label."""
    return _values(comparison, width) if kind_of(comparison.run) == "values" else _labels(comparison, width)


def label_scores(method: "MethodResult") -> NDArray[np.float64]:
    """F1 of each label ``(L,)`` over all test samples, mean over seeds; 0 for a label that is never true or predicted.

    A label is predicted where its logit is above 0.
    """
    true = np.asarray(method.outcomes.labels) > 0
    scores = []
    for outputs in np.asarray(method.outcomes.predictions):
        predicted = outputs > 0
        hits = 2.0 * (true & predicted).sum(axis=0)
        named = (true.sum(axis=0) + predicted.sum(axis=0)).astype(np.float64)
        scores.append(np.divide(hits, named, out=np.zeros_like(hits), where=named > 0))
    return np.asarray(np.mean(scores, axis=0))


def _values(comparison: "Comparison", width: float) -> Plot:
    targets = [str(name) for name in comparison.run["classes"]]
    methods, mark = ranked(comparison)[: max(1, _PANELS // len(targets))], Marks()
    panels_of = [(method, at, name) for method in methods for at, name in enumerate(targets)]
    titles = [_title(method.name, name if len(targets) > 1 else "", width) for method, _, name in panels_of]
    most = max(20, _POINTS // len(panels_of))
    with styled():
        figure, panels = make_panels(titles, 2.1, width, share=False, extra=0.2)
        for axes, (method, at, _) in zip(panels, panels_of, strict=True):
            _draw_values(axes, method, at, most, mark)
        label_outside(figure, "observed", "predicted")
    rows = [(method.name, name, *map(format_score, _fit(method, at))) for method, at, name in panels_of]
    n_samples = len(methods[0].outcomes.labels)
    drawn = f"; {most} of {counted(n_samples, 'test sample')} are drawn" if n_samples > most else ""
    return Plot(
        figure,
        "Predicted over observed values",
        f"A point is a test sample, predicted by the first seed{drawn}. On the dashed line a prediction is exact; "
        "where points lie on a horizontal line, a method predicts nearly the same value for every sample."
        + only_best(methods, comparison),
        ("method", "target", "mean observed", "mean predicted", "deviation observed", "deviation predicted"),
        tuple(rows),
        mark.texts,
        names=2,
    )


def _title(method: str, target: str, width: float) -> str:
    """The name of the method and the target, of which the former is cut."""
    most = PANEL_NAME if width > NARROW else PANEL_NAME - 6
    return f"{shortened(method, max(6, most - len(target) - 3))} · {target}" if target else method


def _fit(method: "MethodResult", at: int) -> tuple[float, float, float, float]:
    """Means and standard deviations of the observed and of the predicted values of a target, over all seeds."""
    observed, predicted = np.asarray(method.outcomes.labels)[:, at], np.asarray(method.outcomes.predictions)[..., at]
    return float(observed.mean()), float(predicted.mean()), float(observed.std()), float(predicted.std())


def _draw_values(axes: "Axes", method: "MethodResult", at: int, most: int, mark: Marks) -> None:
    observed, predicted = np.asarray(method.outcomes.labels)[:, at], np.asarray(method.outcomes.predictions)[0, :, at]
    chosen = np.unique(np.linspace(0, len(observed) - 1, min(most, len(observed))).round().astype(np.int64))
    low, high = float(observed.min()), float(observed.max())
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
    (points,) = axes.plot(observed[chosen], predicted[chosen], "o", color=BLUE, alpha=0.35, markersize=3.5)
    mark(points, f"{method.name}: {counted(len(chosen), 'test sample')}")


def _labels(comparison: "Comparison", width: float) -> Plot:
    names = [str(name) for name in comparison.run["classes"]]
    methods, mark = ranked(comparison)[:7], Marks()
    scores = [label_scores(method) for method in methods]
    support = np.asarray(methods[0].outcomes.labels).sum(axis=0).astype(int)
    order = np.argsort(-support, kind="stable")
    with styled():
        figure = new_figure(0.3 * len(names) + 1.0, width)
        axes = figure.subplots()
        for at, label in enumerate(order):
            of_label = [each[label] for each in scores]
            axes.plot([min(of_label), max(of_label)], [at, at], color=INK, linewidth=0.8, alpha=0.3)
            for number, (method, score) in enumerate(zip(methods, of_label, strict=True)):
                style = series(number)
                (point,) = axes.plot(score, at, style.marker, color=style.color, markersize=5, clip_on=False)
                mark(point, f"{names[label]}: {method.name} {score:.3f}")
        name_rows(axes, [names[label] for label in order], width)
        axes.set_xlim(-0.02, 1)
        axes.set_xlabel("F1")
        handles = [point_of(series(number).color, series(number).marker) for number in range(len(methods))]
        add_legend(figure, handles, [shortened(method.name, 24) for method in methods], columns=3)
    rows = [(names[label], str(support[label]), *(f"{each[label]:.3f}" for each in scores)) for label in order]
    return Plot(
        figure,
        "F1 of every label",
        "F1 of each label over all test samples, the most frequent label first. A label is predicted where its "
        f"probability is above one half.{only_best(methods, comparison)}",
        ("label", "test samples", *(method.name for method in methods)),
        tuple(rows),
        mark.texts,
    )
