"""Files of EAV by person, and what their names and labels say of each trial."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.eav.layout import (
    CONDITIONS,
    EEG_KEYS,
    EMOTIONS,
    MEDIA,
    MOST_TRIALS,
    N_CHANNELS,
    N_TIMES,
    PERSON,
    RATE,
)
from mmbench_datasets.names import find_home, find_variant, list_files
from mmbench_datasets.shared.acted_clips import FILM_SUFFIXES
from mmbench_datasets.shared.mat5 import load_mat
from mmbench_datasets.shared.mat_structs import check_mat, find_shape
from mmbench_datasets.shared.remedies import DROP, GET_AGAIN
from mmbench_datasets.shared.speakers_in_names import find_by_name, read_fields

_MOST_BYTES = 2**30  # of a file after decompression; 200 trials in float64 have 480 MB
_LARGEST_EMPTY = 2  # elements of an array that stands for none
_FOLDERS = {"speech": "Audio", "video": "Video"}


class Trial(NamedTuple):
    """What a trial is: 0 for listening and 1 for speaking, and the emotion."""

    condition: int
    emotion: int


class Person(NamedTuple):
    """The files of a person; media are by modality and number of the trial, from 1.

    ``clashes`` are files of a trial that has another of the modality, or one of another condition or emotion.
    """

    name: str
    eeg: Path
    labels: Path
    media: Mapping[str, Mapping[int, Path]]
    named: Mapping[int, Trial]
    clashes: Sequence[Path]

    def folder(self, stream: str) -> Path:
        """The folder of the sounds or films."""
        return find_variant(self.eeg.parents[1] / _FOLDERS[stream])

    def expected(self, stream: str, number: int, trial: Trial) -> Path:
        """The path of a sound or film, where it is or where it should be."""
        if found := self.media[stream].get(number):
            return found
        condition, emotion = CONDITIONS[trial.condition].title(), EMOTIONS[trial.emotion].title()
        ending = "_aud.wav" if stream == "speech" else ".mp4"
        return self.folder(stream) / f"{number:03d}_Trial_??_{condition}_{emotion}{ending}"


def find_people(root: Path) -> dict[str, Person]:
    """The people in a folder, or in the only folder in it that has people, by names such as ``subject01``."""
    found: dict[str, Person] = {}
    for folder in _list_people(find_home(root, lambda folder: bool(_list_people(folder)))):
        person = _find_person(folder)
        if person.name in found:
            message = f"is the person {person.name}, as is {found[person.name].eeg.parents[1].name}"
            raise DataError(message, where=folder, remedy="remove one of the folders")
        found[person.name] = person
    return dict(sorted(found.items()))


def _list_people(home: Path) -> list[Path]:
    return [folder for folder in list_files(home) if PERSON.fullmatch(folder.name) and folder.is_dir()]


def _find_person(folder: Path) -> Person:
    number = int(PERSON.sub(r"\1", folder.name))
    eeg = find_variant(folder / "EEG")
    paths = {
        ending: next(
            (path for path in list_files(eeg) if _is_eeg(path.name, number, ending)), eeg / f"{folder.name}{ending}"
        )
        for ending in ("_eeg.mat", "_eeg_label.mat")
    }
    media: dict[str, dict[int, Path]] = {}
    named: dict[int, Trial] = {}
    clashes: list[Path] = []
    for stream, suffixes in (("speech", (".wav",)), ("video", FILM_SUFFIXES)):
        media[stream] = {}
        for name, files in find_by_name(find_variant(folder / _FOLDERS[stream]), MEDIA, suffixes).items():
            fields = read_fields(name, MEDIA)
            at = int(fields["trial"])
            trial = Trial(CONDITIONS.index(fields["condition"].lower()), EMOTIONS.index(fields["emotion"].lower()))
            if at in media[stream] or named.setdefault(at, trial) != trial:
                clashes.append(files[0])
            else:
                media[stream][at] = files[0]
    trials = dict(sorted(named.items()))
    return Person(f"subject{number:02d}", paths["_eeg.mat"], paths["_eeg_label.mat"], media, trials, clashes)


def _is_eeg(name: str, number: int, ending: str) -> bool:
    return re.fullmatch(rf"subject0*{number}{re.escape(ending)}", name, re.IGNORECASE) is not None


def load_labels(person: Person) -> dict[int, Trial]:
    """The trials by number, by the labels of the EEG; DataError where these are damaged."""
    rows = _load(person.labels, ("label",), 1 << 20)
    if rows.ndim != 2 or rows.shape[0] != len(CONDITIONS) * len(EMOTIONS) or not 1 <= rows.shape[1] <= MOST_TRIALS:
        raise DataError(f"'label' has the shape {rows.shape}, not (10, trials)", where=person.labels, remedy=GET_AGAIN)
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=0) == 1).all()):
        raise DataError("'label' does not name one class of each trial", where=person.labels, remedy=GET_AGAIN)
    classes = rows.argmax(axis=0).tolist()
    n = len(CONDITIONS)
    return {number: Trial(row % n, row // n) for number, row in enumerate(classes, start=1)}


def name_trials(person: Person) -> Mapping[int, Trial]:
    """The trials by number, by the names of sounds and films; DataError where two of them say other."""
    for path in person.clashes:
        message = f"is another file of trial {int(path.name[:3])}, or of another condition or emotion"
        raise DataError(message, where=path, remedy="remove or rename one of the files of this trial")
    return person.named


def load_trials(person: Person) -> dict[int, Trial]:
    """The trials by number, by the labels of the EEG; DataError where the names of sounds and films say other."""
    found = load_labels(person)
    for number, trial in name_trials(person).items():
        if found.get(number) != trial:
            file = next(files[number] for files in person.media.values() if number in files)
            wanted = found.get(number)
            labels = f"{CONDITIONS[wanted.condition]}, {EMOTIONS[wanted.emotion]}" if wanted else "no such trial"
            raise DataError(f"{person.labels.name} says of trial {number}: {labels}", where=file, remedy="compare both")
    return found


def load_eeg(person: Person, n_trials: int) -> NDArray[np.floating]:
    """The EEG, ``(10000, 30, trials)`` at 500 Hz, in the unit of the file."""
    check_eeg(person, n_trials)
    return _load(person.eeg, EEG_KEYS, _MOST_BYTES)


def check_eeg(person: Person, n_trials: int) -> None:
    """Raise DataError for an EEG that is missing, truncated, or of another shape by its header; quick."""
    check_mat(person.eeg)
    shapes = [find_shape(person.eeg, (key,), _MOST_BYTES) for key in EEG_KEYS]
    found = next((shape for shape in shapes if shape and math.prod(shape) > _LARGEST_EMPTY), None)
    wanted = (N_TIMES, N_CHANNELS, n_trials)
    if found not in (None, wanted):
        message = f"has an EEG of the shape {found}, not {wanted}, as the labels have"
        raise DataError(message, where=person.eeg, remedy=GET_AGAIN)


def resample_trial(person: Person, eeg: NDArray[np.floating], number: int, rate: int) -> NDArray[np.float32]:
    """The EEG of a trial, ``(30, time)`` at ``rate`` Hz; DataError where it has NaN or infinite values."""
    from scipy.signal import resample_poly

    values = eeg[:, :, number - 1].T.astype(np.float64)
    if not np.isfinite(values).all():
        raise DataError("has NaN or infinite values", where=f"{person.eeg}, trial {number}", remedy=DROP)
    return np.asarray(resample_poly(values, 1, RATE // rate, axis=1), np.float32)


def _load(path: Path, keys: tuple[str, ...], most: int) -> NDArray[Any]:
    """The first array of one of the names that is not empty."""
    check_mat(path)
    try:
        arrays = load_mat(path.read_bytes(), keys, most)
    except (ValueError, MemoryError) as error:
        raise DataError(f"cannot be read as a MATLAB file: {error}", where=path, remedy=GET_AGAIN) from error
    found = next((arrays[key] for key in keys if key in arrays and arrays[key].size > _LARGEST_EMPTY), None)
    if found is None or found.dtype.kind not in "fiu":
        raise DataError(f"has no array {' or '.join(map(repr, keys))} of numbers", where=path, remedy=GET_AGAIN)
    return found
