"""The windows of a person as samples: signals, labels and faces of the same trials put together."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.cleaning import clean_as_described, clean_as_published
from mmbench_datasets.deap.faults import scramble
from mmbench_datasets.deap.files import Recording, find_bad_trials, load_ratings, load_recording
from mmbench_datasets.deap.footage import Footage, match_videos
from mmbench_datasets.deap.labels import label
from mmbench_datasets.deap.ocular import EOG_CHANNELS, preprocessing_errors
from mmbench_datasets.deap.originals import load_original

if TYPE_CHECKING:
    from mmbench_datasets.deap.faces import Bag
    from mmbench_datasets.deap.reader import Deap

_N_EEG = len(layout.EEG_CHANNELS)
_N_BASELINE = round(layout.BASELINE_S * layout.RATE)


class _Trial(NamedTuple):
    """What the windows of a trial are cut from: signals (C, 7680), ratings (4,)."""

    unit: str
    experiment: int
    eeg: NDArray[np.floating]
    peripheral: NDArray[np.floating]
    ratings: NDArray[np.floating]


def read_windows(dataset: "Deap", home: Path, unit: str) -> Iterator[Sample | DataError]:
    """The windows of a person in order of Experiment_id and time.

    Before them come the errors of trials with signals or ratings that are none, one a window, and in the place of the
    windows of a trial those of a video that cannot be read.
    """
    path = layout.find_recording(home, unit, dataset.source)
    recording = _load(dataset, home, unit)
    bad = find_bad_trials(path, recording)
    for error in bad.values():
        yield from [error] * dataset.windows
    videos = pair_videos(dataset, home, unit, recording.labels, bad) if dataset.video else {}
    starts = place_windows(dataset.window, dataset.windows)
    offsets = (np.arange(dataset.frames) + 0.5) * dataset.window / dataset.frames
    footage = Footage(videos, (starts[:, None] + offsets).tolist(), dataset.face_size)
    rows = [row for row in range(layout.N_TRIALS) if row not in bad]
    good = Recording(recording.data[rows], recording.labels[rows]) if bad else recording
    with preprocessing_errors(layout.find_recording(home, unit, dataset.source)):
        cleaned = preprocess(dataset, good)
    for row, eeg, data, ratings in zip(rows, cleaned, good.data, good.labels, strict=True):
        trial = _Trial(unit, row + 1, eeg, data[_N_EEG:, _N_BASELINE:], ratings)
        try:
            bags = footage.read(row + 1)
        except DataError as error:
            yield from [error] * dataset.windows
            continue
        for index, bag in enumerate(bags):
            if bag or dataset.faces == "keep":
                yield _make_sample(dataset, trial, index, float(starts[index]), bag)


def place_windows(window: float, n_windows: int) -> NDArray[np.float64]:
    """Where each window of ``window`` s begins, in seconds of the trial, on the grid of the samples."""
    starts = np.linspace(0, layout.TRIAL_S - window, n_windows)
    return np.asarray(np.round(starts * layout.RATE) / layout.RATE)


def pair_videos(
    dataset: "Deap", home: Path, unit: str, labels: NDArray[np.floating], bad: Collection[int] = ()
) -> dict[int, Path]:
    """The videos of a person by the row of the EEG, from 1, that they are paired with; ``bad`` rows have no labels."""
    if dataset.video_order == "presentation":
        return layout.find_videos(home, unit)
    return match_videos(home, unit, labels, bad)


def preprocess(dataset: "Deap", recording: Recording) -> NDArray[np.floating]:
    """The EEG (40, 32, 7680) of all trials without their baselines."""
    trials = recording.data[:, :, _N_BASELINE:]
    eeg = trials[:, :_N_EEG]
    if dataset.scramble:
        eeg = np.stack([scramble(trial) for trial in eeg])
    if dataset.eeg == "milmer":
        return clean_as_described(eeg, trials[:, _N_EEG : _N_EEG + len(EOG_CHANNELS)], dataset.channels)
    return clean_as_published(eeg, dataset.channels) if dataset.eeg == "published" else eeg


def _load(dataset: "Deap", home: Path, unit: str) -> Recording:
    path = layout.find_recording(home, unit, dataset.source)
    if dataset.source == "preprocessed":
        return load_recording(path)
    return load_original(path, int(unit[1:]), load_ratings(home / layout.RATINGS_FILE), dataset.eog)


def _make_sample(dataset: "Deap", trial: _Trial, index: int, start: float, bag: "Bag | None") -> Sample:
    first = round(start * layout.RATE)
    window = slice(first, first + round(dataset.window * layout.RATE))
    signals = {"eeg": trial.eeg, "peripheral": trial.peripheral} if dataset.peripheral else {"eeg": trial.eeg}
    data: dict[str, NDArray[np.floating] | Sequence[bytes | None]] = {
        name: np.asarray(signal[:, window], np.float32)[None] for name, signal in signals.items()
    }
    if bag:
        data["face"] = bag.faces
    name = f"{trial.unit}/e{trial.experiment:02d}"
    return Sample(
        id=f"{name}/w{index:02d}",
        labels=label(trial.ratings, dataset.ties),
        data=data,
        groups={"subject": trial.unit, "trial": name},
        span=(start, start + dataset.window),
        inferred={"face": bag.inferred} if bag else {},
    )
