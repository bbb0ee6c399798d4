"""Names of metrics and targets in tables, plots and pages."""

from collections.abc import Mapping
from typing import Any

from mmbench.results import Comparison
from mmbench.storage import counted

_SHORT = {
    "balanced_accuracy": "bal. accuracy",
    "accuracy": "acc.",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "weighted_f1": "wtd. F1",
    "mean_average_precision": "mAP",
    "exact_match": "exact",
}
"""Titles of columns where the title of the metric would be too wide."""
_TARGETS = {"class": "class", "labels": "label", "values": "value"}


def kind_of(run: Mapping[str, Any]) -> str:
    """The kind of the task: ``class``, ``labels`` or ``values``."""
    return str(run.get("kind", "class"))


def targets_word(run: Mapping[str, Any]) -> str:
    """What the task predicts, in the singular: class, label or value."""
    return _TARGETS[kind_of(run)]


def describe_targets(run: Mapping[str, Any]) -> str:
    """What the task predicts, as ``2 classes``, ``23 labels`` or ``4 values``."""
    return counted(len(run["classes"]), targets_word(run))


def metric_column(comparison: Comparison, name: str | None = None) -> str:
    """The title of a column of a metric, by default that of the verdict."""
    name = name or comparison.metric
    return _SHORT.get(name) or comparison.title_of(name)


def capitalized(text: str) -> str:
    """The text with a capital first letter; the others stay, as in ``MAE``."""
    return text[:1].upper() + text[1:]


def direction_note(comparison: Comparison) -> str:
    """A note where lower scores are better, else nothing."""
    return "" if comparison.higher_is_better else f"lower {comparison.metric_title} is better"


def direction_sentence(comparison: Comparison) -> str:
    """`direction_note` as a sentence with a blank after it; empty where higher scores are better."""
    note = direction_note(comparison)
    return f"{capitalized(note)}. " if note else ""


def describe_targets_of_mean(comparison: Comparison) -> str:
    """A note that scores of several values are means over them, each in its own units; else nothing."""
    run = comparison.run
    if kind_of(run) != "values" or len(run["classes"]) == 1:
        return ""
    return f"scores: mean over {counted(len(run['classes']), 'target')}, each in its own units"
