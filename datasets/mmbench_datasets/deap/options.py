"""Options of DEAP's windows and their preprocessing; imports no numpy, so that listing datasets stays fast."""

from dataclasses import dataclass
from typing import Literal

from mmbench import SpecError
from mmbench_datasets.deap.labels import Ties
from mmbench_datasets.deap.layout import EEG_CHANNELS, RATE, TRIAL_S, TWENTE_CHANNELS, Source

Preprocessing = Literal["released", "milmer", "published"]
Removal = Literal["regression", "ica", "none"]
"""Method that removes ocular artefacts from the original recordings."""
Faces = Literal["keep", "drop"]
"""Treatment of windows without a face."""
VideoOrder = Literal["experiment", "presentation"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The parameters of ``Deap``, which documents each."""

    window: float
    windows: int
    frames: int
    face_size: int
    faces: Faces
    video: bool
    peripheral: bool
    source: Source
    eog: Removal
    eeg: Preprocessing
    scramble: bool
    twente_names: bool
    ties: Ties
    video_order: VideoOrder

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the EEG channels; wrong ones with ``twente_names``."""
        return TWENTE_CHANNELS if self.twente_names else EEG_CHANNELS

    def check(self, where: str) -> None:
        """Raise SpecError, naming the dataset ``where``, for values out of range or that exclude each other."""
        self._check_ranges(where)
        if self.faces == "drop" and not self.video:
            raise SpecError(
                "faces=drop leaves out windows without a face, and with video=false no window has one",
                where=where,
                remedy="remove one of the two options",
            )
        if self.eog != "regression" and self.source != "bdf":
            raise SpecError(
                f"eog={self.eog} applies to the original recordings; the preprocessed release has no ocular artefacts",
                where=where,
                remedy="add source=bdf",
            )

    def _check_ranges(self, where: str) -> None:
        samples = self.window * RATE
        if not (0 < self.window <= TRIAL_S and samples == round(samples)):
            remedy = f"use a multiple of 1/{RATE:g} s, at most 60 s"
            raise SpecError(f"window={self.window:g} s", where=where, remedy=remedy)
        for name, low, high in (("windows", 1, 10_000), ("frames", 1, 1000), ("face_size", 8, 1024)):
            if not low <= (value := getattr(self, name)) <= high:
                raise SpecError(f"{name}={value} is outside {low}-{high}", where=where, remedy="choose a value within")
