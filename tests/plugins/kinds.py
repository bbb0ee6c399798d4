"""A dataset with a modality of every kind and a task of every kind, for tests.

A unit is a text file of lines ``trial seed``, each a sample. The class of ``mood`` shows in every modality; the tags
and ratings follow from it and from the seed. Everything of open length differs in length from sample to sample. In each
fifth sample one modality is missing in turn, in each ninth the tags and ratings are unknown. Subjects are the parts of
the official split: the last one is ``test``, the one before it ``validation``.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
from PIL import Image

from mmbench import Card, Clip, Column, Dataset, Modality, Problem, Sample, Schema, Task, hookimpl

RATE = 4000  # Hz
WORDS = {
    "calm": ["quiet", "slow", "soft", "still", "mild", "gentle"],
    "glad": ["bright", "quick", "warm", "happy", "light", "cheerful"],
    "sad": ["grey", "heavy", "cold", "dark", "tired", "lonely"],
}
MOODS = tuple(WORDS)
MODALITIES = (
    Modality("motion", "timeseries", (3, None), rate=50.0, channels=("x", "y", "z")),
    Modality("pulse", "timeseries", (1, 16), rate=16.0),
    Modality("voice", "audio", (1, None), rate=RATE),
    Modality("face", "image", (3, 8, 8), instances=2, resize="crop"),
    Modality("clip", "video", (None, 3, 8, 8), rate=10.0),
    Modality("note", "text", (), instances=2),
    Modality("facts", "table", (3,), columns=(Column("age"), Column("hand", ("left", "right")), Column("height"))),
    Modality("marks", "vector", (4,)),
)
TASKS = {
    "mood": MOODS,
    "tags": Task("labels", ("loud", "young", "outdoors")),
    "rating": Task("values", ("valence", "arousal")),
}


class Kinds(Dataset):
    """Every kind of modality and of task."""

    name = "kinds"
    card: ClassVar[Card] = Card("Every kind", "simulated", "none", "https://example.org", "nobody")

    def schema(self) -> Schema:
        return Schema(MODALITIES, TASKS, ("subject", "trial"))

    def check(self, root: Path) -> list[Problem]:
        return [] if self.units(root) else [Problem(str(root), "holds no .txt file", "simulate it")]

    def units(self, root: Path) -> list[str]:
        return sorted(path.stem for path in root.glob("*.txt"))

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / f"{unit}.txt"]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        parts = dict(zip(self.units(root)[::-1], ("test", "validation"), strict=False))
        for line in (root / f"{unit}.txt").read_text().splitlines():
            trial, seed = line.split()
            yield make_sample(unit, trial, int(seed), parts.get(unit, "train"))

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, trials: int = 9) -> None:
        root.mkdir(parents=True, exist_ok=True)
        for subject in range(subjects):
            lines = [f"t{trial} {1000 * seed + 100 * subject + trial}\n" for trial in range(trials)]
            (root / f"s{subject}.txt").write_text("".join(lines))


def make_sample(subject: str, trial: str, seed: int, split: str | None = None) -> Sample:
    """One sample; all of it follows from the seed."""
    random = np.random.default_rng(seed)
    mood = seed % 3
    data: dict[str, Any] = {
        "motion": [random.normal(mood, 1, (3, 5 + seed % 11))],
        "pulse": random.normal(mood, 1, (1, 1, 16)).astype(np.float32),
        "voice": [voice(random, mood)],
        "face": [picture(random, mood, 8 + seed % 3), None if seed % 4 == 0 else picture(random, mood, 8)],
        "clip": [clip(random, mood, 2 + seed % 4)],
        "note": [note(random, mood, 1 + seed % 6), None if seed % 2 else note(random, mood, 3)],
        "facts": [{"age": 20 + 10 * mood, "hand": ("left", "right", None)[mood], "height": random.normal()}],
        "marks": random.normal(mood, 1, (1, 4)).astype(np.float32),
    }
    if seed % 5 == 0:
        del data[MODALITIES[seed // 5 % len(MODALITIES)].name]
    labels: dict[str, Any] = {"mood": mood}
    if seed % 9:
        labels["tags"] = [int(mood == 1), seed % 2, int(mood == 2)]
        labels["rating"] = [mood + random.normal(scale=0.1), random.normal(2 - mood, 0.1)]
    groups = {"subject": subject, "trial": f"{subject}-{trial}"}
    return Sample(f"{subject}-{trial}", labels, data, groups, span=(0.0, 1.0), split=split)  # type: ignore[arg-type]


def voice(random: np.random.Generator, mood: int) -> bytes:
    """A WAV file of a tone whose pitch follows from the mood."""
    n = int(random.integers(400, 1200))
    tone = 0.3 * np.sin(2 * np.pi * (200 + 300 * mood) * np.arange(n) / RATE) + random.normal(scale=0.02, size=n)
    file = io.BytesIO()
    soundfile.write(file, tone, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def picture(random: np.random.Generator, mood: int, side: int) -> bytes:
    """A PNG of noise with one bright colour."""
    pixels = random.integers(0, 60, (side, side, 3), dtype=np.uint8)
    pixels[..., mood] += 150
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def clip(random: np.random.Generator, mood: int, n_frames: int) -> Clip:
    """Pictures at ten frames a second."""
    return Clip([picture(random, mood, 8) for _ in range(n_frames)], [at / 10 for at in range(n_frames)])


def note(random: np.random.Generator, mood: int, n_words: int) -> str:
    """Words of the mood, with a letter beyond ASCII."""
    return " ".join([*random.choice(WORDS[MOODS[mood]], n_words), "é"])


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Kinds)
