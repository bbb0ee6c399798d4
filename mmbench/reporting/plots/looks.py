"""What a method looked at in one modality: instances of its bag, channels on the scalp, or tokens."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, INK, MUTED, NARROW, WIDTH, name_rows, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.workflows import Explanation

_FAINTEST, _SMALLEST, _LARGEST = 0.15, 5.0, 15.0  # opacity, and sizes in points, of least and most attention
_NAMED = 40  # channels up to which their names fit on a head


def looks(explanation: "Explanation", method: str, width: float = WIDTH) -> Plot:
    """The mean over all test samples; channels that have a place on the scalp are drawn there."""
    if explanation.what == "instances":
        return _instances(explanation, method, width)
    values = attention(explanation)
    channels = explanation.modality.channels
    names = list(channels) if len(channels) == len(values) else [f"token {at + 1}" for at in range(len(values))]
    places = _places(names) if len(channels) == len(values) else {}
    return _scalp(explanation, method, names, places, width) if places else _tokens(explanation, method, names, width)


def weights(explanations: "Sequence[Explanation]", method: str, width: float = WIDTH) -> Plot:
    """The weight of each modality, of a method that weighs them as a whole: the mean, and where most samples lie."""
    names, mark = [each.modality.name for each in explanations], Marks()
    found = [(float(each.values.mean()), *np.quantile(each.values, (0.05, 0.95)).tolist()) for each in explanations]
    with styled():
        figure = new_figure(0.45 * len(names) + 0.9, width)
        axes = figure.subplots()
        for at, (name, (mean, low, high)) in enumerate(zip(names, found, strict=True)):
            axes.plot([low, high], [at, at], color=BLUE, linewidth=2.2, alpha=0.45)
            (point,) = axes.plot(mean, at, "o", color=BLUE, markersize=8, clip_on=False)
            mark(point, f"{name}: weight {mean:.3f}, in 90 % of the samples {low:.3f} to {high:.3f}")
        name_rows(axes, names, width)
        axes.set_xlim(0, 1)
        axes.set_xlabel("weight")
    return Plot(
        figure,
        f"{method}: the weight of each modality",
        f"Mean over {len(explanations[0].values)} test samples; the line holds nine of ten of them.",
        ("modality", "mean weight", "from", "to"),
        tuple((name, *(f"{value:.3f}" for value in row)) for name, row in zip(names, found, strict=True)),
        mark.told,
    )


def attention(explanation: "Explanation") -> NDArray[np.floating[Any]]:
    """The mean attention to each token ``(T,)``, 1 for an even share."""
    mean = explanation.values.mean(axis=0)
    return np.asarray(mean / max(float(mean.mean()), 1e-12))


def _places(names: Sequence[str]) -> Mapping[int, NDArray[np.floating[Any]]]:
    """Places of channels, as the pictures of ``mmbench show --explain`` have them; none where they are too few."""
    from mmbench.reporting.terminal.pictures import FEWEST, find_places

    found = find_places(names)
    return found if len(found) >= FEWEST else {}


def _instances(explanation: "Explanation", method: str, width: float) -> Plot:
    values, mark = explanation.values, Marks()
    shares, chosen = values.mean(axis=0), (values > 0).mean(axis=0)
    names = [str(at + 1) for at in range(len(shares))]
    with styled():
        figure = new_figure(2.2, width)
        axes = figure.subplots()
        for at, (name, share, often) in enumerate(zip(names, shares, chosen, strict=True)):
            (bar,) = axes.bar(at, share, width=0.7, color=BLUE)
            mark(bar, f"instance {name}: share {share:.3f}, passed on in {often:.0%} of the samples")
        axes.set_xticks(range(len(names)), names)
        axes.set_xlabel(f"place in the bag of {explanation.modality.name}")
        axes.set_ylabel("mean share")
        axes.grid(visible=False, axis="x")
    return Plot(
        figure,
        f"{method}: which instances of {explanation.modality.name} were passed on",
        f"The share of each instance in what was passed on, mean over {len(values)} test samples.",
        ("instance", "mean share", "passed on in"),
        tuple((name, f"{share:.3f}", f"{often:.0%}") for name, share, often in zip(names, shares, chosen, strict=True)),
        mark.told,
    )


def _scalp(
    explanation: "Explanation",
    method: str,
    names: list[str],
    places: Mapping[int, NDArray[np.floating[Any]]],
    width: float,
) -> Plot:
    from mmbench.reporting.terminal.pictures import LEAST_SPREAD

    values, mark = attention(explanation), Marks()
    spread = max(LEAST_SPREAD, float(np.abs(values - 1).max()))
    with styled():
        figure = new_figure(3.8, width)
        axes = figure.subplots()
        _draw_head(axes)
        for at, (x, y) in places.items():
            strength = (values[at] - 1 + spread) / (2 * spread)
            size, alpha = _SMALLEST + (_LARGEST - _SMALLEST) * strength, _FAINTEST + (1 - _FAINTEST) * strength
            (point,) = axes.plot(x, y, "o", color=BLUE, markersize=size, alpha=alpha)
            mark(point, f"{names[at]}: attention {values[at]:.2f}")
            if len(places) <= _NAMED and width > NARROW:
                axes.annotate(
                    names[at], (x, y), (0, -10), textcoords="offset points", ha="center", va="top", fontsize=7
                )
    return Plot(
        figure,
        f"{method}: attention to the channels of {explanation.modality.name}",
        f"Mean attention over {len(explanation.values)} test samples, seen from above with the nose up. Larger and "
        f"stronger marks had more: from {values.min():.3f} to {values.max():.3f}, where 1 is an even share. What "
        f"differs by less than {LEAST_SPREAD:g} looks nearly the same.",
        ("channel", "attention, 1 is an even share"),
        tuple((name, f"{value:.3f}") for name, value in zip(names, values, strict=True)),
        mark.told,
    )


def _draw_head(axes: "Axes") -> None:
    from mmbench.reporting.terminal.pictures import HEAD_M

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
        axes.set_xlabel("attention, 1 is an even share")
    return Plot(
        figure,
        f"{method}: attention to {explanation.modality.name}",
        f"Mean attention over {len(explanation.values)} test samples; on the line it is that of an even share.",
        ("token", "attention, 1 is an even share"),
        tuple((name, f"{value:.3f}") for name, value in zip(names, values, strict=True)),
        mark.told,
    )
