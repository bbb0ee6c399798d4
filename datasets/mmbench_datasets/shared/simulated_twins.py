"""Simulated twins of datasets: the same reader over files that are simulated on first use."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from mmbench import Card, Dataset, locked


def card_of_twin(card: Card) -> Card:
    """The card of the simulated twin of a dataset."""
    return replace(
        card,
        title=f"Simulated, in the files of: {card.title}",
        access="simulated",
        licence="MIT, as mmbench",
        citation=f"simulated by mmbench, after {card.citation}",
        request="nothing to request: the files are made on first use",
    )


def make_twin(cache: Path, dataset: Dataset, **options: int | float) -> Path:
    """The folder under ``cache`` into which the dataset simulated its files with ``options``, made if it is missing.

    It is made in a folder of another name that is renamed when complete; an interrupted simulation is resumed.
    """
    key = hashlib.sha256(json.dumps([dataset.version, options], sort_keys=True).encode()).hexdigest()[:12]
    home, part = cache / f"{dataset.name}-{key}", cache / f"{dataset.name}-{key}.part"
    if home.is_dir():
        return home
    with locked(home):
        if not home.is_dir():
            dataset.simulate(part, **options)  # type: ignore[arg-type]
            part.rename(home)
    return home
