"""What arrays in memory are: the kind of each modality, its missing instances, and how it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DataError

KINDS = ("image", "text", "timeseries", "vector")


@dataclass(frozen=True)
class ArrayModality:
    """One modality of n samples: the arrays of its files, or its texts.

    ``array`` is ``(n, D)`` vectors, ``(n, C, T)`` time series, ``(n, H, W, 3)`` images, or with ``offsets`` int64
    ``(n + 1,)`` time series of unequal length one after another, ``(C, total)``. ``present`` is bool ``(n,)``.
    """

    name: str
    kind: str
    rate: float | None
    array: NDArray[Any] | None
    present: NDArray[np.bool_]
    offsets: NDArray[np.int64] | None = None
    texts: Sequence[str | None] = ()

    @property
    def line(self) -> str:
        """The modality in words, such as ``eeg: timeseries 32 × 512 at 128 Hz``."""
        sizes = () if self.array is None else self.array.shape[1:] if self.offsets is None else (len(self.array), "T")
        rate = "" if self.rate is None else f" at {self.rate:g} Hz"
        n_missing = int((~self.present).sum())
        missing = f", missing in {n_missing} of {len(self.present)} samples" if n_missing else ""
        return f"{self.name}: {self.kind} {' × '.join(map(str, sizes))}".rstrip() + rate + missing


def read_modality(name: str, values: Any, rates: Mapping[str, float]) -> ArrayModality:
    """The modality ``name`` from its values; DataError that names it and says what to write if they are not plain.

    A float array ``(n, D)`` holds vectors and ``(n, C, T)`` time series, which need a rate; uint8 ``(n, H, W, 3)`` or
    ``(n, 3, H, W)`` images; a list of str texts; a list of arrays ``(C, T)`` time series of unequal length. None in a
    list, and a sample of NaN alone, is missing.
    """
    where = f"modality {name!r}"
    if not isinstance(values, np.ndarray) and not hasattr(values, "__array__"):
        return _read_list(name, list(values), rates, where)
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        return _read_list(name, array.tolist(), rates, where)
    if array.dtype == np.uint8 and array.ndim == 4:
        return _read_images(name, array, where)
    if array.dtype.kind not in "fiub" or array.ndim not in (2, 3):
        raise DataError(
            f"an array of {array.dtype} {array.shape} is none of what is known",
            where=where,
            remedy="give float (n, D), float (n, C, T), uint8 (n, H, W, 3), a list of str, or a list of arrays (C, T)",
        )
    array = array.astype(np.float32)
    present = ~np.isnan(array).reshape(len(array), -1).all(axis=1)
    _check_finite(array[present], np.flatnonzero(present), where)
    kind = "vector" if array.ndim == 2 else "timeseries"
    rate = _find_rate(name, rates, where) if kind == "timeseries" else None
    return ArrayModality(name, kind, rate, np.where(_spread(present, array), array, 0), present)


def _spread(present: NDArray[np.bool_], array: NDArray[Any]) -> NDArray[np.bool_]:
    return present.reshape(-1, *[1] * (array.ndim - 1))


def _read_images(name: str, array: NDArray[Any], where: str) -> ArrayModality:
    if array.shape[3] != 3 and array.shape[1] == 3:
        array = array.transpose(0, 2, 3, 1)
    if array.shape[3] != 3:
        raise DataError(f"images of the shape {array.shape[1:]}", where=where, remedy="give uint8 (n, H, W, 3)")
    return ArrayModality(name, "image", None, np.ascontiguousarray(array), np.ones(len(array), dtype=bool))


def _read_list(name: str, values: list[Any], rates: Mapping[str, float], where: str) -> ArrayModality:
    present = np.array([value is not None for value in values], dtype=bool)
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, str) for value in known):
        return ArrayModality(name, "text", None, None, present, texts=values)
    try:
        arrays = [np.asarray(value, dtype=np.float32) for value in known]
    except (TypeError, ValueError):
        arrays = []
    if not arrays or {each.ndim for each in arrays} != {2} or len({len(each) for each in arrays}) != 1:
        raise DataError(
            "a list is neither of str nor of arrays (C, T) with one number of channels",
            where=where,
            remedy="give None for a missing one, and one type for the others",
        )
    if empty := [at for at, each in zip(np.flatnonzero(present), arrays, strict=True) if not each.shape[1]]:
        raise DataError(f"sample {empty[0]} has no time step", where=where, remedy="give None where it is missing")
    for at, each in zip(np.flatnonzero(present), arrays, strict=True):
        _check_finite(each[None], np.array([at]), where)
    lengths = np.zeros(len(values), dtype=np.int64)
    lengths[present] = [each.shape[1] for each in arrays]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rate = _find_rate(name, rates, where)
    return ArrayModality(name, "timeseries", rate, np.concatenate(arrays, axis=1), present, offsets)


def _check_finite(array: NDArray[Any], rows: NDArray[np.intp], where: str) -> None:
    """DataError for the first sample with a value that is not finite."""
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise DataError(
            f"sample {rows[np.argmax(bad)]} has a value that is not finite",
            where=where,
            remedy="correct it; a sample that is NaN throughout counts as missing",
        )


def _find_rate(name: str, rates: Mapping[str, float], where: str) -> float:
    rate = rates.get(name)
    if rate is None or not rate > 0:
        raise DataError("time series need a rate in Hz", where=where, remedy=f'write rates={{"{name}": 128}}')
    return float(rate)
