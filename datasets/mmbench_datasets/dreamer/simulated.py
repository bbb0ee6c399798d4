"""The dataset ``dreamer-sim``: simulated recordings in DREAMER's file format, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.dreamer.dataset import Dreamer
from mmbench_datasets.shared.ratings import Ties
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class DreamerSim(SimulatedTwin, Dreamer):
    """Simulated recordings in DREAMER's file format, whose effects are known, so that leaks can be detected.

    ``subjects`` people watch 18 films of about ``seconds`` s. ``strength`` scales the effect of the ratings, 0 for
    none; each person and each trial has a spectrum of its own, whatever the ratings. The other parameters are those of
    ``dreamer``.
    """

    name = "dreamer-sim"
    card: ClassVar[Card] = twin_card(Dreamer.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "seconds": 12.0}

    def __init__(
        self,
        *,
        subjects: int = 6,
        seed: int = 0,
        strength: float = 1.0,
        seconds: float = 30.0,
        window: float = 10.0,
        stride: float | None = None,
        last_seconds: float | None = None,
        threshold: float = 3.0,
        ties: Ties = "low",
    ) -> None:
        super().__init__(window=window, stride=stride, last_seconds=last_seconds, threshold=threshold, ties=ties)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength, "seconds": seconds}
