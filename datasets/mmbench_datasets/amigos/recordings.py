"""Reads the MATLAB files of AMIGOS' preprocessed release."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.amigos.layout import BASELINE_S, COLUMNS, EMOTIONS, N_COLUMNS, N_TRIALS, RATE, RATINGS
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.mat_structs import read_mat
from mmbench_datasets.shared.ratings import RatingScale
from mmbench_datasets.shared.sliding_windows import Signal, Windows, cut_samples

_SIGNALS, _LABELS, _NAMES = "joined_data", "labels_selfassessment", "VideoIDs"
_MOST_BYTES = 4 << 30  # after decompression; a published file has about 0.1 GB
_N_BASELINE = round(BASELINE_S * RATE)
_REMEDY = how_to_drop("copy or download the file again", "such videos")


class _Trials(NamedTuple):
    """Signals, or their shapes, self-assessments and names of the videos, in order; None for what was not kept."""

    signals: Sequence[Any]
    labels: Sequence[Any]
    videos: Sequence[str]


def read_windows(
    path: Path, unit: str, videos: range, windows: Windows, scale: RatingScale
) -> Iterator[Sample | DataError]:
    """The windows of a person, video by video, without absent ones; a video that cannot be used is one error."""
    trials = _load(path, lambda place: place[0] != _SIGNALS or len(place) < 2 or place[1] in videos)
    for number in videos:
        if _why_absent(trials, number):
            continue
        video = f"v{number + 1:02d}"
        name, where = f"{unit}/{video}", f"{path}, video {number + 1}"
        try:
            labels = _labels(trials.labels[number], scale, where)
            signals = _signals(trials.signals[number], where)
        except DataError as error:
            yield error
            continue
        groups = {"subject": unit, "trial": name, "video": trials.videos[number]}
        yield from cut_samples(windows, signals, name, labels, groups, where=where)


def count_windows(files: Mapping[str, Path], videos: range, windows: Windows, scale: RatingScale) -> Mapping[str, int]:
    """People, trials, windows, and windows of each class of arousal, without invalid trials."""
    n_trials, by_ratings = 0, Counter[tuple[float, ...]]()
    for path in files.values():
        trials = _measure(path)
        for number in videos:
            if _why_absent(trials, number):
                continue
            n_trials += 1
            try:
                values = _ratings(trials.labels[number], scale, str(path))
            except DataError:
                continue
            n_samples, *columns = trials.signals[number]
            by_ratings[values] += windows.count(n_samples - _N_BASELINE, RATE) * (columns == [N_COLUMNS])
    classes = scale.count_classes("arousal", by_ratings)
    named = {f"windows of {label} arousal": number for label, number in classes.items()}
    return {"people": len(files), "trials": n_trials, "windows": by_ratings.total(), **named}


def find_unreadable(path: Path, videos: range, scale: RatingScale) -> Iterator[DataError]:
    """The error of each trial whose self-assessment is invalid or whose signals have another shape.

    Raises DataError for a file that is not AMIGOS'.
    """
    trials = _measure(path)
    for number in videos:
        where = f"{path}, video {number + 1}"
        try:
            if not _why_absent(trials, number):
                _labels(trials.labels[number], scale, where)
                _check_shape(trials.signals[number], where)
        except DataError as error:
            yield error


def find_absent(path: Path, videos: range) -> Mapping[str, list[str]]:
    """The videos (``v01``) that a person lacks, by the reason."""
    trials, absent = _measure(path), dict[str, list[str]]()
    for number in videos:
        if why := _why_absent(trials, number):
            absent.setdefault(why, []).append(f"v{number + 1:02d}")
    return absent


def _measure(path: Path) -> _Trials:
    """The shapes of the signals, and the self-assessments."""
    status = path.stat()
    return _measure_once(path, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=64)
def _measure_once(path: Path, *_: int) -> _Trials:
    return _load(path, is_measured=lambda place: place[0] == _SIGNALS and len(place) == 2)


def _load(path: Path, keep: Any = lambda _: True, is_measured: Any = lambda _: False) -> _Trials:
    """The cells of a file; raises DataError unless signals and self-assessments are there for the same videos."""
    found = read_mat(path, (_SIGNALS, _LABELS, _NAMES), _MOST_BYTES, keep, is_measured)
    cells = [found.get(name) for name in (_SIGNALS, _LABELS)]
    for name, cell in zip((_SIGNALS, _LABELS), cells, strict=True):
        if not isinstance(cell, np.ndarray) or cell.dtype != object:
            raise DataError(f"has no cells {name!r}", where=path, remedy="take Data_Preprocessed_P*.mat of AMIGOS")
    signals, labels = (cell.ravel().tolist() for cell in cells if cell is not None)
    if not len(signals) == len(labels) == N_TRIALS:
        message = f"has signals of {len(signals)} videos and {len(labels)} self-assessments, not {N_TRIALS}"
        raise DataError(message, where=path, remedy=_REMEDY)
    return _Trials(signals, labels, _names(found.get(_NAMES), path))


def _names(cells: Any, path: Path) -> list[str]:
    """The names of the videos in the order of the file; raises DataError unless there are 20 that differ."""
    names = cells.ravel().tolist() if isinstance(cells, np.ndarray) else []
    if not len({name for name in names if isinstance(name, str) and name}) == len(names) == N_TRIALS:
        message = f"has no names of {N_TRIALS} videos in {_NAMES}, by which videos are the same for everybody"
        raise DataError(message, where=path, remedy=_REMEDY)
    return names


def _why_absent(trials: _Trials, number: int) -> str | None:
    """Why a video is absent; None where there are signals and a self-assessment."""
    signals, labels = trials.signals[number], trials.labels[number]
    shape = signals if isinstance(signals, tuple) else getattr(signals, "shape", (1,))
    if 0 in shape:
        return "not recorded: empty in the file"
    if getattr(labels, "size", 1) == 0:
        return "recorded, but not rated: empty in the file"
    return None


def _numbers(labels: Any, where: str) -> NDArray[np.float64]:
    """The self-assessment of a trial, (12,)."""
    n_values = len(RATINGS) + len(EMOTIONS)
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "fiu" or labels.size != n_values:
        shape = getattr(labels, "shape", type(labels).__name__)
        raise DataError(f"its self-assessment has the shape {shape}, not (1, {n_values})", where=where, remedy=_REMEDY)
    return labels.ravel().astype(np.float64)


def _ratings(labels: Any, scale: RatingScale, where: str) -> tuple[float, ...]:
    values = tuple(_numbers(labels, where)[: len(RATINGS)].tolist())
    if problem := scale.find_invalid(values):
        raise DataError(problem, where=where, remedy=_REMEDY)
    return values


def _labels(labels: Any, scale: RatingScale, where: str) -> dict[str, Any]:
    """The labels of all tasks."""
    felt = _numbers(labels, where)[len(RATINGS) :]
    for name, value in zip(EMOTIONS, felt.tolist(), strict=True):
        if value not in (0, 1):
            raise DataError(f"{name} is {value:g}, not 0 or 1", where=where, remedy=_REMEDY)
    return {**scale.labels(_ratings(labels, scale, where)), "emotions": felt.astype(int).tolist()}


def _check_shape(shape: Any, where: str) -> None:
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] != N_COLUMNS:
        message = f"{_SIGNALS} has the shape {shape}, not (time, {N_COLUMNS})"
        raise DataError(message, where=where, remedy=_REMEDY)


def _signals(values: Any, where: str) -> dict[str, Signal]:
    """The signals of a video by modality, without its baseline."""
    _check_shape(getattr(values, "shape", type(values).__name__), where)
    return {name: Signal(values[_N_BASELINE:, columns].T, RATE) for name, columns in COLUMNS.items()}
