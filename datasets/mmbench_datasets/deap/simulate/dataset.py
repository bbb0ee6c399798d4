"""The dataset ``deap-sim``: a small simulated DEAP, made on first use and read like DEAP."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card
from mmbench_datasets.deap.dataset import Deap
from mmbench_datasets.deap.labels import Ties
from mmbench_datasets.deap.options import Faces, Preprocessing, VideoOrder
from mmbench_datasets.deap.simulate.options import Simulation


class DeapSim(Deap):
    """Simulated recordings in DEAP's file formats, whose effect sizes are known, so that leaks can be detected.

    ``subjects`` people are simulated with ``seed``. ``strength`` scales all effects of the ratings, 0 for none;
    ``power``, ``evoked`` and ``expression`` scale those on the band power of the EEG, on its evoked responses, and on
    the face. The EEG tells arousal better than valence, the face valence better than arousal. Both also identify each
    person and trial, independently of the ratings. The other parameters are those of ``deap``, with smaller defaults,
    without ``source`` and ``eog``: there are no original recordings.
    """

    name: ClassVar[str] = "deap-sim"
    card: ClassVar[Card] = Card(
        title="A small simulated version of DEAP",
        access="simulated",
        licence="MIT, as mmbench",
        url=Deap.card.url,
        citation=f"simulated by mmbench, after {Deap.card.citation}",
        request="nothing to request: the files are made on first use",
    )

    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "windows": 1}

    def __init__(
        self,
        *,
        subjects: int = 12,
        seed: int = 0,
        strength: float = 1.0,
        power: float = 1.0,
        evoked: float = 1.0,
        expression: float = 1.0,
        window: float = 3.0,
        windows: int = 3,
        frames: int = 4,
        face_size: int = 64,
        faces: Faces = "keep",
        video: bool = True,
        peripheral: bool = False,
        eeg: Preprocessing = "released",
        scramble: bool = False,
        twente_names: bool = False,
        ties: Ties = "low",
        video_order: VideoOrder = "experiment",
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
        # 1.5 fps give four different faces in 3 s; half of DEAP's height is three times as fast.
        self.simulation = Simulation(
            subjects=subjects,
            seed=seed,
            strength=strength,
            fps=1.5,
            height=288,
            films=video,
            power=power,
            evoked=evoked,
            expression=expression,
        )

    def locate(self, cache: Path) -> Path:
        """The folder of the files, which are made on first use; an interrupted simulation is resumed."""
        from mmbench_datasets.deap.simulate.folder import make_once

        return make_once(cache, self.name, self.simulation)
