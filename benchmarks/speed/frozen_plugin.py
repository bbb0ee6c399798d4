"""Plugin of the benchmark ``fusions``: a simulated dataset of images and EEG."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, Dataset, Modality, Problem, Sample, Schema, hookimpl
from speed.milmer_parts import CHANNELS, SIDE, TIMES, picture

PEOPLE = 4


class Pictures(Dataset):
    """``samples`` simulated samples of one picture of 224 px and EEG (32, 384), distributed over four people."""

    name = "pictures"
    card: ClassVar[Card] = Card("Pictures", "simulated", "none", "https://example.org", "nobody")

    def __init__(self, *, samples: int = 96) -> None:
        self.samples = samples

    def schema(self) -> Schema:
        eeg = Modality("eeg", "timeseries", (CHANNELS, TIMES), rate=128.0)
        return Schema((eeg, Modality("face", "image", (3, SIDE, SIDE))), {"side": ("no", "yes")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        return [f"s{number}" for number in range(PEOPLE)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return []

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        random = np.random.default_rng(int(unit[1:]))
        for number in range(self.samples // PEOPLE):
            eeg = random.standard_normal((1, CHANNELS, TIMES)).astype(np.float32)
            yield Sample(
                f"{unit}-{number}", {"side": number % 2}, {"eeg": eeg, "face": [picture(random)]}, {"subject": unit}
            )


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Pictures)
