"""Windows of the trials of EAV: the same seconds of EEG, sound and film."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmbench import Clip
from mmbench_datasets.eav.people import Trial
from mmbench_datasets.shared.films import load_clip
from mmbench_datasets.shared.wave_files import cut_wave, load_wave


@dataclass(frozen=True)
class Recorded:
    """A trial: EEG ``(30, time)``, the content of a WAV file, and a clip of the whole; None where there is none."""

    eeg: NDArray[np.float32] | None
    speech: bytes | None
    video: Clip | None


def load_recorded(eeg: NDArray[np.float32] | None, files: Mapping[str, Path], rate: float) -> Recorded:
    """A trial with the sound and the film in ``files``, of which ``rate`` frames a second are read."""
    speech = load_wave(files["speech"]) if "speech" in files else None
    return Recorded(eeg, speech, load_clip(files["video"], rate) if "video" in files else None)


def cut_window(recorded: Recorded, at: int, seconds: float, eeg_rate: int) -> dict[str, Any]:
    """The data of window ``at`` of ``seconds`` s; a modality that ends before the window does is missing."""
    start, stop = at * seconds, (at + 1) * seconds
    data: dict[str, Any] = {}
    if recorded.eeg is not None:
        size = round(seconds * eeg_rate)
        data["eeg"] = recorded.eeg[None, :, at * size : (at + 1) * size]
    if recorded.speech is not None and (piece := cut_wave(recorded.speech, start, stop)) is not None:
        data["speech"] = [piece]
    if recorded.video is not None and (clip := _cut_clip(recorded.video, start, stop)) is not None:
        data["video"] = [clip]
    return data


def _cut_clip(clip: Clip, start: float, stop: float) -> Clip | None:
    """The frames from ``start`` to before ``stop`` s, with times from the start; None where there is none."""
    pairs = zip(clip.times, clip.frames, strict=True)
    chosen = [(time - start, frame) for time, frame in pairs if start <= time < stop]
    return Clip([frame for _, frame in chosen], [time for time, _ in chosen]) if chosen else None


def split_trials(trials: Mapping[int, Trial]) -> dict[int, Literal["train", "test"]]:
    """The official part of each trial: the first half of those of a condition and emotion train, the others test."""
    total, seen = Counter(trials.values()), Counter[Trial]()
    parts: dict[int, Literal["train", "test"]] = {}
    for number, trial in trials.items():
        parts[number] = "train" if seen[trial] < total[trial] / 2 else "test"
        seen[trial] += 1
    return parts
