"""Simulated face videos: who is filmed and the room are fingerprints, the expression tells a little of the affect."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import StorageError
from mmbench_datasets.deap.draw import HEIGHT, PATCHES, WIDTH, Colour, Look, Pose, draw_face
from mmbench_datasets.deap.truth import make_rng
from mmbench_datasets.deap.video import Frame, is_truncated

# MPEG-4 is part of every OpenCV wheel, as quick as Motion JPEG and half the size.
_CODEC = "XVID"

_SMILE, _EYES = 0.7, 0.4
# What a trial adds to the expression whatever its ratings, in the unit of the scores (-1 to 1).
_CONFUSION = 0.4
_FLICKER = 0.12
# A person turns away once in some of the films, and for single seconds now and then.
_AWAY_CHANCE, _AWAY_S = 0.25, 8.0
_GLANCE_CHANCE = 0.03


@dataclass(frozen=True)
class Film:
    """One video to be drawn; ``valence`` and ``arousal`` are scores from -1 to 1 times the strength."""

    seed: int
    participant: int
    experiment: int
    valence: float
    arousal: float
    fps: float
    seconds: float


def write_film(path: Path, film: Film) -> None:
    """Draw and code a film into an AVI file."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*_CODEC), film.fps, (WIDTH, HEIGHT))
    try:
        if not writer.isOpened():
            raise StorageError(
                "this video cannot be written", where=path, remedy="check the folder and OpenCV's codecs"
            )
        for frame in draw_film(film):
            writer.write(frame)
    finally:
        writer.release()
    if is_truncated(path):  # OpenCV does not tell of a full disk
        raise StorageError("this video could not be written whole", where=path, remedy="free some space")


def draw_film(film: Film) -> Iterator[Frame]:
    """The frames of a film in order."""
    rng = make_rng("film", film.seed, film.participant, film.experiment)
    look = _draw_look(make_rng("person", film.seed, film.participant), rng)
    for pose in _poses(film, rng):
        yield draw_face(look, pose)


def _draw_look(person: np.random.Generator, trial: np.random.Generator) -> Look:
    """The person's colours and proportions, each a little different in every trial, as light and posture are."""

    def tint(low: Colour, high: Colour, spread: float) -> Colour:
        own = person.uniform(low, high)
        blue, green, red = np.clip(own + trial.normal(0, spread, 3), 10, 245).tolist()
        return blue, green, red

    def length(low: float, high: float, spread: float) -> float:
        return float(person.uniform(low, high) + np.clip(trial.normal(0, spread), -2 * spread, 2 * spread))

    skin = tint((105, 125, 165), (165, 190, 225), 15)
    shades = np.clip(skin * trial.uniform(0.55, 1.35, (len(PATCHES), 3)), 10, 245)
    return Look(
        background=tint((80, 80, 80), (200, 200, 200), 35),
        skin=skin,
        hair=tint((20, 20, 25), (60, 70, 90), 18),
        shirt=tint((40, 40, 40), (200, 200, 200), 30),
        size=length(190, 230, 8),
        length=length(1.2, 1.35, 0.05),
        eye_distance=length(0.37, 0.43, 0.02),
        nose=length(0.34, 0.42, 0.02),
        patches=tuple((blue, green, red) for blue, green, red in shades.tolist()),
    )


def _poses(film: Film, rng: np.random.Generator) -> Iterator[Pose]:
    """The head sways, the expression flickers around what the trial has."""
    n_frames = max(1, round(film.fps * film.seconds))
    seconds = int(np.ceil(film.seconds)) + 1
    valence, arousal = np.array([film.valence, film.arousal]) + rng.normal(0, _CONFUSION, 2)
    middle = rng.normal((WIDTH / 2, 270), (40, 15))
    phase = rng.uniform(0, 2 * np.pi, 2)
    flicker = rng.normal(0, _FLICKER, (2 * seconds + 1, 2))
    is_away = _draw_away(rng, seconds)
    for index in range(n_frames):
        time = index / film.fps
        x, y = middle + (18, 6) * np.sin(2 * np.pi * time / np.array([13, 9]) + phase)
        smile, eyes = (valence, arousal) + flicker[int(2 * time)]
        yield Pose(x, y, _SMILE * smile, 0.5 + _EYES * eyes, bool(is_away[int(time)]))


def _draw_away(rng: np.random.Generator, seconds: int) -> NDArray[np.bool_]:
    """For each second, whether the face is out of sight."""
    is_away = rng.random(seconds) < _GLANCE_CHANCE
    begin = rng.uniform(0, max(1.0, seconds - _AWAY_S))
    if rng.random() < _AWAY_CHANCE:
        is_away[int(begin) : int(begin + _AWAY_S)] = True
    return is_away
