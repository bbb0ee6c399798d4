"""Footnotes on predictions that were made elsewhere, and on weights that were."""

from collections.abc import Iterator

from mmbench.reporting.terminal.limits import join_names
from mmbench.results import Comparison, MethodResult, find_pretrained


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


def pretrained_lines(comparison: Comparison) -> Iterator[str]:
    """What each method read from which file, what is known of its training, and whether anything was trained here."""
    lines: dict[str, list[MethodResult]] = {}
    for method in comparison.methods:
        for weights in find_pretrained(method.run):
            lines.setdefault(weights.line, []).append(method)
    for line, methods in lines.items():
        yield f"{join_names([method.name for method in methods])}: {line}"
    still = [method.name for method in comparison.methods if is_only_scored(method)]
    if still:
        yield f"{join_names(still)}: scored as it is, nothing was trained here"


def is_only_scored(method: MethodResult) -> bool:
    """Whether a method has weights of a file and trained none."""
    return any(find_pretrained(method.run)) and not method.parameters.get("trainable", 1)
