"""Plots of explanations: instance weights, attention to channels or tokens, and modality weights."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.scalp import HEAD_M, LEAST_SPREAD, MIN_CHANNELS, find_positions
from mmbench.reporting.plots.style import BLUE, INK, MUTED, NARROW, WIDTH, name_rows, new_figure, styled
from mmbench.storage import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.workflows import Explanation

_FAINTEST, _SMALLEST, _LARGEST = 0.15, 5.0, 15.0  # opacity and sizes in points at the least and the most attention
_NAMED = 40  # most channels whose names fit on a head


def explanation_plot(explanation: "Explanation", method: str, width: float = WIDTH) -> Plot:
    """The mean over all test samples; channels with a position on the scalp are drawn there."""
    if explanation.what == "instances":
        return _instances(explanation, method, width)
    values = attention(explanation)
    channels = explanation.modality.channels
    names = list(channels) if len(channels) == len(values) else [f"token {at + 1}" for at in range(len(values))]
    positions = _positions(names) if len(channels) == len(values) else {}
    return (
        _scalp(explanation, method, names, positions, width)
        if positions
        else _tokens(explanation, method, names, width)
    )


def modality_weights_plot(explanations: "Sequence[Explanation]", method: str, width: float = WIDTH) -> Plot:
    """The weight of each modality in a method that weights whole modalities: the mean, and 90 % of the samples."""
    names, mark = [each.modality.name for each in explanations], Marks()
    found = [(float(each.values.mean()), *np.quantile(each.values, (0.05, 0.95)).tolist()) for each in explanations]
    with styled():
        figure = new_figure(0.45 * len(names) + 0.9, width)
        axes = figure.subplots()
        for at, (name, (mean, low, high)) in enumerate(zip(names, found, strict=True)):
            axes.plot([low, high], [at, at], color=BLUE, linewidth=2.2, alpha=0.45)
            (point,) = axes.plot(mean, at, "o", color=BLUE, markersize=8, clip_on=False)
            mark(point, f"{name}: weight {mean:.3f}, 90 % of the samples {low:.3f} to {high:.3f}")
        name_rows(axes, names, width)
        axes.set_xlim(0, 1)
        axes.set_xlabel("weight")
    return Plot(
        figure,
        f"{method}: modality weights",
        f"Mean over {counted(len(explanations[0].values), 'test sample')}; lines: 5th to 95th percentile.",
        ("modality", "mean weight", "5 %", "95 %"),
        tuple((name, *(f"{value:.3f}" for value in row)) for name, row in zip(names, found, strict=True)),
        mark.texts,
    )


def attention(explanation: "Explanation") -> NDArray[np.floating[Any]]:
    """Mean attention to each token ``(T,)``, 1 if it is uniform."""
    mean = explanation.values.mean(axis=0)
    return np.asarray(mean / max(float(mean.mean()), 1e-12))


def _positions(names: Sequence[str]) -> Mapping[int, NDArray[np.floating[Any]]]:
    """Positions of channels on the scalp; none if they are too few for a map."""
    found = find_positions(names)
    return found if len(found) >= MIN_CHANNELS else {}


def _instances(explanation: "Explanation", method: str, width: float) -> Plot:
    values, mark = explanation.values, Marks()
    means, selected = values.mean(axis=0), (values > 0).mean(axis=0)
    names = [str(at + 1) for at in range(len(means))]
    with styled():
        figure = new_figure(2.2, width)
        axes = figure.subplots()
        for at, (name, weight, share) in enumerate(zip(names, means, selected, strict=True)):
            (bar,) = axes.bar(at, weight, width=0.7, color=BLUE)
            mark(bar, f"instance {name}: weight {weight:.3f}, selected in {share:.0%} of the samples")
        axes.set_xticks(range(len(names)), names)
        axes.set_xlabel(f"instance of {explanation.modality.name}")
        axes.set_ylabel("mean weight")
        axes.grid(visible=False, axis="x")
    return Plot(
        figure,
        f"{method}: weights of the instances of {explanation.modality.name}",
        f"The weight of each instance, mean over {counted(len(values), 'test sample')}.",
        ("instance", "mean weight", "selected in"),
        tuple(
            (name, f"{weight:.3f}", f"{share:.0%}") for name, weight, share in zip(names, means, selected, strict=True)
        ),
        mark.texts,
    )


def _scalp(
    explanation: "Explanation",
    method: str,
    names: list[str],
    positions: Mapping[int, NDArray[np.floating[Any]]],
    width: float,
) -> Plot:
    values, mark = attention(explanation), Marks()
    spread = max(LEAST_SPREAD, float(np.abs(values - 1).max()))
    with styled():
        figure = new_figure(3.8, width)
        axes = figure.subplots()
        _draw_head(axes)
        for at, (x, y) in positions.items():
            strength = (values[at] - 1 + spread) / (2 * spread)
            size, alpha = _SMALLEST + (_LARGEST - _SMALLEST) * strength, _FAINTEST + (1 - _FAINTEST) * strength
            (point,) = axes.plot(x, y, "o", color=BLUE, markersize=size, alpha=alpha)
            mark(point, f"{names[at]}: attention {values[at]:.2f}")
            if len(positions) <= _NAMED and width > NARROW:
                axes.annotate(
                    names[at], (x, y), (0, -10), textcoords="offset points", ha="center", va="top", fontsize=7
                )
    return Plot(
        figure,
        f"{method}: attention to the channels of {explanation.modality.name}",
        f"Mean attention over {counted(len(explanation.values), 'test sample')}, seen from above with the nose up. "
        f"Larger and darker marks stand for more attention, from {values.min():.3f} to {values.max():.3f}; 1 is "
        "uniform attention.",
        ("channel", "attention (1: uniform)"),
        tuple((name, f"{value:.3f}") for name, value in zip(names, values, strict=True)),
        mark.texts,
    )


def _draw_head(axes: "Axes") -> None:
    angles = np.linspace(0, 2 * np.pi, 90)
    axes.plot(HEAD_M * np.sin(angles), HEAD_M * np.cos(angles), color=MUTED, linewidth=1.2)
    axes.plot(np.array([-0.1, 0, 0.1]) * HEAD_M, np.array([0.995, 1.12, 0.995]) * HEAD_M, color=MUTED, linewidth=1.2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.margins(0.06)


def _tokens(explanation: "Explanation", method: str, names: list[str], width: float) -> Plot:
    values, mark = attention(explanation), Marks()
    with styled():
        figure = new_figure(0.26 * len(values) + 0.9, width)
        axes = figure.subplots()
        axes.axvline(1, color=INK, linewidth=1.0)
        for at, (name, value) in enumerate(zip(names, values, strict=True)):
            (point,) = axes.plot(value, at, "o", color=BLUE, markersize=7)
            mark(point, f"{name}: attention {value:.2f}")
        name_rows(axes, names, width)
        axes.set_xlabel("attention (1: uniform)")
    return Plot(
        figure,
        f"{method}: attention to {explanation.modality.name}",
        f"Mean attention over {counted(len(explanation.values), 'test sample')}; the line is uniform attention.",
        ("token", "attention (1: uniform)"),
        tuple((name, f"{value:.3f}") for name, value in zip(names, values, strict=True)),
        mark.texts,
    )
