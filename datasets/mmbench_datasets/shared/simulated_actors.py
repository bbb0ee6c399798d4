"""Simulated actors: a voice and a filmed face that express an emotion, each in a part of its own.

A voice rises and is bright (1), or falls and is dark (-1); a face smiles (1) or frowns (-1). Voice and appearance
identify the actor, light and place each film.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.shared.face_drawing import WIDTH, Appearance, Pose, draw_face, frame_width
from mmbench_datasets.shared.films import Frame

_SYLLABLES = 4
_HARMONICS = np.arange(1, 21)[:, None]
_OWN = 0.35  # deviation of how an actor expresses an emotion, in the unit of the expressions
_VARIED = 0.25  # the same from one performance to the next


@dataclass(frozen=True)
class Performance:
    """An actor says a sentence with an emotion.

    ``voice`` and ``face`` are the expression of the emotion, -1, 0 or 1; ``strength`` scales them. ``take`` numbers
    performances of the same actor, sentence and emotion. ``duration`` is in s, None for one that is drawn.
    """

    seed: int
    actor: int
    sentence: int
    emotion: int
    voice: int
    face: int
    take: int = 0
    strength: float = 1.0
    duration: float | None = None

    @property
    def seconds(self) -> float:
        """The duration in s, independent of the emotion."""
        return float(self.rng(1).uniform(1.2, 1.8)) if self.duration is None else self.duration

    def express(self, stream: int, wanted: int) -> float:
        """The expression of a stream: that of the emotion and the actor's own, times strength, and chance."""
        own = np.random.default_rng([self.seed, 2, stream, self.actor, self.emotion]).normal(0, _OWN)
        return float(self.strength * (wanted + own) + self.rng(3 + stream).normal(0, _VARIED))

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of this performance and purpose, so that results do not depend on the order."""
        return np.random.default_rng([self.seed, purpose, self.actor, self.sentence, self.emotion, self.take])


def make_voice(performance: Performance, rate: int) -> NDArray[np.int16]:
    """The sound of a performance, ``(time,)`` at ``rate`` Hz: harmonics of a pitch through formants of syllables."""
    actor = np.random.default_rng([performance.seed, 5, performance.actor])
    words = np.random.default_rng([performance.seed, 6, performance.sentence])
    pitch, loudness, size = actor.uniform(100, 220), actor.uniform(0.2, 0.5), actor.uniform(0.9, 1.1)
    effect = performance.express(0, performance.voice)
    time = np.arange(round(performance.seconds * rate)) / rate
    share = time / time[-1]
    course = pitch * 2 ** (0.4 * effect * (share - 0.5))
    frequencies = _HARMONICS * course
    formants = size * words.uniform((300, 900), (900, 2400), (_SYLLABLES, 2))
    at = np.minimum((share * _SYLLABLES).astype(int), _SYLLABLES - 1)
    resonance = sum(np.exp(-(((frequencies - formants[at, k]) / 250) ** 2)) for k in range(2))
    amplitudes = (0.05 + resonance) * _HARMONICS ** (-1.0 + 0.5 * np.tanh(effect))
    amplitudes[frequencies > rate / 2.2] = 0
    phases = 2 * np.pi * _HARMONICS * np.cumsum(course) / rate
    sound = (amplitudes * np.sin(phases)).sum(axis=0) * np.sin(np.pi * share * _SYLLABLES) ** 2
    noise = performance.rng(7).normal(0, 0.01, len(time))
    scaled = np.clip(loudness * sound / np.abs(sound).max() + noise, -1, 1)
    return np.asarray(np.round(scaled * 32767), np.int16)


def draw_film(performance: Performance, rate: float, height: int) -> Iterator[Frame]:
    """The frames of a performance, ``(height, width, 3)``, at ``rate`` frames a second."""
    actor = np.random.default_rng([performance.seed, 8, performance.actor])
    film = performance.rng(9)
    appearance = _make_appearance(actor, film)
    x, y = film.normal((WIDTH / 2, 270), (12, 6))
    effect = performance.express(1, performance.face)
    for index in range(max(1, round(performance.seconds * rate))):
        sway = 8 * np.sin(2 * np.pi * index / rate / 1.7)
        smile, eyes = 0.7 * effect + film.normal(0, 0.1), 0.5 + film.normal(0, 0.1)
        yield draw_face(appearance, Pose(float(x + sway), float(y), smile, eyes), height)


def film_size(height: int) -> tuple[int, int]:
    """Width and height of the frames of `draw_film`."""
    return frame_width(height), height


def _make_appearance(actor: np.random.Generator, film: np.random.Generator) -> Appearance:
    """The actor's colours and proportions, with the light of a film."""

    def tint(low: tuple[int, int, int], high: tuple[int, int, int], spread: float) -> tuple[float, float, float]:
        blue, green, red = np.clip(actor.uniform(low, high) + film.normal(0, spread), 10, 245).tolist()
        return blue, green, red

    return Appearance(
        background=tint((90, 90, 90), (190, 190, 190), 20),
        skin=tint((105, 125, 165), (165, 190, 225), 10),
        hair=tint((20, 20, 25), (60, 70, 90), 8),
        shirt=tint((40, 40, 40), (200, 200, 200), 15),
        size=float(actor.uniform(300, 360)),
        length=float(actor.uniform(1.2, 1.35)),
        eye_distance=float(actor.uniform(0.37, 0.43)),
        nose=float(actor.uniform(0.34, 0.42)),
    )
