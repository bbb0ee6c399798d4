"""Plugin of the benchmark ``scale``: simulated people, as many samples and people as wanted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from mmbench import Card, Dataset, Encoder, Modality, Problem, Sample, Schema, TokenSpec, hookimpl

MODALITIES = ("wrist", "chest", "face")
WIDTH = 32


class Scale(Dataset):
    """``samples`` simulated samples of three vectors (1, 32), distributed over ``people``; two classes."""

    name = "scale"
    card: ClassVar[Card] = Card("Scale", "simulated", "none", "https://example.org", "nobody")

    def __init__(self, *, samples: int = 10_000, people: int = 2_000) -> None:
        self.samples, self.people = samples, people

    def schema(self) -> Schema:
        modalities = tuple(Modality(name, "vector", (WIDTH,)) for name in MODALITIES)
        return Schema(modalities, {"side": ("no", "yes")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        return [f"s{number:04}" for number in range(self.people)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return []

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        number = int(unit[1:])
        random = np.random.default_rng(number)
        n = self.samples // self.people + (number < self.samples % self.people)
        for row in range(n):
            side = row % 2
            data = {
                name: random.standard_normal((1, WIDTH), dtype=np.float32) + np.float32(0.2 * side)
                for name in MODALITIES
            }
            yield Sample(f"{unit}-{row:05}", {"side": side}, data, {"subject": unit})


class Fixed(Encoder):
    """A fixed projection to eight tokens of 32 numbers."""

    name = "fixed"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(8, 32)
        self.project = torch.nn.Linear(WIDTH, 8 * 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.project(x)
        return tokens.reshape(len(x), 8, 32)


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Scale)


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    register(Fixed)
