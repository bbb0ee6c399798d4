"""Reads DREAMER.mat, one person at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmbench import DataError, Sample
from mmbench_datasets.dreamer.dataset import CHANNELS, ECG_RATE, EEG_RATE, LEADS, RATINGS
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.mat_structs import MatPath, check_mat, find_shape, read_mat
from mmbench_datasets.shared.ratings import RatingScale
from mmbench_datasets.shared.sliding_windows import Signal, Windows, cut_samples

_VARIABLE = "DREAMER"
_MOST_BYTES = 8 << 30  # after decompression; the published file has about 2 GB
_REMEDY = how_to_drop("copy or download DREAMER.mat again", "such trials")
_SIGNALS = {"eeg": ("EEG", len(CHANNELS), EEG_RATE), "ecg": ("ECG", len(LEADS), ECG_RATE)}
_SLACK_S = 2.0  # by which EEG and ECG of a film may differ in duration
_MOST_PEOPLE = 1000
_DEPTH = 3  # of the place of a person: DREAMER, Data, number


def count_people(path: Path) -> int:
    """The number of people in a whole file; raises DataError for one that is truncated or not DREAMER's."""
    check_mat(path)
    status = path.stat()
    return _count_people(path, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=8)
def _count_people(path: Path, *_: int) -> int:
    shape = find_shape(path, (_VARIABLE, "Data"), _MOST_BYTES)
    if shape is None or min(shape) != 1 or not 1 <= max(shape) <= _MOST_PEOPLE or len(shape) != 2:
        told = f", but an array of shape {shape}" if shape else ""
        raise DataError(f"has no people at DREAMER.Data{told}", where=path, remedy="copy or download DREAMER.mat again")
    return max(shape)


def read_windows(
    path: Path, number: int, windows: Windows, last_seconds: float | None, scale: RatingScale
) -> Iterator[Sample | DataError]:
    """The windows of a person, counted from 1, film by film; a film that cannot be used is one error."""

    def keep(place: MatPath) -> bool:
        return "baseline" not in place and (len(place) < _DEPTH or place[_DEPTH - 1] == number - 1)

    person, unit = _people(path, read_mat(path, (_VARIABLE,), _MOST_BYTES, keep))[number - 1], f"s{number:02d}"
    for film in range(_count_films(path, person, number)):
        name, where = f"{unit}/v{film + 1:02d}", f"{path}, person {number}, film {film + 1}"
        try:
            values = _ratings(person, film, scale, where)
            signals = {key: Signal(_signal(person, key, film, where), rate) for key, (_, _, rate) in _SIGNALS.items()}
            _check_lengths({key: signal.values.shape[1] for key, signal in signals.items()}, where)
        except DataError as error:
            yield error
            continue
        begin = 0.0
        if last_seconds is not None:
            begin = max(0.0, signals["eeg"].values.shape[1] / EEG_RATE - last_seconds)
            signals = {key: _keep_last(signal, last_seconds) for key, signal in signals.items()}
        groups = {"subject": unit, "trial": name, "video": f"v{film + 1:02d}"}
        yield from cut_samples(windows, signals, name, scale.labels(values), groups, where=where, begin=begin)


class Counted(NamedTuple):
    """What a file holds: numbers in words, without the windows of invalid trials, and errors of trials and people."""

    numbers: Mapping[str, int]
    errors: Sequence[DataError]


def count_windows(path: Path, windows: Windows, last_seconds: float | None, scale: RatingScale) -> Counted:
    """People, trials, windows, and windows of each class of valence, by ratings and shapes alone."""
    status = path.stat()
    return _count_windows(path, windows, last_seconds, scale, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=8)
def _count_windows(path: Path, windows: Windows, last_seconds: float | None, scale: RatingScale, *_: int) -> Counted:

    def is_signal(place: MatPath) -> bool:
        return "stimuli" in place[:-1]

    whole = read_mat(path, (_VARIABLE,), _MOST_BYTES, lambda place: "baseline" not in place, is_signal)
    people, n_trials, by_ratings = _people(path, whole), 0, Counter[tuple[float, ...]]()
    errors = list[DataError]()
    for number, person in enumerate(people, 1):
        try:
            n_films = _count_films(path, person, number)
        except DataError as error:
            errors.append(error)
            continue
        for film in range(n_films):
            n_trials += 1
            try:
                where = f"{path}, person {number}, film {film + 1}"
                values, lengths = _ratings(person, film, scale, where), _lengths(person, film, where)
            except DataError as error:
                errors.append(error)
                continue
            if last_seconds is not None:
                lengths = {rate: min(length, round(last_seconds * rate)) for rate, length in lengths.items()}
            by_ratings[values] += max(windows.count(length, rate) for rate, length in lengths.items())
    classes = scale.count_classes("valence", by_ratings)
    named = {f"windows of {label} valence": n for label, n in classes.items()}
    return Counted({"people": len(people), "trials": n_trials, "windows": by_ratings.total(), **named}, errors)


