"""The dataset ``amigos-sim``: simulated recordings in AMIGOS' files, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.amigos.dataset import Amigos
from mmbench_datasets.amigos.layout import Videos
from mmbench_datasets.shared.ratings import Ties
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class AmigosSim(SimulatedTwin, Amigos):
    """Simulated recordings in AMIGOS' files, whose effects are known, so that leaks can be detected.

    ``subjects`` people watch videos of about ``seconds`` s, long ones of twice that. ``strength`` scales the effect of
    the ratings, 0 for none; each person and each trial has a spectrum of its own besides. The emotions of the task
    ``emotions`` have no effect. The other parameters are those of ``amigos``.
    """

    name = "amigos-sim"
    card: ClassVar[Card] = twin_card(Amigos.card)
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
        videos: Videos = "short",
        threshold: float = 5.0,
        ties: Ties = "low",
    ) -> None:
        super().__init__(window=window, stride=stride, videos=videos, threshold=threshold, ties=ties)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength, "seconds": seconds}
