"""Simulated records: what is right, drawn from people, trainings and chance, with no model behind it."""

from dataclasses import dataclass

import numpy as np

from calibrating.people import Design, cut, draw_labels
from mmbench.results.statistics import Outcomes


@dataclass(frozen=True)
class Deviations:
    """Standard deviations of the differences of two methods: between people, and between trainings of a fold."""

    people: float = 0.05
    trainings: float = 0.04
    hardness: float = 0.1  # of a person, for all methods alike


def draw_records(
    design: Design, how: Deviations, gains: tuple[float, ...], seeds: int, random: np.random.Generator
) -> dict[str, Outcomes]:
    """Outcomes of methods that are right in 0.7 + gain of the windows, in expectation."""
    person, labels = draw_labels(design, random)
    folds = cut(person, design)
    fold = np.zeros(len(labels), dtype=np.int64)
    for at, each in enumerate(folds):
        fold[each.test] = at
    hard = how.hardness * random.standard_normal(design.n_people)
    found = {}
    for at, gain in enumerate(gains):
        liked = how.people / np.sqrt(2) * random.standard_normal(design.n_people)
        lucky = how.trainings / np.sqrt(2) * random.standard_normal((seeds, len(folds)))
        right = random.random((seeds, len(labels))) < 0.7 + gain + (hard + liked)[person] + lucky[:, fold]
        found[f"method{at}"] = Outcomes(labels, np.where(right, labels, 1 - labels), person, fold, 2)
    return found
