"""Simulated utterances in the files of CMU-MOSI."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError, written_whole
from mmbench_datasets.mosi.tables import FEATURES, TRANSCRIPTS, feature_file, row_file
from mmbench_datasets.simulated import begin_simulation

_PER_VIDEO = 12
_SHIFTS = {"text": 1.4, "audio": 0.7, "video": 0.7}  # distance of the classes, in deviations of their noise
_WORDS = (
    ("BORING", "BAD", "AWFUL", "POOR", "SLOW", "DULL", "WEAK", "SAD"),
    ("GREAT", "GOOD", "FUNNY", "LOVELY", "FRESH", "BRIGHT", "STRONG", "HAPPY"),
)
_OPENINGS = ("I THOUGHT THE", "I MEAN THE", "AND THE", "YOU KNOW THE", "HONESTLY THE")
_NOUNS = ("MOVIE", "STORY", "ACTING", "MUSIC", "ENDING", "CAST", "PLOT", "SCENE")


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float) -> None:
    """Write the files of ``subjects`` videos with twelve utterances each, two thirds of them for training.

    Each modality shifts by ``strength`` along a direction of its own, plus noise and an offset of the video. In a
    transcript, the adjective agrees with the label with a probability that rises with ``strength``, from a half at 0.
    """
    if subjects < 2:
        raise SpecError(f"subjects is {subjects}", where="mosi.simulate", remedy="give 2 or more videos")
    begin_simulation(root, "mosi", subjects=subjects, seed=seed, strength=strength)
    videos = np.repeat(np.arange(subjects), _PER_VIDEO)
    labels = np.random.default_rng([seed, 1]).integers(0, 2, len(videos))
    features = {name: _features(name, videos, labels, seed, strength) for name in FEATURES}
    _write(root / TRANSCRIPTS, _transcripts(videos, labels, seed, strength))
    n_train = min(max(1, round(2 * subjects / 3)), subjects - 1)
    for part, rows in {"train": np.flatnonzero(videos < n_train), "test": np.flatnonzero(videos >= n_train)}.items():
        for name, table in features.items():
            lines = (
                [*map(str, values), str(label)]
                for values, label in zip(table[rows].tolist(), labels[rows], strict=True)
            )
            _write(root / feature_file(name, part), lines)
        numbered = ([str(row), *map(str, features["text"][row].tolist())] for row in rows.tolist())
        _write(root / row_file(part), numbered)


def _features(
    name: str, videos: NDArray[np.int64], labels: NDArray[np.int64], seed: int, strength: float
) -> NDArray[np.float64]:
    drawn = np.random.default_rng([seed, 2, [*FEATURES].index(name)])
    width = FEATURES[name]
    direction = drawn.normal(0, 1, width)
    direction *= _SHIFTS[name] / np.linalg.norm(direction)
    of_video = drawn.normal(0, 0.3, (int(videos.max()) + 1, width))[videos]
    shifted = strength * (2 * labels[:, None] - 1) * direction
    total: NDArray[np.float64] = np.round(shifted + of_video + drawn.normal(0, 1, (len(videos), width)), 6)
    return total


def _transcripts(
    videos: NDArray[np.int64], labels: NDArray[np.int64], seed: int, strength: float
) -> Iterable[Sequence[str]]:
    """Rows of `TRANSCRIPTS`: id, text, number of the video, label."""
    drawn = np.random.default_rng([seed, 3])
    agree = drawn.random(len(videos)) < 0.5 + 0.35 * min(1.0, strength)
    for at, (video, label) in enumerate(zip(videos.tolist(), labels.tolist(), strict=True)):
        opening, noun = drawn.choice(_OPENINGS), drawn.choice(_NOUNS)
        word = drawn.choice(_WORDS[label if agree[at] else 1 - label])
        yield f"video{video:03d}_{at % _PER_VIDEO + 1}", f"{opening} {noun} WAS {word}", str(video + 1), str(label)


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
