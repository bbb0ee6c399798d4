"""A dataset of known truth: only ``loud`` predicts the label, which changes from window to window; ``still`` is
the same in all windows of a trial, missing in some trials; ``wave`` is noise in bags with absent instances."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, Dataset, Modality, Problem, Sample, Schema, hookimpl

SUBJECTS, TRIALS, WINDOWS, STEP = 6, 4, 8, 2.5


class Lopsided(Dataset):
    name = "lopsided"
    card: ClassVar[Card] = Card("Lopsided", "simulated", "none", "https://example.org", "nobody")

    def schema(self) -> Schema:
        modalities = (
            Modality("loud", "vector", (4,)),
            Modality("still", "vector", (3,)),
            Modality("wave", "timeseries", (2, 64), instances=2, rate=100.0, channels=("left", "right")),
        )
        return Schema(modalities, {"side": ("no", "yes")}, ("subject", "trial"))

    def locate(self, cache: Path) -> Path:
        return Path(__file__).parent

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        return [f"s{number}" for number in range(SUBJECTS)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [Path(__file__)]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        for trial in range(TRIALS):
            random = np.random.default_rng([int(unit[1:]), trial])
            still = random.normal(size=(1, 3))
            for window, label in enumerate(random.permutation(WINDOWS) % 2):
                data = {
                    "loud": (2 * label - 1) * np.ones((1, 4)) + random.normal(scale=0.2, size=(1, 4)),
                    "wave": random.normal(size=(2, 2, 64)),
                }
                if trial:
                    data["still"] = still
                yield Sample(
                    f"{unit}-{trial}-{window}",
                    {"side": int(label)},
                    data,
                    {"subject": unit, "trial": f"{unit}-{trial}"},
                    {"wave": np.array([True, window % 2 == 0])},
                    span=(STEP * window, STEP * window + 2),
                )


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Lopsided)
