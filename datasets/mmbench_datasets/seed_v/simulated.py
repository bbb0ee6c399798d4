"""The dataset ``seed-v-sim``: simulated features in SEED-V's files, made on first use."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.seed_v.dataset import SeedV
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class SeedVSim(SimulatedTwin, SeedV):
    """Simulated features in SEED-V's files, whose effects are known, so that leaks can be detected.

    ``subjects`` people watch 45 films of about ``windows`` windows. ``strength`` scales the effect of the emotions, 0
    for none; each person and each trial has features of its own besides. Nothing is smoothed.
    """

    name = "seed-v-sim"
    card: ClassVar[Card] = replace(twin_card(SeedV.card), notes=())  # nothing is smoothed
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "windows": 2}

    def __init__(self, *, subjects: int = 4, seed: int = 0, strength: float = 1.0, windows: int = 10) -> None:
        super().__init__()
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength, "windows": windows}
