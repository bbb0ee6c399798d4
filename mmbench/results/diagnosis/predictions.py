"""Predictions of a diagnosis under each condition, as they are stored in records."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import TaskKind

DiagnosisLevel = Literal["auto", "full", "no"]
"""Extent of the diagnosis: ``auto`` skips noise for large frozen encoders."""

Predictions = NDArray[Any]
"""Predicted classes int64 ``(n,)``, or float outputs ``(n, n_outputs)`` of tasks of labels and values."""

MAX_MODALITIES = 8
"""Largest number of modalities for which all subsets are predicted."""

_UNSCORED = -1
_FIRST = ord("0")  # classes are stored as characters from here on: digits for up to ten classes


@dataclass(frozen=True)
class Shifted:
    """Predictions with one modality shifted by ``seconds``; `make_unscored` where there is no such window."""

    seconds: float
    predictions: Predictions


@dataclass(frozen=True)
class Diagnosis:
    """Predictions for the test samples of one fold, in their order, by a trained model.

    ``modalities`` are those that its fusion reads. ``subsets`` are named by a 1 for each present modality and a
    0 for each missing one; the whole is the record itself. ``shuffled`` has permutations of a modality's
    bags among the samples, ``noise`` is by decibel of signal over noise, ``shift`` by windows. ``left_out`` has
    the modalities without noise, with the reason. ``seconds`` is the time that the diagnosis took.
    """

    modalities: tuple[str, ...]
    subsets: Mapping[str, Predictions]
    shuffled: Mapping[str, tuple[Predictions, ...]]
    noise: Mapping[str, Mapping[int, Predictions]]
    shift: Mapping[str, Mapping[int, Shifted]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """The JSON object in a record."""
        return {
            "modalities": list(self.modalities),
            "subsets": {name: _write(each) for name, each in self.subsets.items()},
            "shuffled": {name: [_write(draw) for draw in draws] for name, draws in self.shuffled.items()},
            "noise": {
                name: {str(snr): _write(each) for snr, each in levels.items()} for name, levels in self.noise.items()
            },
            "shift": {
                name: {
                    str(windows): {"seconds": each.seconds, "predictions": _write(each.predictions)}
                    for windows, each in shifts.items()
                }
                for name, shifts in self.shift.items()
            },
            "left_out": dict(self.left_out),
            "seconds": self.seconds,
        }


def read_diagnosis(plain: Mapping[str, Any], n_samples: int, n_outputs: int, kind: TaskKind = "class") -> Diagnosis:
    """Read the diagnosis of a record; raises ValueError, KeyError or TypeError if it is damaged."""

    def read(text: str, may_lack: bool = False) -> Predictions:
        if kind == "class":
            return _read_classes(text, n_samples, _UNSCORED if may_lack else 0, n_outputs)
        return _read_outputs(text, n_samples, n_outputs, may_lack)

    modalities = tuple(plain["modalities"])
    diagnosis = Diagnosis(
        modalities=modalities,
        subsets={name: read(text) for name, text in plain["subsets"].items()},
        shuffled={name: tuple(map(read, draws)) for name, draws in plain["shuffled"].items()},
        noise={name: {int(snr): read(text) for snr, text in levels.items()} for name, levels in plain["noise"].items()},
        shift={
            name: {
                int(windows): Shifted(float(each["seconds"]), read(each["predictions"], may_lack=True))
                for windows, each in shifts.items()
            }
            for name, shifts in plain["shift"].items()
        },
        left_out=dict(plain["left_out"]),
        seconds=float(plain["seconds"]),
    )
    _check(diagnosis)
    return diagnosis


def _check(diagnosis: Diagnosis) -> None:
    modalities = diagnosis.modalities
    if len(modalities) < 2 or set(diagnosis.subsets) != set(subset_names(len(modalities))):
        raise ValueError("its diagnosis does not have the subsets of its modalities")
    if set(diagnosis.shuffled) != set(modalities) or not all(diagnosis.shuffled.values()):
        raise ValueError("its diagnosis does not shuffle each of its modalities")
    if set(diagnosis.noise) | set(diagnosis.left_out) != set(modalities) or not set(diagnosis.shift) <= set(modalities):
        raise ValueError("its diagnosis perturbs other modalities than its own")


def subset_names(n_modalities: int) -> Iterator[str]:
    """Proper subsets, with a 1 for each present modality; for more than 8 modalities those of size 0, 1 and n - 1."""
    for left in product("01", repeat=n_modalities):
        n_left = left.count("1")
        if n_left < n_modalities and (n_modalities <= MAX_MODALITIES or n_left in (0, 1, n_modalities - 1)):
            yield "".join(left)


def make_unscored(like: Predictions) -> Predictions:
    """No predictions, for as many samples as ``like`` has: -1, or outputs of NaN."""
    return np.full_like(like, _UNSCORED if like.ndim == 1 else np.nan)


def find_scored(predictions: Predictions) -> NDArray[np.bool_]:
    """Which samples ``(n,)`` have a prediction."""
    return np.asarray(predictions != _UNSCORED if predictions.ndim == 1 else np.isfinite(predictions).all(axis=1))


def _write(predictions: Predictions) -> str:
    """Classes as one character each; outputs as base64, a sample after the other.

    Numbers are little-endian, of 4 or 8 bytes, as they are in the array.
    """
    if predictions.ndim == 2:
        return b64encode(predictions.astype("<f8" if predictions.dtype == np.float64 else "<f4").tobytes()).decode()
    return "".join(map(chr, (predictions + _FIRST).tolist()))


def _read_classes(text: str, n_samples: int, lowest: int, n_classes: int) -> Predictions:
    predictions = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64) - _FIRST
    if len(predictions) != n_samples:
        raise ValueError("its diagnosis has a different number of samples")
    if predictions.size and not lowest <= predictions.min() <= predictions.max() < n_classes:
        raise ValueError("its diagnosis has a class that does not exist")
    return predictions


def _read_outputs(text: str, n_samples: int, n_outputs: int, may_lack: bool) -> Predictions:
    content = b64decode(text, validate=True)
    size, dtypes = n_samples * n_outputs, {4: "<f4", 8: "<f8"}
    dtype = next((name for width, name in dtypes.items() if len(content) == width * size), None)
    if dtype is None:
        raise ValueError("its diagnosis has a different number of outputs")
    outputs = np.frombuffer(content, dtype=dtype).astype(np.float64).reshape(n_samples, n_outputs)
    missing = np.isnan(outputs)
    if not np.isfinite(outputs[~missing]).all() or (missing.any() and not may_lack):
        raise ValueError("its diagnosis has outputs that are not finite")
    if (missing.any(axis=1) != missing.all(axis=1)).any():
        raise ValueError("its diagnosis has samples with some outputs only")
    return outputs
