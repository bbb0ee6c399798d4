"""Runs of predictions that were made elsewhere: what their records hold in place of a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

OutputKind = Literal["probabilities", "logits", "labels", "values"]
"""What a file of predictions holds for each sample; ``labels`` are predicted classes or labels without scores."""

MARK = "not trained here"
"""What stands behind the name of such a run in every table."""


@dataclass(frozen=True)
class Elsewhere:
    """The origin of predictions: their file and its SHA-256, what they are, and who says where they come from.

    ``earlier`` counts the other predictions that had been scored under the same name on the same folds before.
    ``flags`` are the signs of copies and of known labels when they were scored, each with ``kind`` and ``text``;
    ``left_out`` are the metrics that need scores where there are none.
    """

    outputs: OutputKind
    file: str
    sha256: str
    source: str = ""
    earlier: int = 0
    flags: tuple[Mapping[str, str], ...] = ()
    left_out: tuple[str, ...] = ()


def is_elsewhere(run: Mapping[str, Any]) -> bool:
    """Whether a run, by its description, holds predictions that were not trained here."""
    return "elsewhere" in run


def has_scores(run: Mapping[str, Any]) -> bool:
    """Whether the outputs of a run say more than the predicted class or labels."""
    return not is_elsewhere(run) or run["elsewhere"]["outputs"] != "labels"
