"""Section of a report on explanations: instance, token and modality weights of the methods."""

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.pages.page_model import Block, ImageRow, Lines, Section, Text, Thumbnail
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pages.report_inputs import MethodExplanation, ReportInputs
from mmbench.reporting.plots.explanations import explanation_plot, modality_weights_plot
from mmbench.workflows import ExplainedSample, Explanation

_SIDE = 96  # pixels of a thumbnail
_SHAREABLE = ("open", "bundled", "simulated")


def explanation_section(inputs: ReportInputs, embedder: PlotEmbedder) -> Section:
    """Plots over all test samples, and images of a few samples where the licence of the data allows it."""
    access = str(inputs.comparison.run["card"]["access"])
    blocks = [block for each in inputs.explanations for block in _blocks(each, access, embedder)]
    weighted = [each for each in inputs.explanations if each.explanation.what == "modality"]
    for method in dict.fromkeys(each.method for each in weighted):
        blocks.append(_weights(method, [each.explanation for each in weighted if each.method == method], embedder))
    reasons = [f"{name}: no explanation: {why}" for name, why in inputs.unexplained.items()]
    return Section(
        "explanations", "Explanations: instance and channel weights", [*blocks, *([Lines(reasons)] if reasons else [])]
    )


def _blocks(found: MethodExplanation, access: str, embedder: PlotEmbedder) -> Iterator[Block]:
    explanation = found.explanation
    single = explanation.what == "tokens" and explanation.values.shape[1] < 2
    if explanation.what == "modality" or single:  # one token has nothing to be compared with
        return
    yield embedder.embed(lambda width: explanation_plot(explanation, found.method, width))
    if explanation.what != "instances" or explanation.modality.kind != "image":
        return
    if access not in _SHAREABLE:
        yield Text(f"No images are shown, since access to the data is {access}.", quiet=True)
        return
    yield from (_image_row(sample, explanation) for sample in explanation.shown)


def _weights(method: str, explanations: Sequence[Explanation], embedder: PlotEmbedder) -> Block:
    return embedder.embed(lambda width: modality_weights_plot(explanations, method, width))


def _image_row(sample: ExplainedSample, explanation: Explanation) -> ImageRow:
    simulated = "SIMULATED, " if explanation.simulated else ""
    thumbnails = [
        Thumbnail(
            _data_url(sample.x[k]),
            f"{explanation.modality.name} {k + 1}, weight {weight:.2f}",
            f"{weight:.2f}",
            weight > 0,
        )
        for k, weight in enumerate(sample.weights)
        if sample.present[k]
    ]
    return ImageRow(f"{simulated}{sample.id}: true {sample.label}, predicted {sample.prediction}", thumbnails)


def _data_url(x: NDArray[Any]) -> str:
    """An image ``(3, H, W)`` or ``(1, H, W)``, uint8 or from 0 to 1, as a JPEG thumbnail in a ``data:`` URL."""
    from PIL import Image

    pixels = x if x.dtype == np.uint8 else (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
    image = Image.fromarray(np.moveaxis(np.broadcast_to(pixels, (3, *pixels.shape[1:])), 0, -1).copy())
    image.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
