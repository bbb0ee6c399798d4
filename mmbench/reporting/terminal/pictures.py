"""Pictures of what a method looked at, by matplotlib, and mne for maps of the scalp."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.errors import SpecError
from mmbench.storage import write_text, written_whole
from mmbench.workflows import ExplainedSample, Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MONTAGES = ("colin27_1005", "standard_1005")  # one name in mne from 1.13 on, and the one before
FEWEST = 4
"""Places on the scalp that make a map."""
_DPI = 120
_CELL = 1.4  # inches an instance
HEAD_M = 0.095
"""Radius of the head in metres."""
_ATTENTION = "attention, relative to the mean channel"
LEAST_SPREAD = 0.1
"""Differences of attention below which all channels look the same."""


def draw_explanation(explanation: Explanation, folder: Path) -> list[Path]:
    """Write a picture and the numbers behind it; their paths."""
    stem = f"{explanation.modality.name}-{explanation.what}"
    paths = [folder / f"{stem}.png", folder / f"{stem}.json"]
    draw = {"instances": _draw_instances, "tokens": _draw_tokens, "modality": _draw_weight}[explanation.what]
    figure = draw(explanation)
    if explanation.simulated:
        figure.suptitle("SIMULATED data", fontsize=9, fontweight="bold")
    with written_whole(paths[0]) as aside:
        figure.savefig(aside, dpi=_DPI, bbox_inches="tight", facecolor="white")
    numbers = dict(zip(explanation.ids, np.round(explanation.values, 6).tolist(), strict=True))
    write_text(paths[1], json.dumps(numbers))
    return paths


def _new_figure(width: float, height: float) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SpecError(
            "matplotlib is not installed", where="--explain", remedy='pip install "mmbench[pictures]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _draw_instances(explanation: Explanation) -> "Figure":
    """A row a sample, a column an instance, the share of each above it."""
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
    verdict = "right" if sample.label == sample.prediction else f"taken for {sample.prediction}"
    return f"{sample.id}: {sample.label}, {verdict}"


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
    """The mean attention to each channel, 1 for an even share, as a map of the scalp or, without places, as bars."""
    mean = explanation.values.mean(axis=0)
    mean /= max(float(mean.mean()), 1e-12)
    channels = explanation.modality.channels
    if len(channels) == len(mean):
        places = find_places(channels)
        if len(places) >= FEWEST:
            return _draw_scalp(mean, channels, places, explanation)
    labels = list(channels) if len(channels) == len(mean) else [str(token) for token in range(len(mean))]
    return _draw_bars(mean, labels, explanation)


def find_places(channels: Sequence[str]) -> dict[int, NDArray[np.floating[Any]]]:
    """Channels that the 10-05 system has on the scalp, by number, with their places in metres, seen from above."""
    try:
        import mne
    except ImportError:
        return {}
    known_to_mne = mne.channels.get_builtin_montages()
    name = next(name for name in _MONTAGES if name in known_to_mne)
    montage = mne.channels.make_standard_montage(name).get_positions()["ch_pos"]
    centre = _find_centre(np.stack(list(montage.values())))
    known = {name.lower(): place - centre for name, place in montage.items()}
    return {at: _flatten(known[name.lower()]) for at, name in enumerate(channels) if name.lower() in known}


def _find_centre(places: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Of the sphere nearest to the places ``(n, 3)``: |p|² = 2 p·c + (r² - |c|²), by least squares."""
    knowns = np.hstack([2 * places, np.ones((len(places), 1))])
    return np.asarray(np.linalg.lstsq(knowns, (places**2).sum(axis=1), rcond=None)[0][:3])


def _flatten(place: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The azimuthal equidistant projection: what is at the height of the ears comes to lie on the outline."""
    x, y, z = place
    from_top = np.arctan2(np.hypot(x, y), z) / (np.pi / 2)
    return np.asarray(HEAD_M * from_top * np.array([x, y]) / max(np.hypot(x, y), 1e-12))


def _draw_scalp(
    mean: NDArray[np.floating[Any]],
    channels: Sequence[str],
    places: dict[int, NDArray[np.floating[Any]]],
    explanation: Explanation,
) -> "Figure":
    import mne

    figure = _new_figure(5.0, 4.6)
    axes = figure.subplots()
    # Colours that begin at a tenth: what differs by less than that looks the same.
    spread = max(LEAST_SPREAD, float(np.abs(mean - 1).max()))
    image, _ = mne.viz.plot_topomap(
        mean[list(places)],
        np.stack(list(places.values())),
        axes=axes,
        names=[channels[at] for at in places],
        cmap="viridis",
        vlim=(1 - spread, 1 + spread),
        contours=np.linspace(1 - spread, 1 + spread, 7),
        sphere=HEAD_M,
        show=False,
    )
    figure.colorbar(image, ax=axes, shrink=0.7, label=_ATTENTION)
    axes.set_title(_summary(explanation, len(places)), fontsize=9)
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
    """How often the modality had which weight."""
    figure = _new_figure(5.0, 2.6)
    axes = figure.subplots()
    axes.hist(explanation.values, bins=20, color="#0072b2")
    axes.set_xlabel(f"weight of {explanation.modality.name}")
    axes.set_ylabel("test samples")
    return figure


def _summary(explanation: Explanation, n: int) -> str:
    return f"{explanation.modality.name}: {n} channels, mean of {len(explanation.ids)} test samples"
