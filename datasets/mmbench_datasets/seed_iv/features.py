"""Reads the MATLAB files of SEED-IV's features."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.seed_iv.layout import (
    LABELS,
    N_BANDS,
    N_CHANNELS,
    N_EYE,
    N_TRIALS,
    WINDOW_S,
    Feature,
    SessionFiles,
    Smoothing,
    variable,
)
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.feature_windows import vector_samples
from mmbench_datasets.shared.mat_structs import read_mat

_MOST_BYTES = 512 << 20  # of a file after decompression; the published ones have about 15 MB
_REMEDY = how_to_drop("copy or download the file again", "such trials")


def read_session(
    files: SessionFiles, unit: str, feature: Feature, smoothing: Smoothing
) -> Iterator[Sample | DataError]:
    """The windows of a session, film by film; a film that cannot be used is one error."""
    prefix, numbers = variable(feature, smoothing), range(1, N_TRIALS + 1)
    eeg = _load(files.eeg, [f"{prefix}{number}" for number in numbers])
    eye = _load(files.eye, [f"eye_{number}" for number in numbers]) if files.eye.exists() else None
    for number in numbers:
        trial, video = f"{unit}/{files.session}/v{number:02d}", f"{files.session}/v{number:02d}"
        groups = {"subject": unit, "session": f"{unit}/{files.session}", "trial": trial, "video": video}
        try:
            features = {"eeg": _eeg(files.eeg, eeg, f"{prefix}{number}")}
            if eye is not None:
                features["eye"] = _eye(files.eye, eye, f"eye_{number}")
        except DataError as error:
            yield error
            continue
        labels = {"emotion": LABELS[files.session][number - 1]}
        yield from vector_samples(features, trial, labels, groups, where=files.eeg, seconds=WINDOW_S)


def _load(path: Path, names: list[str]) -> dict[str, Any]:
    found = read_mat(path, names, _MOST_BYTES)
    if not found:
        message = f"has no {names[0]} to {names[-1]}; its variables are others"
        raise DataError(message, where=path, remedy="take the features of SEED-IV, not its raw recordings")
    return found


def _eeg(path: Path, arrays: dict[str, Any], name: str) -> NDArray[Any]:
    """The EEG features ``(windows, 310)`` of a trial."""
    values = _array(path, arrays, name)
    # MATLAB drops a last axis of length 1, but there are always five bands.
    if values.ndim != 3 or (values.shape[0], values.shape[2]) != (N_CHANNELS, N_BANDS):
        message = f"{name} has the shape {values.shape}, not ({N_CHANNELS}, windows, {N_BANDS})"
        raise DataError(message, where=path, remedy=_REMEDY)
    return np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)


def _eye(path: Path, arrays: dict[str, Any], name: str) -> NDArray[Any]:
    """The eye features ``(windows, 31)`` of a trial."""
    values = _array(path, arrays, name)
    if values.ndim != 2 or values.shape[0] != N_EYE:
        message = f"{name} has the shape {values.shape}, not ({N_EYE}, windows)"
        raise DataError(message, where=path, remedy=_REMEDY)
    return values.T


def _array(path: Path, arrays: dict[str, Any], name: str) -> NDArray[Any]:
    values = arrays.get(name)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise DataError(f"has no numbers {name!r}", where=path, remedy=_REMEDY)
    return values
