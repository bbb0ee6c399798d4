"""Simulated face videos: person and room identify the trial, the expression depends weakly on the ratings."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.shared.face_drawing import (
    ELECTRODE_POSITIONS,
    HEIGHT,
    WIDTH,
    Appearance,
    Colour,
    Pose,
    draw_face,
    frame_width,
)
from mmbench_datasets.shared.faces import Frame
from mmbench_datasets.shared.films import write_film
from mmbench_datasets.shared.seeding import make_rng

_SMILE, _EYES = 0.9, 0.4
# The face tells valence better than arousal.
_VALENCE, _AROUSAL = 1.1, 0.25
# Standard deviation of the expression that does not depend on the ratings, in the unit of the scores (-1 to 1).
_CONFUSION = 0.35
_FLICKER = 0.12
# A person turns away for 8 s in some videos, and for single seconds at random.
_AWAY_CHANCE, _AWAY_S = 0.25, 8.0
_GLANCE_CHANCE = 0.03


@dataclass(frozen=True)
class FaceVideo:
    """Parameters of one video; ``valence`` and ``arousal`` are scores from -1 to 1, times the strength."""

    seed: int
    participant: int
    experiment: int
    valence: float
    arousal: float
    fps: float
    seconds: float
    height: int = HEIGHT


def write_video(path: Path, video: FaceVideo) -> None:
    """Draw a video and write it as an AVI file."""
    write_film(path, draw_frames(video), video.fps, (frame_width(video.height), video.height))


def draw_frames(video: FaceVideo) -> Iterator[Frame]:
    """The frames of a video in order, (576, 720, 3) each, or of another height in the same proportions."""
    rng = make_rng("video", video.seed, video.participant, video.experiment)
    appearance = _make_appearance(make_rng("person", video.seed, video.participant), rng)
    for pose in _poses(video, rng):
        yield draw_face(appearance, pose, video.height)


def _make_appearance(person: np.random.Generator, trial: np.random.Generator) -> Appearance:
    """The person's colours and proportions, with small differences per trial, such as light and posture cause."""

    def tint(low: Colour, high: Colour, spread: float) -> Colour:
        own = person.uniform(low, high)
        blue, green, red = np.clip(own + trial.normal(0, spread, 3), 10, 245).tolist()
        return blue, green, red

    def length(low: float, high: float, spread: float) -> float:
        return float(person.uniform(low, high) + np.clip(trial.normal(0, spread), -2 * spread, 2 * spread))

    skin = tint((105, 125, 165), (165, 190, 225), 15)
    shades = np.clip(skin * trial.uniform(0.55, 1.35, (len(ELECTRODE_POSITIONS), 3)), 10, 245)
    return Appearance(
        background=tint((80, 80, 80), (200, 200, 200), 35),
        skin=skin,
        hair=tint((20, 20, 25), (60, 70, 90), 18),
        shirt=tint((40, 40, 40), (200, 200, 200), 30),
        size=length(190, 230, 8),
        length=length(1.2, 1.35, 0.05),
        eye_distance=length(0.37, 0.43, 0.02),
        nose=length(0.34, 0.42, 0.02),
        electrodes=tuple((blue, green, red) for blue, green, red in shades.tolist()),
    )


def _poses(video: FaceVideo, rng: np.random.Generator) -> Iterator[Pose]:
    """The pose of each frame: the head sways, the expression varies around that of the trial."""
    n_frames = max(1, round(video.fps * video.seconds))
    seconds = int(np.ceil(video.seconds)) + 1
    affect = np.array([_VALENCE * video.valence, _AROUSAL * video.arousal])
    valence, arousal = affect + rng.normal(0, _CONFUSION, 2)
    middle = rng.normal((WIDTH / 2, 270), (40, 15))
    phase = rng.uniform(0, 2 * np.pi, 2)
    flicker = rng.normal(0, _FLICKER, (2 * seconds + 1, 2))
    is_away = _draw_away(rng, seconds)
    for index in range(n_frames):
        time = index / video.fps
        x, y = middle + (18, 6) * np.sin(2 * np.pi * time / np.array([13, 9]) + phase)
        smile, eyes = (valence, arousal) + flicker[int(2 * time)]
        yield Pose(x, y, _SMILE * smile, 0.5 + _EYES * eyes, bool(is_away[int(time)]))


def _draw_away(rng: np.random.Generator, seconds: int) -> NDArray[np.bool_]:
    """Whether the person is turned away, per second."""
    is_away = rng.random(seconds) < _GLANCE_CHANCE
    begin = rng.uniform(0, max(1.0, seconds - _AWAY_S))
    if rng.random() < _AWAY_CHANCE:
        is_away[int(begin) : int(begin + _AWAY_S)] = True
    return is_away
