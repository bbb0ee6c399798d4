"""The dataset ``mahnob-hci-sim``: simulated sessions in MAHNOB-HCI's files, made on first use."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.mahnob_hci.dataset import MahnobHci, Reference
from mmbench_datasets.shared.ratings import Ties
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class MahnobHciSim(SimulatedTwin, MahnobHci):
    """Simulated sessions in MAHNOB-HCI's files, whose effects are known, so that leaks can be detected.

    ``subjects`` people watch ``films`` films of about ``seconds`` s. ``strength`` scales the effect of the ratings, 0
    for none; each person and each trial has spectra and a face of its own besides. The emotion keyword has no effect.
    The other parameters are those of ``mahnob-hci``, with fewer and smaller faces and without ``video_offset``: the
    drawn videos begin with the film.
    """

    name = "mahnob-hci-sim"
    card: ClassVar[Card] = twin_card(MahnobHci.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "films": 2, "seconds": 11.0}

    def __init__(
        self,
        *,
        subjects: int = 4,
        seed: int = 0,
        strength: float = 1.0,
        films: int = 8,
        seconds: float = 30.0,
        window: float = 10.0,
        stride: float | None = None,
        rate: int = 256,
        reference: Reference = "average",
        video: bool = True,
        frames: int = 3,
        face_size: int = 64,
        threshold: float = 5.0,
        ties: Ties = "low",
    ) -> None:
        super().__init__(
            window=window,
            stride=stride,
            rate=rate,
            reference=reference,
            video=video,
            frames=frames,
            face_size=face_size,
            threshold=threshold,
            ties=ties,
        )
        options = {"subjects": subjects, "seed": seed, "strength": strength, "films": films, "seconds": seconds}
        self.simulation: dict[str, int | float] = options