def _lengths(person: Any, film: int, where: str) -> dict[float, int]:
    """The samples of each signal of a film by its rate, from the shapes; DataError for a film that cannot be used."""
    lengths = {}
    for key, (field, width, _) in _SIGNALS.items():
        shape = _films(person, key)[film]
        if not isinstance(shape, tuple):
            shape = ()
        if not (len(shape) == 2 and 0 in shape) and shape[1:] != (width,):
            raise _wrong_shape(field, shape, width, where)
        lengths[key] = 0 if 0 in shape else shape[0]
    _check_lengths(lengths, where)
    return {_SIGNALS[key][2]: length for key, length in lengths.items()}


def _check_lengths(lengths: Mapping[str, int], where: str) -> None:
    """Raise DataError unless the signals of a film that were recorded last equally long."""
    lasts = {key: length / _SIGNALS[key][2] for key, length in lengths.items() if length}
    if lasts and max(lasts.values()) - min(lasts.values()) > _SLACK_S:
        told = [f"{_SIGNALS[key][0]} lasts {each:.1f} s at {_SIGNALS[key][2]:g} Hz" for key, each in lasts.items()]
        raise DataError(", ".join(told), where=where, remedy=_REMEDY)


def _wrong_shape(field: str, shape: tuple[int, ...], width: int, where: str) -> DataError:
    return DataError(f"{field} has the shape {shape}, not (time, {width})", where=where, remedy=_REMEDY)


def _people(path: Path, variables: Mapping[str, Any]) -> list[Any]:
    """What is known of each person, by field; None for those who are not read."""
    top = variables.get(_VARIABLE)
    people = top.get("Data") if isinstance(top, dict) else None
    if isinstance(people, dict):
        return [people]
    if not isinstance(people, np.ndarray) or people.dtype != object:
        raise DataError("has no cells at DREAMER.Data", where=path, remedy=_REMEDY)
    return people.ravel().tolist()


def _films(person: Any, modality: str) -> list[Any]:
    """The signals of a person by film, or their shapes."""
    films = person[_SIGNALS[modality][0]]["stimuli"]
    return films.ravel().tolist() if isinstance(films, np.ndarray) and films.dtype == object else []


def _count_films(path: Path, person: Any, number: int) -> int:
    """The number of films of a person; raises DataError unless signals and ratings are there for each."""
    where, fields = f"{path}, person {number}", [f"Score{rating.title()}" for rating in RATINGS]
    try:
        numbers: list[int] = [len(_films(person, modality)) for modality in _SIGNALS]
        numbers += [person[field].size for field in fields]
        if not all(person[field].dtype.kind in "fiu" for field in fields):
            raise TypeError
    except (LookupError, TypeError, AttributeError):
        raise DataError("lacks EEG, ECG or ratings", where=where, remedy=_REMEDY) from None
    if len({*numbers}) != 1:
        message = f"has EEG of {numbers[0]} films, ECG of {numbers[1]}, and {', '.join(map(str, numbers[2:]))} ratings"
        raise DataError(message, where=where, remedy=_REMEDY)
    return numbers[0]


def _ratings(person: Any, film: int, scale: RatingScale, where: str) -> tuple[float, ...]:
    values = tuple(float(person[f"Score{rating.title()}"].ravel()[film]) for rating in RATINGS)
    if problem := scale.find_invalid(values):
        raise DataError(problem, where=where, remedy=_REMEDY)
    return values


def _signal(person: Any, modality: str, film: int, where: str) -> Any:
    """The signal ``(channels, time)`` of a film."""
    field, n_channels, _ = _SIGNALS[modality]
    values = _films(person, modality)[film]
    shape: tuple[int, ...] = getattr(values, "shape", ())
    if len(shape) == 2 and 0 in shape:
        return np.empty((n_channels, 0))
    if len(shape) != 2 or shape[1] != n_channels or values.dtype.kind not in "fiu":
        raise _wrong_shape(field, shape, n_channels, where)
    return values.T


def _keep_last(signal: Signal, seconds: float) -> Signal:
    n_samples = signal.values.shape[1]
    return signal._replace(values=signal.values[:, max(0, n_samples - round(seconds * signal.rate)) :])
