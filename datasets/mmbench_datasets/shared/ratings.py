"""Tasks of a stimulus' ratings: values for regression, and classes by a threshold whose convention is an option."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mmbench import SpecError, Task

Ties = Literal["low", "high", "drop"]
"""The class of a rating that equals the threshold; ``drop``: not labelled for this task."""

QUADRANTS = ("HAHV", "LAHV", "LALV", "HALV")
"""High or low arousal (A), high or low valence (V)."""


@dataclass(frozen=True)
class RatingScale:
    """Ratings called ``names`` from ``lowest`` to ``highest``; above ``threshold`` is high, ``ties`` are at it.

    The tasks are one of two classes for each name, ``quadrant`` where valence and arousal are among them, and
    ``ratings``, the values themselves.
    """

    names: tuple[str, ...]
    lowest: float
    highest: float
    threshold: float
    ties: Ties

    def check(self, where: str) -> None:
        """Raise SpecError, naming the dataset ``where``, for a threshold by which all ratings are of one class."""
        if not self.lowest < self.threshold < self.highest:
            message = f"threshold={self.threshold:g} is not within the scale of {self.lowest:g} to {self.highest:g}"
            remedy = f"choose one between, such as {(self.lowest + self.highest) / 2:g}"
            raise SpecError(message, where=where, remedy=remedy)

    def describe(self) -> str:
        """The convention of the classes, as a line for readers."""
        at = {"low": "is low", "high": "is high", "drop": "is not labelled"}[self.ties]
        scale = f"{self.lowest:g} to {self.highest:g}"
        return f"ratings from {scale}: above {self.threshold:g} is high, {self.threshold:g} {at} (threshold=, ties=)"

    def count_classes(self, task: str, ratings: Mapping[tuple[float, ...], int]) -> dict[str, int]:
        """Numbers of windows by class of a task, from those of each tuple of valid ratings."""
        counts = dict.fromkeys(self.tasks()[task].names, 0)
        for values, n_windows in ratings.items():
            if (label := self.labels(values).get(task)) is not None:
                counts[[*counts][int(str(label))]] += n_windows
        return counts

    @property
    def has_quadrants(self) -> bool:
        """Whether valence and arousal are rated."""
        return {"valence", "arousal"} <= set(self.names)

    def tasks(self) -> dict[str, Task]:
        """The tasks in order; that of the first name is the default."""
        return {
            **{name: Task("class", ("low", "high")) for name in self.names},
            **({"quadrant": Task("class", QUADRANTS)} if self.has_quadrants else {}),
            "ratings": Task("values", self.names),
        }

    def find_invalid(self, values: Sequence[float]) -> str | None:
        """What is wrong with the ratings of a trial; None if each is a number of the scale."""
        if len(values) != len(self.names):
            return f"has {len(values)} ratings, not {len(self.names)}"
        for name, value in zip(self.names, values, strict=True):
            if not math.isfinite(value):
                return f"{name} is not rated"
            if not self.lowest <= value <= self.highest:
                return f"{name} is {value:g}, outside {self.lowest:g}-{self.highest:g}"
        return None

    def labels(self, values: Sequence[float]) -> Mapping[str, int | list[float]]:
        """The labels of all tasks from valid ratings, in the order of ``names``."""
        high = {name: self._class(value) for name, value in zip(self.names, values, strict=True)}
        labels: dict[str, int | list[float]] = {name: value for name, value in high.items() if value is not None}
        if self.has_quadrants and "valence" in labels and "arousal" in labels:
            labels["quadrant"] = QUADRANTS.index(f"{'LH'[high['arousal'] or 0]}A{'LH'[high['valence'] or 0]}V")
        return {**labels, "ratings": [float(value) for value in values]}

    def _class(self, rating: float) -> int | None:
        if rating == self.threshold and self.ties == "drop":
            return None
        return int(rating > self.threshold or (rating == self.threshold and self.ties == "high"))
