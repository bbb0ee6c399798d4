"""Plugin of the benchmark ``folds``: MOABB's FakeDataset as two modalities, from a file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, Dataset, Modality, Problem, Sample, Schema, hookimpl

FILE = "fake.npz"
CHANNELS = ("C3", "Cz", "C4")


class Fake(Dataset):
    """Simulated imagery of three channels: noise, with alternating labels."""

    name = "fake"
    card: ClassVar[Card] = Card("MOABB's FakeDataset", "simulated", "BSD-3-Clause", "https://moabb.neurotechx.com", "")

    def __init__(self, *, times: int = 385) -> None:
        self.times = times

    def schema(self) -> Schema:
        modalities = tuple(
            Modality(name, "timeseries", (n, self.times), rate=128.0) for name, n in (("eeg", 2), ("eog", 1))
        )
        return Schema(modalities, {"imagery": ("fake1", "fake2", "fake3")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        with np.load(root / FILE) as file:
            return [f"s{subject:02}" for subject in np.unique(file["subjects"])]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / FILE]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        with np.load(root / FILE) as file:
            x, y, subjects = file["x"], file["y"], file["subjects"]
        for row in np.flatnonzero(subjects == int(unit[1:])).tolist():
            data = {"eeg": x[row : row + 1, :2], "eog": x[row : row + 1, 2:]}
            yield Sample(f"{unit}-{row}", {"imagery": int(y[row])}, data, {"subject": unit})


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Fake)
