"""The dataset ``eav-sim``: simulated recordings in EAV's file formats, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.eav.dataset import Eav
from mmbench_datasets.eav.layout import Condition
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class EavSim(SimulatedTwin, Eav):
    """Simulated recordings in the files of EAV, whose effects are known, so that leaks can be detected.

    ``subjects`` people have ``trials`` trials each, a multiple of ten, half of them speaking. ``strength`` scales the
    effect of the emotion on EEG, voice and face, 0 for none. The other parameters are those of ``eav``.
    """

    name = "eav-sim"
    card: ClassVar[Card] = twin_card(Eav.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "trials": 10}

    def __init__(
        self,
        *,
        subjects: int = 6,
        trials: int = 20,
        seed: int = 0,
        strength: float = 1.0,
        condition: Condition = "speaking",
        window: float = 5.0,
        eeg: bool = True,
        speech: bool = True,
        video: bool = True,
        eeg_rate: int = 100,
        rate: float = 1.0,
        size: int = 48,
    ) -> None:
        super().__init__(
            condition=condition,
            window=window,
            eeg=eeg,
            speech=speech,
            video=video,
            eeg_rate=eeg_rate,
            rate=rate,
            size=size,
        )
        self.simulation = {"subjects": subjects, "trials": trials, "seed": seed, "strength": strength}
