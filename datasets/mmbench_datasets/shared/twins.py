"""Simulated twins: datasets whose files are simulated on first use, in the format of another, and read by its code."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from mmbench import Card, locked

_VERSION = 1  # increased whenever the same options give different files


def twin_card(card: Card) -> Card:
    """The card of the simulated twin of a dataset."""
    return replace(
        card,
        title=f"Simulated, in the files of: {card.title}",
        access="simulated",
        licence="MIT, as mmbench",
        citation=f"simulated by mmbench, after {card.citation}",
        request="nothing to request: the files are made on first use",
        size="",
    )


def make_once(cache: Path, name: str, write: Callable[..., None], **options: int | float) -> Path:
    """The folder under ``cache`` of the files that ``write(folder, **options)`` makes, where they are missing.

    They are made in a folder of another name, which is renamed when they are complete.
    """
    key = hashlib.sha256(json.dumps({"version": _VERSION, **options}, sort_keys=True).encode()).hexdigest()[:12]
    home, part = cache / f"{name}-{key}", cache / f"{name}-{key}.part"
    with locked(home):
        if not home.is_dir():
            write(part, **options)
            part.rename(home)
    return home


class SimulatedTwin:
    """Before a dataset in the list of bases: its files are made on first use, with the options in ``simulation``."""

    name: ClassVar[str]
    simulation: Mapping[str, int | float]
    simulate: Callable[..., None]

    def locate(self, cache: Path) -> Path:
        """The folder of the files, which are made on first use."""
        return make_once(cache, self.name, self.simulate, **self.simulation)
