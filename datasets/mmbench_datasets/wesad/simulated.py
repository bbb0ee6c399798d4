"""The dataset ``wesad-sim``: simulated recordings in WESAD's file format, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card
from mmbench_datasets.wesad.dataset import Wesad
from mmbench_datasets.wesad.sensors import LABEL_RATE


class WesadSim(SimulatedTwin, Wesad):
    """Simulated recordings in WESAD's file format, whose effects are known, so that leaks can be detected.

    ``subjects`` people are recorded for ``seconds`` s a condition. ``strength`` scales the effect of the conditions, 0
    for none; each person and each trial has a spectrum of its own besides. The other parameters are those of ``wesad``,
    with shorter windows.
    """

    name = "wesad-sim"
    card: ClassVar[Card] = twin_card(Wesad.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "seconds": 20.0, "window": 10.0, "chest_rate": 100}

    def __init__(
        self,
        *,
        subjects: int = 6,
        seed: int = 0,
        strength: float = 1.0,
        seconds: float = 120.0,
        window: float = 20.0,
        stride: float | None = None,
        chest_rate: int = LABEL_RATE,
    ) -> None:
        super().__init__(window=window, stride=stride, chest_rate=chest_rate)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength, "seconds": seconds}
