"""Options of a simulation; imports no numpy, so that listing datasets stays fast."""

import json
from dataclasses import asdict, dataclass

from mmbench import SpecError

VERSION = "3"
"""Increased whenever the same options give different files."""


@dataclass(frozen=True)
class Simulation:
    """Options of a simulation: ``fps``, ``seconds`` and ``height`` in pixels of the face videos, which ``films=False``
    leaves out; ``bdf`` adds the original recordings.

    ``strength`` scales every effect of the ratings; ``power``, ``evoked`` and ``expression`` those on the band power of
    the EEG, on its evoked responses, and on the face.
    """

    subjects: int
    seed: int = 0
    strength: float = 1.0
    fps: float = 50.0
    seconds: float = 60.0
    bdf: bool = False
    films: bool = True
    power: float = 1.0
    evoked: float = 1.0
    expression: float = 1.0
    height: int = 576

    def __post_init__(self) -> None:
        for name, low, high in (
            ("subjects", 1, 32),
            ("seed", 0, 2**32),
            *((name, 0, 10) for name in ("strength", "power", "evoked", "expression")),
            ("fps", 0.1, 120),
            ("seconds", 1, 120),
            ("height", 144, 576),
        ):
            if not low <= getattr(self, name) <= high:
                raise SpecError(f"{name}={getattr(self, name)} is outside {low}-{high}", remedy="choose a value within")

    def describe(self) -> str:
        """All options that the files depend on, as JSON."""
        options = asdict(self)
        if self.films:
            del options["films"]  # older simulations had no such option and keep their key
        return json.dumps({"simulated": "deap", "version": VERSION, **options}, sort_keys=True) + "\n"
