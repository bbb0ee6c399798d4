"""Reads and checks the signals of DEAP's preprocessed release, ``sNN.dat`` or ``sNN.mat``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.deap.layout import BASELINE_S, DATA_SHAPE, LABELS_SHAPE, RATE, RATINGS, TRIAL_S
from mmbench_datasets.shared.array_pickle import load_pickle
from mmbench_datasets.shared.mat5 import load_mat

# A pickle of protocol 0 takes about 300 MB for the 103 MB of a subject.
_MAX_BYTES = 512 * 2**20
_REMEDY = "copy or download the file from DEAP again"


_WITHOUT_BASELINE = (*DATA_SHAPE[:2], round(TRIAL_S * RATE))
_N_BASELINE = round(BASELINE_S * RATE)


@dataclass(frozen=True)
class Recording:
    """The signals of one subject: ``data`` (40, 40, 8064), ``labels`` (40, 4) in 1-9, rows by Experiment_id.

    Without the 3 s of baseline before a trial, as some copies have it, ``data`` is (40, 40, 7680).
    """

    data: NDArray[np.floating[Any]]
    labels: NDArray[np.floating[Any]]

    @property
    def trials(self) -> NDArray[np.floating[Any]]:
        """The signals without the baseline before a trial, (40, 40, 7680)."""
        return self.data if self.data.shape[2] == _WITHOUT_BASELINE[2] else self.data[:, :, _N_BASELINE:]


def load_recording(path: Path) -> Recording:
    """The arrays of ``sNN.dat`` or ``sNN.mat``; raises DataError with the file unless they have DEAP's shapes.

    Values are not checked here: see ``find_bad_trials``.
    """
    check_recording_content(path)
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"is larger than {_MAX_BYTES >> 20} MB; DEAP's files are smaller", where=path, remedy=_REMEDY)
    try:
        arrays = _load(path)
    except (ValueError, MemoryError) as error:
        kind = "a pickle" if path.suffix.lower() == ".dat" else "a MATLAB file"
        message = f"cannot be read as {kind} of DEAP: {error}"
        raise DataError(message, where=path, remedy=_REMEDY) from error
    _check_array(path, "data", arrays.get("data"), (DATA_SHAPE, _WITHOUT_BASELINE))
    _check_array(path, "labels", arrays.get("labels"), (LABELS_SHAPE,))
    return Recording(arrays["data"], arrays["labels"])


def check_recording_content(path: Path) -> None:
    """Raise DataError for a file that by its first bytes is neither a pickle nor, if ``.mat``, of MATLAB."""
    is_mat = path.suffix.lower() == ".mat"
    check_content(path, "is a MATLAB file of level 5", *(["is an HDF5 file"] if is_mat else []))


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix.lower() == ".dat":
        return load_pickle(path)
    if h5py.is_hdf5(path):  # MATLAB's format 7.3
        return _load_hdf5(path)
    return load_mat(path.read_bytes(), ("data", "labels"), _MAX_BYTES)


def _load_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a MATLAB file of format 7.3, whose axes HDF5 has in reverse; ValueError if it is damaged."""
    try:
        with h5py.File(path, "r") as file:
            found = {key: file[key] for key in ("data", "labels") if isinstance(file.get(key), h5py.Dataset)}
            if any(item.size * item.dtype.itemsize > _MAX_BYTES for item in found.values()):
                raise ValueError(f"an array is larger than {_MAX_BYTES >> 20} MB")
            return {key: np.asarray(item[()].T) for key, item in found.items()}
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def _check_array(path: Path, key: str, array: NDArray[Any] | None, shapes: Sequence[tuple[int, ...]]) -> None:
    if array is None:
        raise DataError(f"has no array {key!r}", where=path, remedy=_REMEDY)
    if array.shape not in shapes or array.dtype.kind not in "fiu":
        wanted = " or ".join(str(shape) for shape in shapes)
        raise DataError(f"{key!r} is {array.dtype} {array.shape}, not numbers {wanted}", where=path, remedy=_REMEDY)


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
