"""The section of a report on what the methods looked at."""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.pages.blocks import Block, Lines, Section, Shot, Strip, Text
from mmbench.reporting.pages.drawing import Canvas
from mmbench.reporting.pages.sources import Look, Sources
from mmbench.reporting.plots import looks
from mmbench.workflows import ExplainedSample, Explanation

_SIDE = 96  # pixels of a small picture
_MAY_BE_SHOWN = ("open", "bundled", "simulated")


def looks_section(sources: Sources, canvas: Canvas) -> Section:
    """Plots of all test samples, and pictures of a few where the data may be passed on."""
    access = str(sources.comparison.run["card"]["access"])
    blocks = [block for look in sources.looks for block in _blocks(look, access, canvas)]
    weighed = [look for look in sources.looks if look.explanation.what == "modality"]
    for method in dict.fromkeys(look.method for look in weighed):
        blocks.append(_weights(method, [look.explanation for look in weighed if look.method == method], canvas))
    reasons = [f"{name} explains itself; why that is not shown: {why}" for name, why in sources.unseen.items()]
    return Section("looks", "What was looked at", [*blocks, *([Lines(reasons)] if reasons else [])])


def _blocks(look: Look, access: str, canvas: Canvas) -> Iterator[Block]:
    explanation = look.explanation
    alone = explanation.what == "tokens" and explanation.values.shape[1] < 2
    if explanation.what == "modality" or alone:  # of one token there is nothing to compare
        return
    yield canvas.draw(lambda width: looks.looks(explanation, look.method, width))
    if explanation.what != "instances" or explanation.modality.kind != "image":
        return
    if access not in _MAY_BE_SHOWN:
        yield Text(f"No pictures are shown: the data are {access}, and a page is easily passed on.", quiet=True)
        return
    yield from (_strip(sample, explanation) for sample in explanation.shown)


def _weights(method: str, explanations: Sequence[Explanation], canvas: Canvas) -> Block:
    return canvas.draw(lambda width: looks.weights(explanations, method, width))


def _strip(sample: ExplainedSample, explanation: Explanation) -> Strip:
    verdict = "right" if sample.label == sample.prediction else f"taken for {sample.prediction}"
    simulated = "SIMULATED, " if explanation.simulated else ""
    shots = [
        Shot(
            _picture(sample.x[k]),
            f"{explanation.modality.name} {k + 1}, share {weight:.2f}",
            f"{weight:.2f}",
            weight > 0,
        )
        for k, weight in enumerate(sample.weights)
        if sample.present[k]
    ]
    return Strip(f"{simulated}{sample.id}: {sample.label}, {verdict}", shots)


def _picture(x: NDArray[Any]) -> str:
    """An image ``(3, H, W)`` or ``(1, H, W)``, uint8 or from 0 to 1, as a small JPEG in a ``data:`` address."""
    from PIL import Image

    pixels = x if x.dtype == np.uint8 else (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
    picture = Image.fromarray(np.moveaxis(np.broadcast_to(pixels, (3, *pixels.shape[1:])), 0, -1).copy())
    picture.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    picture.save(out, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
