"""Reads and checks the signals of DEAP's preprocessed release, ``sNN.dat`` or ``sNN.mat``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.deap.array_pickle import load_pickle
from mmbench_datasets.deap.layout import DATA_SHAPE, LABELS_SHAPE, RATINGS
from mmbench_datasets.deap.mat5 import load_mat

# A pickle of protocol 0 takes about 300 MB for the 103 MB of a subject.
_MAX_BYTES = 512 * 2**20
_REMEDY = "copy or download the file from DEAP again"


@dataclass(frozen=True)
class Recording:
    """The signals of one subject: ``data`` (40, 40, 8064), ``labels`` (40, 4) in 1-9, rows by Experiment_id."""

    data: NDArray[np.floating[Any]]
    labels: NDArray[np.floating[Any]]


def load_recording(path: Path) -> Recording:
    """The arrays of ``sNN.dat`` or ``sNN.mat``; raises DataError with the file unless they have DEAP's shapes.

    Values are not checked here: see ``find_bad_trials``.
    """
    check_content(path, "is a MATLAB file of level 5")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"is larger than {_MAX_BYTES >> 20} MB; DEAP's files are smaller", where=path, remedy=_REMEDY)
    try:
        arrays = _load(path)
    except (ValueError, MemoryError) as error:
        kind = "a pickle" if path.suffix.lower() == ".dat" else "a MATLAB file"
        message = f"cannot be read as {kind} of DEAP: {error}"
        raise DataError(message, where=path, remedy=_REMEDY) from error
    for key, shape in (("data", DATA_SHAPE), ("labels", LABELS_SHAPE)):
        _check_array(path, key, arrays.get(key), shape)
    return Recording(arrays["data"], arrays["labels"])


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix.lower() == ".dat":
        return load_pickle(path)
    return load_mat(path.read_bytes(), ("data", "labels"), _MAX_BYTES)


def _check_array(path: Path, key: str, array: NDArray[Any] | None, shape: tuple[int, ...]) -> None:
    if array is None:
        raise DataError(f"has no array {key!r}", where=path, remedy=_REMEDY)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise DataError(f"{key!r} is {array.dtype} {array.shape}, not numbers {shape}", where=path, remedy=_REMEDY)


def find_bad_trials(path: Path, recording: Recording) -> dict[int, DataError]:
    """Errors by row of the trials that cannot be used: signals with NaN or infinite values, ratings outside 1-9."""
    is_valid = (recording.labels >= 1) & (recording.labels <= 9)  # False for NaN
    errors = {}
    for row in np.flatnonzero(~is_valid.all(axis=1)).tolist():
        column = int(np.flatnonzero(~is_valid[row])[0])
        message = f"{RATINGS[column].lower()} is {recording.labels[row, column]:g}, outside 1-9"
        errors[row] = DataError(message, where=f"{path}, trial {row + 1}", remedy=_REMEDY)
    for row in np.flatnonzero(~np.isfinite(recording.data).all(axis=(1, 2))).tolist():
        errors[row] = DataError("has NaN or infinite values", where=f"{path}, trial {row + 1}", remedy=_REMEDY)
    return dict(sorted(errors.items()))
