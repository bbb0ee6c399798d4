"""A dataset in memory with a task of each kind, for tests that train and score whole runs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, Dataset, Modality, Problem, Sample, Schema, Task, hookimpl

CLASSES = ("low", "middle", "high")


class ThreeTasks(Dataset):
    """Two vectors of numbers that each tell a part of the class, of three labels, and of two values.

    Each unit is a subject with ``samples`` samples; every ninth sample has no label of any task.
    """

    name = "three-tasks"
    card: ClassVar[Card] = Card("Three tasks", "simulated", "none", "https://example.org", "nobody")

    def __init__(self, *, subjects: int = 6, samples: int = 12, offset: float = 70.0) -> None:
        self.subjects, self.samples, self.offset = subjects, samples, offset

    def schema(self) -> Schema:
        tasks = {
            "level": Task("class", CLASSES),
            "tags": Task("labels", ("a", "b", "c")),
            "rates": Task("values", ("heart", "breath")),
            "mood": Task("values", ("mood",), metric="acc7", metrics=("acc2_non0", "mae")),
        }
        return Schema((Modality("left", "vector", (3,)), Modality("right", "vector", (2,))), tasks, ("subject",))

    def locate(self, cache: Path) -> Path:
        return cache

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        return [f"s{number}" for number in range(self.subjects)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return []

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        random = np.random.default_rng(int(unit[1:]))
        for number in range(self.samples):
            hidden = random.normal(size=3)
            level = int(np.digitize(hidden[0], (-0.5, 0.5)))
            labels = {
                "level": level,
                "tags": [int(value > 0.3) for value in hidden],
                "rates": [self.offset + 10 * hidden[0], 15 + 2 * hidden[1]],
                "mood": float(np.clip(1.5 * hidden[2], -3, 3)),
            }
            noise = random.normal(scale=0.3, size=(2, 3))
            data = {"left": (hidden + noise[0])[None], "right": (hidden[:2] + noise[1, :2])[None]}
            yield Sample(f"{unit}-{number}", {} if number % 9 == 8 else labels, data, {"subject": unit})


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(ThreeTasks)
