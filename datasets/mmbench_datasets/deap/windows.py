"""Reads the windows of a subject as samples of EEG, peripheral signals, faces and labels."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import DeapFiles
from mmbench_datasets.deap.labels import label
from mmbench_datasets.deap.milmer_preprocessing import clean_as_described, clean_as_published
from mmbench_datasets.deap.notebook_faults import scramble
from mmbench_datasets.deap.ocular import EOG_CHANNELS, preprocessing_errors
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.recordings import Recording
from mmbench_datasets.deap.subject import check_film, load_subject
from mmbench_datasets.shared.faces import Bag, FaceReader

_N_EEG = len(layout.EEG_CHANNELS)


class _Trial(NamedTuple):
    """A trial before it is cut into windows: signals (C, 7680) without baseline, ratings (4,)."""

    unit: str
    experiment: int
    eeg: NDArray[np.floating]
    peripheral: NDArray[np.floating]
    ratings: NDArray[np.floating]


def read_windows(options: Options, files: DeapFiles, unit: str) -> Iterator[Sample | DataError]:
    """The windows of a subject in order of Experiment_id and time.

    Trials with invalid signals or ratings come first, as one error per window. A video that cannot be read gives one
    error per window in the place of the windows of its trial.
    """
    subject = load_subject(options, files, unit)
    recording, bad = subject.recording, subject.bad
    for error in bad.values():
        yield from [error] * options.windows
    starts = place_windows(options.window, options.windows)
    offsets = (np.arange(options.frames) + 0.5) * options.window / options.frames
    faces = FaceReader(subject.videos, (starts[:, None] + offsets).tolist(), options.face_size)
    rows = [row for row in range(layout.N_TRIALS) if row not in bad]
    good = Recording(recording.data[rows], recording.labels[rows]) if bad else recording
    with preprocessing_errors(files.recording(unit, options.source)):
        cleaned = preprocess(options, good)
    for row, eeg, data, ratings in zip(rows, cleaned, good.trials, good.labels, strict=True):
        trial = _Trial(unit, row + 1, eeg, data[_N_EEG:], ratings)
        try:
            if film := subject.videos.get(row + 1):
                check_film(files, film)
            bags = faces.read(row + 1)
        except DataError as error:
            yield from [error] * options.windows
            continue
        for index, bag in enumerate(bags):
            if bag or options.faces == "keep":
                yield _make_sample(options, trial, index, float(starts[index]), bag)


def place_windows(window: float, n_windows: int) -> NDArray[np.float64]:
    """Start times (n_windows,) in s of windows of ``window`` s spread evenly over a trial, rounded to samples."""
    starts = np.linspace(0, layout.TRIAL_S - window, n_windows)
    return np.asarray(np.round(starts * layout.RATE) / layout.RATE)


def preprocess(options: Options, recording: Recording) -> NDArray[np.floating]:
    """The preprocessed EEG (trials, 32, 7680) of a recording, without baselines."""
    trials = recording.trials
    eeg = trials[:, :_N_EEG]
    if options.scramble:
        eeg = np.stack([scramble(trial) for trial in eeg])
    if options.eeg == "milmer":
        return clean_as_described(eeg, trials[:, _N_EEG : _N_EEG + len(EOG_CHANNELS)], options.channels)
    return clean_as_published(eeg, options.channels) if options.eeg == "published" else eeg


def _make_sample(options: Options, trial: _Trial, index: int, start: float, bag: Bag | None) -> Sample:
    first = round(start * layout.RATE)
    window = slice(first, first + round(options.window * layout.RATE))
    signals = {"eeg": trial.eeg, "peripheral": trial.peripheral} if options.peripheral else {"eeg": trial.eeg}
    data: dict[str, NDArray[np.floating] | Sequence[bytes | None]] = {
        name: np.asarray(signal[:, window], np.float32)[None] for name, signal in signals.items()
    }
    if bag:
        data["face"] = bag.faces
    name = f"{trial.unit}/e{trial.experiment:02d}"
    return Sample(
        id=f"{name}/w{index:02d}",
        labels=label(trial.ratings, options.ties),
        data=data,
        groups={"subject": trial.unit, "trial": name},
        span=(start, start + options.window),
        inferred={"face": bag.inferred} if bag else {},
    )
