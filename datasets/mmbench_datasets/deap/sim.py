"""A small simulated DEAP that makes itself on first use and is read by DEAP's own reader."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card
from mmbench_datasets.deap.choices import Preprocessing
from mmbench_datasets.deap.labels import Ties
from mmbench_datasets.deap.reader import Deap
from mmbench_datasets.deap.simulation import Simulation


class DeapSim(Deap):
    """Simulated recordings in DEAP's own files: the truth is known, so a leak shows.

    ``subjects`` people are simulated with ``seed``; ``strength`` scales how much EEG and face tell of the ratings, 0
    for nothing. Each person and each trial has a fingerprint that tells nothing. The other parameters are those of
    ``deap``, with smaller defaults; there are no original recordings, so ``source`` and ``eog`` are not among them.
    """

    name: ClassVar[str] = "deap-sim"
    card: ClassVar[Card] = Card(
        title="A simulated twin of DEAP, small",
        access="simulated",
        licence="MIT, as the program that makes it",
        url=Deap.card.url,
        citation=f"simulated by mmbench, after {Deap.card.citation}",
        request="nothing to request: it is made on first use",
    )

    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "windows": 1}

    def __init__(
        self,
        *,
        subjects: int = 6,
        seed: int = 0,
        strength: float = 1.0,
        window: float = 3.0,
        windows: int = 3,
        frames: int = 4,
        face_size: int = 64,
        faces: Literal["keep", "drop"] = "keep",
        video: bool = True,
        peripheral: bool = False,
        eeg: Preprocessing = "released",
        scramble: bool = False,
        twente_names: bool = False,
        ties: Ties = "low",
        video_order: Literal["experiment", "presentation"] = "experiment",
    ) -> None:
        super().__init__(
            window=window,
            windows=windows,
            frames=frames,
            face_size=face_size,
            faces=faces,
            video=video,
            peripheral=peripheral,
            eeg=eeg,
            scramble=scramble,
            twente_names=twente_names,
            ties=ties,
            video_order=video_order,
        )
        # Enough for four different faces in 3 s, and quick to draw.
        self.simulation = Simulation(subjects=subjects, seed=seed, strength=strength, fps=1.5, films=video)

    def locate(self, cache: Path) -> Path:
        """Where the files are; they are made on first use, and what is whole is kept when that is interrupted."""
        from mmbench_datasets.deap.simulate import make_once

        return make_once(cache, self.name, self.simulation)
