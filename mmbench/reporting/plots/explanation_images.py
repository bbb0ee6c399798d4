"""Image files of explanations: instance weights, channel attention and modality weights."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.reporting.plots.scalp import HEAD_M, LEAST_SPREAD, MIN_CHANNELS, find_positions
from mmbench.reporting.plots.style import check_matplotlib
from mmbench.storage import counted, write_text, written_whole
from mmbench.workflows import ExplainedSample, Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 120
_CELL = 1.4  # inches per instance
_ATTENTION = "attention, relative to the mean channel"


def draw_explanation(explanation: Explanation, folder: Path) -> list[Path]:
    """Write an image and its data into ``folder``; their paths."""
    stem = f"{explanation.modality.name}-{explanation.what}"
    paths = [folder / f"{stem}.png", folder / f"{stem}.json"]
    draw = {"instances": _draw_instances, "tokens": _draw_tokens, "modality": _draw_weight}[explanation.what]
    figure = draw(explanation)
    if explanation.simulated:
        figure.suptitle("SIMULATED data", fontsize=9, fontweight="bold")
    with written_whole(paths[0]) as temporary:
        figure.savefig(temporary, dpi=_DPI, bbox_inches="tight", facecolor="white")
    numbers = dict(zip(explanation.ids, np.round(explanation.values, 6).tolist(), strict=True))
    write_text(paths[1], json.dumps(numbers))
    return paths


def _new_figure(width: float, height: float) -> "Figure":
    check_matplotlib("--explain")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _draw_instances(explanation: Explanation) -> "Figure":
    """A row per sample, a column per instance with its weight."""
    n_rows, n_columns = max(len(explanation.shown), 1), explanation.modality.instances
    figure = _new_figure(_CELL * n_columns + 0.6, (_CELL + 0.5) * n_rows)
    figure.set_layout_engine("constrained", h_pad=0.12)
    cells = figure.subplots(n_rows, n_columns, squeeze=False)
    for sample, row in zip(explanation.shown, cells, strict=False):
        row[0].set_title(_caption(sample), loc="left", fontsize=8, pad=16)
        for k, axes in enumerate(row):
            _draw_instance(axes, sample, k, explanation.modality)
    return figure


def _caption(sample: ExplainedSample) -> str:
    return f"{sample.id}: true {sample.label}, predicted {sample.prediction}"


def _draw_instance(axes: "Axes", sample: ExplainedSample, k: int, modality: Modality) -> None:
    weight, chosen = float(sample.weights[k]), sample.weights[k] > 0
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_linewidth(2.5 if chosen else 0.5)
        spine.set_color("#0072b2" if chosen else "#999999")
    if not sample.present[k]:
        axes.text(0.5, 0.5, "absent", ha="center", va="center", fontsize=8, transform=axes.transAxes)
    elif modality.kind == "image":
        axes.imshow(np.moveaxis(sample.x[k], 0, -1))
    else:
        axes.plot(np.atleast_2d(sample.x[k]).T, linewidth=0.5)
    axes.set_xlabel(f"{weight:.2f}", fontsize=8, fontweight="bold" if chosen else "normal")


def _draw_tokens(explanation: Explanation) -> "Figure":
    """Mean attention to each channel, 1 if it is uniform, as a map of the scalp or, without positions, as bars."""
    mean = explanation.values.mean(axis=0)
    mean /= max(float(mean.mean()), 1e-12)
    channels = explanation.modality.channels
    if len(channels) == len(mean):
        positions = find_positions(channels)
        if len(positions) >= MIN_CHANNELS:
            return _draw_scalp(mean, channels, positions, explanation)
    labels = list(channels) if len(channels) == len(mean) else [str(token) for token in range(len(mean))]
    return _draw_bars(mean, labels, explanation)


def _draw_scalp(
    mean: NDArray[np.floating[Any]],
    channels: Sequence[str],
    positions: dict[int, NDArray[np.floating[Any]]],
    explanation: Explanation,
) -> "Figure":
    import mne

    figure = _new_figure(5.0, 4.6)
    axes = figure.subplots()
    # The range is at least LEAST_SPREAD, so that noise is not shown as a pattern.
    spread = max(LEAST_SPREAD, float(np.abs(mean - 1).max()))
    image, _ = mne.viz.plot_topomap(
        mean[list(positions)],
        np.stack(list(positions.values())),
        axes=axes,
        names=[channels[at] for at in positions],
        cmap="viridis",
        vlim=(1 - spread, 1 + spread),
        contours=np.linspace(1 - spread, 1 + spread, 7),
        sphere=HEAD_M,
        show=False,
    )
    figure.colorbar(image, ax=axes, shrink=0.7, label=_ATTENTION)
    axes.set_title(_summary(explanation, len(positions)), fontsize=9)
    return figure


def _draw_bars(mean: NDArray[np.floating[Any]], labels: Sequence[str], explanation: Explanation) -> "Figure":
    figure = _new_figure(5.0, 0.22 * len(mean) + 1.0)
    axes = figure.subplots()
    axes.barh(range(len(mean)), mean, color="#0072b2")
    axes.set_yticks(range(len(mean)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel(_ATTENTION)
    axes.set_title(_summary(explanation, len(mean)), fontsize=9)
    return figure


def _draw_weight(explanation: Explanation) -> "Figure":
    """Histogram of the weight of the modality."""
    figure = _new_figure(5.0, 2.6)
    axes = figure.subplots()
    axes.hist(explanation.values, bins=20, color="#0072b2")
    axes.set_xlabel(f"weight of {explanation.modality.name}")
    axes.set_ylabel("test samples")
    return figure


def _summary(explanation: Explanation, n: int) -> str:
    return (
        f"{explanation.modality.name}: {counted(n, 'channel')}, mean of {counted(len(explanation.ids), 'test sample')}"
    )
