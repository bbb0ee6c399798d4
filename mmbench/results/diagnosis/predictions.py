"""Predictions of a diagnosis under each condition, as they are stored in records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DiagnosisLevel = Literal["auto", "full", "no"]
"""Extent of the diagnosis: ``auto`` skips noise for large frozen encoders."""

Predictions = NDArray[np.int64]
MAX_MODALITIES = 8
"""Largest number of modalities for which all subsets are predicted."""

UNSCORED = -1
_FIRST = ord("0")  # classes are stored as characters from here on: digits for up to ten classes


@dataclass(frozen=True)
class Shifted:
    """Predictions ``(n,)`` with one modality shifted by ``seconds``, -1 if there is no such window."""

    seconds: float
    predictions: Predictions


@dataclass(frozen=True)
class Diagnosis:
    """Predicted classes ``(n,)`` of the test samples of one fold, in their order, by a trained model.

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


def read_diagnosis(plain: Mapping[str, Any], n_samples: int, n_classes: int) -> Diagnosis:
    """Read the diagnosis of a record; raises ValueError, KeyError or TypeError if it is damaged."""

    def read(text: str, lowest: int = 0) -> Predictions:
        return _read(text, n_samples, lowest, n_classes)

    modalities = tuple(plain["modalities"])
    diagnosis = Diagnosis(
        modalities=modalities,
        subsets={name: read(text) for name, text in plain["subsets"].items()},
        shuffled={name: tuple(map(read, draws)) for name, draws in plain["shuffled"].items()},
        noise={name: {int(snr): read(text) for snr, text in levels.items()} for name, levels in plain["noise"].items()},
        shift={
            name: {
                int(windows): Shifted(float(each["seconds"]), read(each["predictions"], UNSCORED))
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


def _write(predictions: Predictions) -> str:
    return "".join(map(chr, (predictions + _FIRST).tolist()))


def _read(text: str, n_samples: int, lowest: int, n_classes: int) -> Predictions:
    predictions = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64) - _FIRST
    if len(predictions) != n_samples:
        raise ValueError("its diagnosis has a different number of samples")
    if predictions.size and not lowest <= predictions.min() <= predictions.max() < n_classes:
        raise ValueError("its diagnosis has a class that does not exist")
    return predictions
