"""Accuracy, balanced accuracy and macro F1 of a class task as ratios over cells: exact, and linear but for F1."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mmbench.results.statistics.ratios import Ratios

if TYPE_CHECKING:
    from mmbench.results.statistics.outcomes import Outcomes


def balanced_accuracy(outcomes: "Outcomes") -> Ratios:
    """The mean recall of the classes, which are the strata."""
    labels, ones = outcomes.labels, np.ones(len(outcomes.labels))
    right = [outcomes.count_by_cell(labels, (labels == each).astype(np.float64)) for each in outcomes.predictions]
    support = np.broadcast_to(outcomes.count_by_cell(labels, ones), (len(right), *right[0].shape))
    return Ratios(np.stack(right), support, *outcomes.cells[1:])


def accuracy(outcomes: "Outcomes") -> Ratios:
    """The share of correct predictions."""
    balanced = balanced_accuracy(outcomes)
    right, there = (each.sum(axis=2, keepdims=True) for each in (balanced.numerator, balanced.denominator))
    return Ratios(right, there, balanced.unit, balanced.fold)


def macro_f1(outcomes: "Outcomes") -> Ratios:
    """The mean over classes of 2 TP / (labelled + predicted)."""
    balanced, ones = balanced_accuracy(outcomes), np.ones(len(outcomes.labels))
    named = np.stack([outcomes.count_by_cell(each, ones) for each in outcomes.predictions])
    return Ratios(2 * balanced.numerator, balanced.denominator + named, balanced.unit, balanced.fold)


RATIOS: Mapping[str, "Callable[[Outcomes], Ratios]"] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
}
