"""The dataset ``seed-iv-sim``: simulated features in SEED-IV's files, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.seed_iv.dataset import SeedIv
from mmbench_datasets.seed_iv.layout import Feature, Smoothing
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class SeedIvSim(SimulatedTwin, SeedIv):
    """Simulated features in SEED-IV's files, whose effects are known, so that leaks can be detected.

    ``subjects`` people watch 72 films of about ``windows`` windows. ``strength`` scales the effect of the emotions, 0
    for none; each person and each trial has features of its own besides, and smoothing makes windows of a trial alike,
    as in the published features. The other parameters are those of ``seed-iv``.
    """

    name = "seed-iv-sim"
    card: ClassVar[Card] = twin_card(SeedIv.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "windows": 4}

    def __init__(
        self,
        *,
        subjects: int = 4,
        seed: int = 0,
        strength: float = 1.0,
        windows: int = 10,
        feature: Feature = "de",
        smoothing: Smoothing = "lds",
    ) -> None:
        super().__init__(feature=feature, smoothing=smoothing)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength, "windows": windows}
