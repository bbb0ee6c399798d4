"""Modalities from arrays: vectors, time series, audio and images, alone or in bags."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mmbench.data.in_memory.array_kinds import ArrayModality, StatedKind
from mmbench.data.standardize import split_rows
from mmbench.errors import DataError

Array = NDArray[Any]
AXES = {"vector": 2, "timeseries": 3, "audio": 2, "image": 4}
"""The number of axes of n samples without bags."""
_SHAPES = {"vector": "(n, D)", "timeseries": "(n, C, T)", "audio": "(n, T)", "image": "uint8 (n, H, W, 3)"}
_WORDS = {
    "vector": ("bags of vectors", '"vector"'),
    "timeseries": ("time series (Hz)", '("timeseries", 128.0)'),
    "audio": ("audio (Hz)", '("audio", 16000.0)'),
    "bag": ("bags of time series (Hz)", '("timeseries", 128.0)'),
    "text": ("texts", '"text"'),
}


def as_array(values: Any, where: str) -> Array:
    """The values as an array, masked ones as NaN; DataError where that cannot be."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan) if np.ma.getmaskarray(values).any() else values.data
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "give a NumPy array; a tensor becomes one with values.detach().cpu().float().numpy()"
        raise DataError(f"cannot be read as an array: {reason}", where=where, remedy=remedy) from None


def read_array(name: str, array: Array, present: NDArray[np.bool_], stated: StatedKind, where: str) -> ArrayModality:
    """The modality of an array whose first axis is the samples.

    ``present`` says which samples ``(n,)``, or which instances of bags ``(n, K)``, are there.
    """
    if array.dtype.kind not in "fiub":
        raise DataError(f"holds {array.dtype}", where=where, remedy="give float, uint8 for images, or a list of str")
    if array.ndim < 2:
        remedy = (
            "write array[:, None] for one number a sample" if array.ndim else "give an array with a row for each sample"
        )
        raise DataError(f"has the shape {array.shape}", where=where, remedy=remedy)
    if 0 in array.shape:
        raise DataError(f"has the shape {array.shape}, without any value", where=where, remedy="leave the modality out")
    kind = stated.kind or _find_kind(name, array, where)
    if kind in ("table", "text"):
        remedy = "give a list of str" if kind == "text" else "give columns with names, such as a frame"
        raise DataError(f"an array is no {kind}", where=where, remedy=remedy)
    array = _read_images(array, where) if kind == "image" else as_float32(array)
    array, instances = _with_bags(name, kind, array, stated, where)
    if kind in ("timeseries", "audio") and stated.rate is None:
        ask_for_rate(f"{kind} {array.shape}", name, kind, where)
    if present.ndim == 1:
        present = np.repeat(present[:, None], instances, axis=1)
    there = present if instances > 1 else present[:, 0]
    if array.dtype.kind == "f":
        there = find_present(array, there, where)
        if not there.all():
            array = np.where(there.reshape(*there.shape, *[1] * (array.ndim - there.ndim)), array, 0)
    return ArrayModality(name, kind, there, array, rate=stated.rate, instances=instances)


