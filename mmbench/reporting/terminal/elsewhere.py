"""Footnotes on predictions that were made elsewhere."""

from collections.abc import Iterator

from mmbench.results import Comparison


def elsewhere_lines(comparison: Comparison) -> Iterator[str]:
    """What each file of predictions holds, how often predictions were scored under its name, and missing scores."""
    for method in comparison.methods:
        if not method.is_elsewhere:
            continue
        origin = method.run["elsewhere"]
        source = f"; {origin['source']}" if origin.get("source") else ""
        yield f"{method.name}: {origin['outputs']} of {origin['file']}{source}; its training is unknown"
        if origin["outputs"] == "labels":
            missing = ["calibration", *origin.get("left_out", ())]
            what = "labels" if method.scoring.kind == "labels" else "classes"
            yield f"{method.name}: predicted {what} without probabilities; no {', no '.join(missing)}"
        if earlier := origin.get("earlier", 0):
            others = "another set of predictions was" if earlier == 1 else f"{earlier} other sets of predictions were"
            yield f"{method.name}: {others} scored under this name; choosing the best of them inflates its score"
