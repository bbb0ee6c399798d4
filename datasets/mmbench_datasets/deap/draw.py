"""Draws a face plain enough to be quick and plausible enough for a face detector to find."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench_datasets.deap.video import Frame

WIDTH, HEIGHT = 720, 576
# OpenCV draws at a sixteenth of a pixel when coordinates come shifted by four bits.
_SHIFT = 4

# Where an electrode may be stuck to the face, in half widths of the head from its middle.
# fmt: off
PATCHES = (
    (0.0, -0.62), (-0.4, -0.58), (0.4, -0.58), (-0.55, 0.3), (0.55, 0.3), (-0.38, 0.52), (0.38, 0.52), (0.0, 1.08),
)
# fmt: on

Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""


@dataclass(frozen=True)
class Look:
    """What stays the same in a film: colours and proportions. ``size`` is the width of the head in pixels.

    ``patches`` are the colours of electrodes stuck to the face, in the order of ``PATCHES``.
    """

    background: Colour
    skin: Colour
    hair: Colour
    shirt: Colour
    size: float = 200.0
    length: float = 1.3
    eye_distance: float = 0.4
    nose: float = 0.38
    patches: tuple[Colour, ...] = ()


@dataclass(frozen=True)
class Pose:
    """What changes from frame to frame: the middle of the head in pixels and the expression.

    ``smile`` curves the mouth up (1) or down (-1); ``eyes`` are shut at 0 and wide at 1; ``is_away`` shows the
    back of the head.
    """

    x: float
    y: float
    smile: float = 0.0
    eyes: float = 0.5
    is_away: bool = False


def draw_face(look: Look, pose: Pose) -> Frame:
    """One frame (576, 720, 3) of a person before a plain wall."""
    canvas = _Canvas(look, pose)
    canvas.ellipse(0, 2.75, 1.9, 1.2, look.shirt)
    canvas.ellipse(0, 1.45, 0.45, 0.7, _shade(look.skin, 0.82))
    canvas.ellipse(0, -0.25, 1.12, look.length + 0.15, look.hair)
    if pose.is_away:
        canvas.ellipse(0, 0.35, 1.0, look.length * 0.9, look.hair)
        return canvas.frame
    canvas.ellipse(0, 0.05, 0.95, look.length, look.skin)
    canvas.ellipse(-0.1, -0.1, 0.65, look.length * 0.73, _shade(look.skin, 1.1))
    for (x, y), colour in zip(PATCHES, look.patches, strict=False):
        canvas.ellipse(x, y, 0.14, 0.14, colour)
    for side in (-1, 1):
        _draw_eye(canvas, side)
        canvas.ellipse(side * 0.1, look.nose, 0.05, 0.03, _shade(look.skin, 0.55))
    canvas.line(
        [(0.02, -0.05), (0.1, look.nose - 0.08), (0, look.nose + 0.02), (-0.1, look.nose - 0.08)],
        0.06,
        _shade(look.skin, 0.82),
    )
    bend = np.linspace(-1, 1, 11)
    canvas.line([(0.36 * t, 0.74 + 0.2 * pose.smile * (0.5 - t * t)) for t in bend], 0.1, (70, 60, 150))
    return canvas.frame


def _draw_eye(canvas: "_Canvas", side: int) -> None:
    look, opening = canvas.look, 0.03 + 0.13 * min(max(canvas.pose.eyes, 0.0), 1.0)
    x = side * look.eye_distance
    canvas.ellipse(x, -0.12, 0.27, 0.16, _shade(look.skin, 0.82))
    canvas.ellipse(x, -0.1, 0.21, opening, (240, 240, 240))
    canvas.ellipse(x, -0.1, 0.09, min(0.09, opening), (40, 40, 30))
    canvas.line([(x + 0.22 * t, -0.36 - 0.05 * (1 - t * t)) for t in np.linspace(-1, 1, 7)], 0.08, look.hair)


def _shade(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(255.0, value * factor) for value in colour)
    return blue, green, red


class _Canvas:
    """Draws in units of half a head's width around the middle of the head."""

    def __init__(self, look: Look, pose: Pose) -> None:
        self.look = look
        self.pose = pose
        row = np.tile(np.clip(np.round(look.background), 0, 255).astype(np.uint8), (WIDTH, 1))
        self.frame: Frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        self.frame[:] = row  # whole rows are copied ten times as fast as pixels

    def ellipse(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        import cv2

        axes = self._fixed(width * self.look.size / 2, height * self.look.size / 2)
        cv2.ellipse(self.frame, self._place(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: list[tuple[float, float]], width: float, colour: Colour) -> None:
        import cv2

        curve: Any = np.array([self._place(x, y) for x, y in points], np.int32)
        thickness = max(1, round(width * self.look.size / 2))
        cv2.polylines(self.frame, [curve], False, colour, thickness, cv2.LINE_AA, _SHIFT)

    def _place(self, x: float, y: float) -> tuple[int, int]:
        half = self.look.size / 2
        return self._fixed(self.pose.x + x * half, self.pose.y + y * half)

    @staticmethod
    def _fixed(x: float, y: float) -> tuple[int, int]:
        return round(x * 2**_SHIFT), round(y * 2**_SHIFT)