def as_float32(array: Array) -> Array:
    """The numbers as float32, without a copy where they are; infinite where they are out of its range."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _find_kind(name: str, array: Array, where: str) -> str:
    """The kind; DataError, with what to write, where it is ambiguous."""
    shape = f"{array.dtype} {array.shape}"
    if is_image(array) and array.ndim in (4, 5):
        return "image"
    if array.dtype == np.uint8 and array.ndim > 2:
        remedy = 'images are RGB, uint8 (n, H, W, 3): convert them, such as image.convert("RGB") of Pillow'
        raise DataError(f"the kind of {shape} is not known", where=where, remedy=f"{remedy}; or write kinds")
    if array.ndim == 2:
        return "vector"
    if array.ndim == 3:
        ask_for_kind(shape, name, where, "timeseries", "vector")
    if array.ndim == 4:
        ask_for_kind(shape, name, where, "bag", last="; images are uint8")
    raise DataError(f"the kind of {shape} is not known", where=where, remedy=f"give {', '.join(_SHAPES.values())}")


def is_image(array: Array) -> bool:
    """Whether the last three axes of an array may be those of images, ``(H, W, 3)`` or ``(3, H, W)``."""
    return array.dtype == np.uint8 and array.ndim >= 3 and 3 in (array.shape[-1], array.shape[-3])


def ask_for_kind(what: str, name: str, where: str, *kinds: str, last: str = "") -> NoReturn:
    """Raise DataError with what to write for each of the ``kinds`` that the values may be."""
    written = [f'kinds={{"{name}": {_WORDS[kind][1]}}} for {_WORDS[kind][0]}' for kind in kinds]
    raise DataError(f"the kind of {what} is ambiguous", where=where, remedy=f"write {', or '.join(written)}{last}")


def ask_for_rate(what: str, name: str, kind: str, where: str) -> NoReturn:
    """Raise DataError with how to write the rate."""
    remedy = f'write kinds={{"{name}": {_WORDS[kind][1]}}} with the rate in Hz'
    raise DataError(f"{what} without a rate", where=where, remedy=remedy)


def _read_images(array: Array, where: str) -> Array:
    if array.dtype != np.uint8:
        remedy = "convert it, such as (array * 255).astype(numpy.uint8) for numbers from 0 to 1"
        raise DataError(f"images are {array.dtype}, not uint8", where=where, remedy=remedy)
    if array.ndim >= 4 and array.shape[-1] != 3 and array.shape[-3] == 3:
        array = np.moveaxis(array, -3, -1)
    if array.ndim < 4 or array.shape[-1] != 3:
        remedy = "give (n, H, W, 3): RGB, without alpha"
        raise DataError(f"images of the shape {array.shape[1:]}", where=where, remedy=remedy)
    return array


def _with_bags(name: str, kind: str, array: Array, stated: StatedKind, where: str) -> tuple[Array, int]:
    """The array, with a channel axis for time series ``(n, T)``, and the size of its bags."""
    if kind == "timeseries" and array.ndim == 2:
        array = array[:, None]
    if kind == "audio" and array.ndim == 3 and array.shape[1] == 1:
        array = array[:, 0]
    extra = array.ndim - AXES[kind]
    if kind == "audio" and extra == 1 and stated.instances is None:
        bags = f'kinds={{"{name}": mmbench.Modality(..., instances={array.shape[1]})}}'
        remedy = f"give one channel (n, T), or write {bags}"
        raise DataError(f"audio of the shape {array.shape[1:]}", where=where, remedy=remedy)
    if extra == 0:
        return array, 1
    if extra == 1:
        return (array, array.shape[1]) if array.shape[1] > 1 else (array[:, 0], 1)
    bags = _SHAPES[kind].replace("n, ", "n, K, ")
    raise DataError(f"{kind} of the shape {array.shape}", where=where, remedy=f"give {_SHAPES[kind]}, or bags {bags}")


def find_present(array: Array, present: NDArray[np.bool_], where: str, first: int = 0) -> NDArray[np.bool_]:
    """``present`` without instances that are NaN throughout; DataError for another value that is not finite.

    ``first`` is the number of the first sample of the array.
    """
    found = present.copy()
    for rows in split_rows(np.arange(len(array)), array[:1].nbytes):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        block = array[part].reshape(*present[part].shape, -1)
        is_finite = np.isfinite(block).all(axis=-1)
        if is_finite.all():
            continue
        found[part] &= ~np.isnan(block).all(axis=-1)
        if (bad := found[part] & ~is_finite).any():
            at = first + part.start + int(np.argwhere(bad)[0][0])
            remedy = "correct it; an instance of NaN alone counts as missing, and a table may have empty cells"
            raise DataError(f"sample {at} has a value that is not finite as float32", where=where, remedy=remedy)
    return found
