"""A small dataset of two modalities, with options that break it, for tests that need prepared samples.

A unit is a text file of lines ``trial seed``; each trial has ``windows`` samples. Reading a unit leaves its name in
``reads.log``, so that tests can count how often it was read.
"""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from mmbench import Card, DataError, Dataset, Int, Modality, Problem, Sample, Schema, hookimpl

Fault = Literal["none", "nan", "constant", "shape", "group", "label", "duplicate", "everything", "unit"]


class Toy(Dataset):
    """``signal``: two channels in a bag of three whose last instance is absent in odd samples; ``facts``: a vector
    that predicts the label and is missing in each seventh sample."""

    name = "toy"
    card: ClassVar[Card] = Card("Toy", "simulated", "none", "https://example.org", "nobody")
    space: ClassVar = {"windows": Int(1, 8)}

    def __init__(self, *, windows: int = 2, length: int = 8, fault: Fault = "none") -> None:
        self.windows, self.length, self.fault = windows, length, fault

    def schema(self) -> Schema:
        signal = Modality("signal", "timeseries", (2, self.length), instances=3, rate=4.0, channels=("left", "right"))
        return Schema((signal, Modality("facts", "vector", (4,))), {"side": ("no", "yes")}, ("subject", "trial"))

    def check(self, root: Path) -> list[Problem]:
        return [
            Problem(str(path), "holds nothing", "simulate it") for path in root.glob("*.txt") if not path.stat().st_size
        ]

    def units(self, root: Path) -> list[str]:
        return sorted(path.stem for path in root.glob("*.txt"))

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / f"{unit}.txt"]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        with (root / "reads.log").open("a") as log:
            log.write(f"{unit}\n")
        for number, line in enumerate((root / f"{unit}.txt").read_text().splitlines()):
            if number == 1:
                _stop(unit)
            trial, seed = line.split()
            if not seed.isdecimal():
                raise DataError(f"trial {trial} is damaged", where=root / f"{unit}.txt", remedy="simulate it again")
            for window in range(self.windows):
                yield self._spoilt(self._sample(unit, trial, int(seed), window), number * self.windows + window)

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, trials: int = 3) -> None:
        root.mkdir(parents=True, exist_ok=True)
        for subject in range(subjects):
            lines = [f"t{trial} {1000 * seed + 100 * subject + trial}\n" for trial in range(trials)]
            (root / f"s{subject}.txt").write_text("".join(lines))

    def _sample(self, unit: str, trial: str, seed: int, window: int) -> Sample:
        random = np.random.default_rng([seed, window])
        label = seed % 2
        data = {"signal": random.normal(size=(3, 2, self.length))}
        if (seed + window) % 7:
            data["facts"] = random.normal(loc=3 * label, size=(1, 4))
        present = {"signal": np.array([True, True, seed % 2 == 0])}
        groups = {"subject": unit, "trial": trial}
        return Sample(f"{unit}-{trial}-{window}", {"side": label}, data, groups, present, span=(window, window + 2.0))

    def _spoilt(self, sample: Sample, number: int) -> Sample:
        if self.fault == "everything" or (self.fault == "unit" and sample.groups["subject"] == "s1"):
            return replace(sample, labels={"side": 9})
        if number != 3:
            return sample
        signal = sample.data["signal"].copy()
        if self.fault == "nan":
            signal[0, 1, 2] = np.nan
        if self.fault == "constant":
            signal[:, 1] = 5.0
        if self.fault == "shape":
            signal = signal[..., 1:]
        if self.fault == "group":
            return replace(sample, groups={"subject": sample.groups["subject"]})
        if self.fault == "label":
            return replace(sample, labels={"side": 2})
        if self.fault == "duplicate":
            return replace(sample, id="the same")
        return replace(sample, data={**sample.data, "signal": signal})


def _stop(unit: str) -> None:
    """Accidents that tests arrange from outside, so that they are no part of what is prepared."""
    if os.environ.get("TOY_KILL") == unit:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("TOY_STOP") == unit:
        raise DataError("the reader stopped", where=unit)


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Toy)
