"""Draws simple faces that a face detector finds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench_datasets.shared.faces import Frame

WIDTH, HEIGHT = 720, 576
# OpenCV draws at 1/16 pixel where coordinates are shifted by four bits.
_SHIFT = 4

# Positions of electrodes on the face, in half widths of the head from its centre.
# fmt: off
ELECTRODE_POSITIONS = (
    (0.0, -0.62), (-0.4, -0.58), (0.4, -0.58), (-0.55, 0.3), (0.55, 0.3), (-0.38, 0.52), (0.38, 0.52), (0.0, 1.08),
)
# fmt: on

Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""


@dataclass(frozen=True)
class Appearance:
    """Colours and proportions of a face, constant within a video. ``size`` is the width of the head in pixels.

    ``electrodes`` are the colours of electrodes on the face, in the order of ``ELECTRODE_POSITIONS``.
    """

    background: Colour
    skin: Colour
    hair: Colour
    shirt: Colour
    size: float = 200.0
    length: float = 1.3
    eye_distance: float = 0.4
    nose: float = 0.38
    electrodes: tuple[Colour, ...] = ()


@dataclass(frozen=True)
class Pose:
    """Position and expression, which change from frame to frame. ``x`` and ``y`` are the centre of the head in pixels.

    ``smile`` curves the mouth up and raises the brows (1), or down (-1); ``eyes`` are shut at 0 and wide open at 1;
    ``is_away`` shows the back of the head.
    """

    x: float
    y: float
    smile: float = 0.0
    eyes: float = 0.5
    is_away: bool = False


def frame_width(height: int) -> int:
    """Columns of a frame with ``height`` rows, in the proportions of DEAP's videos."""
    return round(height * WIDTH / HEIGHT)


def draw_face(appearance: Appearance, pose: Pose, height: int = HEIGHT) -> Frame:
    """One frame of a person in front of a plain wall, (576, 720, 3) or the same picture in another ``height``.

    Lengths in ``appearance`` and ``pose`` are in pixels of a frame of 576 rows.
    """
    canvas = _Canvas(appearance, pose, height)
    canvas.ellipse(0, 2.75, 1.9, 1.2, appearance.shirt)
    canvas.ellipse(0, 1.45, 0.45, 0.7, _shade(appearance.skin, 0.82))
    canvas.ellipse(0, -0.25, 1.12, appearance.length + 0.15, appearance.hair)
    if pose.is_away:
        canvas.ellipse(0, 0.35, 1.0, appearance.length * 0.9, appearance.hair)
        return canvas.frame
    canvas.ellipse(0, 0.05, 0.95, appearance.length, appearance.skin)
    canvas.ellipse(-0.1, -0.1, 0.65, appearance.length * 0.73, _shade(appearance.skin, 1.1))
    for (x, y), colour in zip(ELECTRODE_POSITIONS, appearance.electrodes, strict=False):
        canvas.ellipse(x, y, 0.14, 0.14, colour)
    for side in (-1, 1):
        _draw_eye(canvas, side)
        canvas.ellipse(side * 0.1, appearance.nose, 0.05, 0.03, _shade(appearance.skin, 0.55))
    canvas.line(
        [(0.02, -0.05), (0.1, appearance.nose - 0.08), (0, appearance.nose + 0.02), (-0.1, appearance.nose - 0.08)],
        0.06,
        _shade(appearance.skin, 0.82),
    )
    bend = np.linspace(-1, 1, 11)
    wide = 0.38 + 0.06 * pose.smile
    canvas.line([(wide * t, 0.74 + 0.4 * pose.smile * (0.5 - t * t)) for t in bend], 0.12, (70, 60, 150))
    return canvas.frame


def _draw_eye(canvas: "_Canvas", side: int) -> None:
    appearance, opening = canvas.appearance, 0.03 + 0.13 * min(max(canvas.pose.eyes, 0.0), 1.0)
    x = side * appearance.eye_distance
    canvas.ellipse(x, -0.12, 0.27, 0.16, _shade(appearance.skin, 0.82))
    canvas.ellipse(x, -0.1, 0.21, opening, (240, 240, 240))
    canvas.ellipse(x, -0.1, 0.09, min(0.09, opening), (40, 40, 30))
    brow = -0.36 - 0.08 * canvas.pose.smile
    slant = 0.08 * side * min(canvas.pose.smile, 0.0)
    canvas.line(
        [(x + 0.22 * t, brow - 0.05 * (1 - t * t) + slant * t) for t in np.linspace(-1, 1, 7)], 0.08, appearance.hair
    )


def _shade(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(255.0, value * factor) for value in colour)
    return blue, green, red


class _Canvas:
    """A frame drawn in units of half the head's width, with the origin at the centre of the head."""

    def __init__(self, appearance: Appearance, pose: Pose, height: int) -> None:
        self.appearance = appearance
        self.pose = pose
        self._scale = height / HEIGHT
        width = frame_width(height)
        row = np.tile(np.clip(np.round(appearance.background), 0, 255).astype(np.uint8), (width, 1))
        self.frame: Frame = np.empty((height, width, 3), np.uint8)
        self.frame[:] = row  # copying rows is ten times as fast as filling pixels

    def ellipse(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        import cv2

        axes = self._fixed(width * self.appearance.size / 2, height * self.appearance.size / 2)
        cv2.ellipse(self.frame, self._place(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: list[tuple[float, float]], width: float, colour: Colour) -> None:
        import cv2

        curve: Any = np.array([self._place(x, y) for x, y in points], np.int32)
        thickness = max(1, round(width * self.appearance.size / 2 * self._scale))
        cv2.polylines(self.frame, [curve], False, colour, thickness, cv2.LINE_AA, _SHIFT)

    def _place(self, x: float, y: float) -> tuple[int, int]:
        half = self.appearance.size / 2
        return self._fixed(self.pose.x + x * half, self.pose.y + y * half)

    def _fixed(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._scale * 2**_SHIFT), round(y * self._scale * 2**_SHIFT)
