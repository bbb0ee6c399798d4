"""A dataset without subjects: sentences of speakers, with an official split, for tests of protocols.

Its file ``sentences.csv`` has a line for each sample: id, speaker, sentence, part, class, loud, start in seconds.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, Dataset, Modality, Problem, Sample, Schema, Task, hookimpl

FILE = "sentences.csv"


class Sentences(Dataset):
    """``voice`` and ``words``: two vectors that differ between the classes."""

    name = "sentences"
    card: ClassVar[Card] = Card("Sentences", "yours", "none", "https://example.org", "nobody")

    def schema(self) -> Schema:
        modalities = (Modality("voice", "vector", (3,)), Modality("words", "vector", (4,)))
        tones, pitch = Task("labels", ("cross", "loud")), Task("values", ("pitch",))
        return Schema(modalities, {"mood": ("calm", "cross"), "tones": tones, "pitch": pitch}, ("speaker", "sentence"))

    def check(self, root: Path) -> list[Problem]:
        return [] if (root / FILE).is_file() else [Problem(FILE, "is missing", "write it")]

    def units(self, root: Path) -> list[str]:
        return sorted({row["speaker"] for row in _rows(root)})

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / FILE]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        for at, row in enumerate(_rows(root)):
            if row["speaker"] == unit:
                random, label = np.random.default_rng(at), int(row["class"])
                data = {"voice": random.normal(label, size=(1, 3)), "words": random.normal(label, size=(1, 4))}
                groups = {"speaker": unit, "sentence": row["sentence"]}
                span = (float(row["start"]), float(row["start"]) + 1) if row["start"] else None
                labels = {"mood": label, "tones": [label, int(row["loud"])], "pitch": float(label + random.normal())}
                yield Sample(row["id"], labels, data, groups, span=span, split=row["part"] or None)


def _rows(root: Path) -> list[dict[str, str]]:
    with (root / FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Published(Sentences):
    """The same, for which only the official split is valid."""

    name = "published"
    protocol = "official"


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Sentences)
    register(Published)
