"""Loads a subject for a run, and examines the same files for a check: signals, ratings, unusable trials, videos."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.deap.files import DeapFiles, file_stamp
from mmbench_datasets.deap.layout import N_TRIALS
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.original_recordings import check_presented, load_original, order_ratings
from mmbench_datasets.deap.recordings import Recording, find_bad_trials, load_recording
from mmbench_datasets.deap.video_matching import load_table, match_videos
from mmbench_datasets.shared.faces import check_video


@dataclass(frozen=True)
class Subject:
    """A subject's ``recording``; ``bad`` has the error of each row that cannot be used, ``videos`` are by trial."""

    recording: Recording
    bad: Mapping[int, DataError]
    videos: Mapping[int, Path]


@dataclass(frozen=True)
class Examination:
    """What a run would read of a subject: ``bad`` as in `Subject`, ``videos`` and ``bad_videos`` by Experiment_id."""

    bad: Mapping[int, DataError]
    videos: Mapping[int, Path] = field(default_factory=dict)
    bad_videos: Mapping[int, DataError] = field(default_factory=dict)

    @property
    def trials(self) -> list[int]:
        """The Experiment_ids of the trials that can be read."""
        numbers = range(1, N_TRIALS + 1)
        return [number for number in numbers if number - 1 not in self.bad and number not in self.bad_videos]


def load_subject(options: Options, files: DeapFiles, unit: str) -> Subject:
    """A subject's signals, errors of single trials, and videos; raises DataError if no trial can be read."""
    path = _find_recording(options, files, unit)
    if options.source == "preprocessed":
        recording = load_recording(path)
    else:
        recording = load_original(path, int(unit[1:]), load_table(files, options.source), options.eog)
    bad = find_bad_trials(path, recording)
    return Subject(recording, bad, _find_videos(options, files, unit, recording.labels, bad))


def examine_subject(options: Options, files: DeapFiles, unit: str) -> Examination:
    """What `load_subject` would load, and the videos that cannot be read; raises the DataError that it raises.

    Signals are loaded but not preprocessed, and videos are not decoded: errors of filters, of ICA and of frames are
    found by reading alone. Results are kept until a file changes.
    """
    path = _find_recording(options, files, unit)
    if options.source == "preprocessed":
        labels, bad = _examine_release(path, file_stamp(path))
    else:
        labels, _ = order_ratings(path, int(unit[1:]), load_table(files, options.source))
        bad = {}
        _examine_original(path, file_stamp(path), int(unit[1:]))
    videos = _find_videos(options, files, unit, labels, bad)
    return Examination(bad, videos, find_film_errors(files, videos))


def check_film(files: DeapFiles, path: Path) -> None:
    """Raise DataError for a video that cannot be read, or that has another copy with other bytes."""
    files.check_copies(path)
    check_video(path)


def _find_recording(options: Options, files: DeapFiles, unit: str) -> Path:
    path = files.recording(unit, options.source)
    files.check_copies(path)
    return path


def _find_videos(
    options: Options, files: DeapFiles, unit: str, labels: NDArray[np.floating], bad: Mapping[int, DataError]
) -> Mapping[int, Path]:
    return match_videos(files, unit, labels, options.video_order, bad) if options.video else {}


def find_film_errors(files: DeapFiles, videos: Mapping[int, Path]) -> dict[int, DataError]:
    """The errors of the ``videos`` that cannot be read, by the same numbers."""
    errors = {}
    for number, path in videos.items():
        try:
            check_film(files, path)
        except DataError as error:
            errors[number] = error
    return errors


@lru_cache(maxsize=64)
def _examine_release(path: Path, _: tuple[int, ...]) -> tuple[NDArray[np.floating], Mapping[int, DataError]]:
    """The labels of a file of the preprocessed release, and the errors of its rows."""
    recording = load_recording(path)
    return np.array(recording.labels), find_bad_trials(path, recording)


@lru_cache(maxsize=64)
def _examine_original(path: Path, _: tuple[int, ...], participant: int) -> None:
    check_presented(path, participant)
