"""Reads the archives of SEED-V's features, without running the code that their pickles name."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample, check_content
from mmbench_datasets.seed_v.layout import EMOTIONS, N_TRIALS, PER_SESSION, WIDTHS, WINDOW_S
from mmbench_datasets.shared.array_pickle import load_tree
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.feature_windows import vector_samples

_MOST_BYTES = 512 << 20  # of an array after decompression; the published ones have about 5 MB
_REMEDY = how_to_drop("copy or download the file again", "such trials")


class Trials(NamedTuple):
    """Features and labels of each window, by number of the trial, as they are in a file."""

    features: Mapping[Any, Any]
    labels: Mapping[Any, Any]


def load_trials(path: Path) -> Trials:
    """The two dicts of a file; raises DataError unless it has both."""
    check_content(path, "is a ZIP archive")
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.file_size > _MOST_BYTES:
                    raise DataError(f"{entry.filename} is larger than {_MOST_BYTES >> 20} MB", where=path)
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: load_tree(arrays[name].tobytes()) for name in ("data", "label")}
    except DataError as error:
        raise DataError(error.message, where=path, remedy=error.remedy or _REMEDY) from None
    except KeyError as error:
        raise DataError("has no arrays data and label", where=path, remedy=_REMEDY) from error
    except Exception as error:  # NumPy and zipfile fail in any way on damaged archives
        raise DataError(f"is truncated or damaged ({error})"[:200], where=path, remedy=_REMEDY) from error
    if not all(isinstance(each, dict) for each in found.values()):
        raise DataError("data and label are not dicts of trials", where=path, remedy=_REMEDY)
    return Trials(found["data"], found["label"])


def read_person(files: Mapping[str, Path], unit: str) -> Iterator[Sample | DataError]:
    """The windows of a person, film by film; a film that cannot be used is one error."""
    trials = {modality: load_trials(path) for modality, path in files.items() if path.exists()}
    for number in range(N_TRIALS):
        session, place = divmod(number, PER_SESSION)
        trial = f"{unit}/{session + 1}/v{place + 1:02d}"
        groups = {
            "subject": unit,
            "session": f"{unit}/{session + 1}",
            "trial": trial,
            "video": f"{session + 1}/v{place + 1:02d}",
        }
        try:
            features = {name: _features(files[name], name, each, number) for name, each in trials.items()}
            labels = {_label(files[name], each, number) for name, each in trials.items()}
            if len(labels) != 1:
                raise DataError(f"trial {number} has other labels in the eye features", where=files["eeg"])
            if len({len(values) for values in features.values()}) == 1:  # else `vector_samples` names the numbers
                for name, values in features.items():
                    _check_label_count(files[name], trials[name], number, len(values))
        except DataError as error:
            yield DataError(error.message, where=error.where, remedy=_REMEDY)
            continue
        yield from vector_samples(
            features, trial, {"emotion": labels.pop()}, groups, where=files["eeg"], seconds=WINDOW_S
        )


def _features(path: Path, modality: str, trials: Trials, number: int) -> NDArray[Any]:
    """The features ``(windows, width)`` of a trial."""
    values, width = trials.features.get(number), WIDTHS[modality]
    if values is None:
        raise DataError(f"has no trial {number}", where=path)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] != width:
        shape = getattr(values, "shape", type(values).__name__)
        raise DataError(f"trial {number} has the shape {shape}, not (windows, {width})", where=path)
    return values


def _check_label_count(path: Path, trials: Trials, number: int, n_windows: int) -> None:
    """Raise DataError unless a trial has a label for each of its windows."""
    if n_windows and (n_labels := np.asarray(trials.labels[number]).size) != n_windows:
        told = f"{n_labels} label{'s' * (n_labels > 1)} of {n_windows} window{'s' * (n_windows > 1)}"
        raise DataError(f"trial {number} has {told}", where=path)


def _label(path: Path, trials: Trials, number: int) -> int:
    """The one label of all windows of a trial."""
    values = trials.labels.get(number)
    if isinstance(values, list):
        values = np.asarray(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or not values.size:
        raise DataError(f"trial {number} has no labels", where=path)
    found = sorted({float(value) for value in values.ravel()})
    if len(found) != 1 or found[0] not in range(len(EMOTIONS)):
        told = ", ".join(f"{value:g}" for value in found[:3])
        raise DataError(f"trial {number} has the labels {told}, not one of 0-{len(EMOTIONS) - 1}", where=path)
    return int(found[0])
