"""A dataset and a frozen encoder that end their process."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from mmbench import Card, Dataset, Encoder, Modality, Problem, Sample, Schema, TokenSpec, hookimpl


class Leaving(Dataset):
    """Three people, of whom the second ends the process if it is to ``leave``."""

    name = "leaving"
    card = Card(title="made up", access="yours", licence="CC0", url="nowhere", citation="none")

    def __init__(self, *, leave: bool = True) -> None:
        self.leave = leave

    def schema(self) -> Schema:
        """One vector."""
        return Schema((Modality("facts", "vector", (3,)),), {"side": ("a", "b")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        """Nothing is wrong."""
        return []

    def units(self, root: Path) -> list[str]:
        """The people."""
        return ["p0", "p1", "p2"]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """This file."""
        return [Path(__file__)]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """Eight samples of each."""
        if self.leave and unit == "p1":
            os._exit(5)
        for at in range(8):
            x = [np.full(3, at, np.float32)]
            yield Sample(f"{unit}-{at}", {"side": at % 2}, {"facts": x}, {"subject": unit})


class LeavingEncoder(Encoder):
    """Ends the process where it encodes more than an example."""

    name = "leaving-encoder"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(n, 1, 3)``."""
        if len(x) > 12:
            os._exit(6)
        return x[:, None]


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    """The dataset."""
    register(Leaving)


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    """The encoder."""
    register(LeavingEncoder)
