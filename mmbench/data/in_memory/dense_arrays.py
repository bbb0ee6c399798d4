"""Modalities from arrays: vectors, time series, audio and images, alone or in bags."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mmbench.data.in_memory.array_kinds import ArrayModality, StatedKind
from mmbench.errors import DataError

Array = NDArray[Any]
_AXES = {"vector": 2, "timeseries": 3, "audio": 2, "image": 4}  # of n samples without bags
_SHAPES = {"vector": "(n, D)", "timeseries": "(n, C, T)", "audio": "(n, T)", "image": "uint8 (n, H, W, 3)"}
_WORDS = {
    "vector": ("bags of vectors", '"vector"'),
    "timeseries": ("time series", '("timeseries", 128.0)'),
    "audio": ("audio", '("audio", 16000.0)'),
    "bag": ("bags of time series", '("timeseries", 128.0)'),
}


def as_array(values: Any, where: str) -> Array:
    """The values as an array, masked ones as NaN; DataError where that cannot be."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan) if np.ma.getmaskarray(values).any() else values.data
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError, ValueError) as error:
        message = f"cannot be read as an array: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise DataError(
            message, where=where, remedy="give a NumPy array, such as values.detach().cpu().numpy()"
        ) from None


def read_array(name: str, array: Array, present: NDArray[np.bool_], stated: StatedKind, where: str) -> ArrayModality:
    """The modality of an array whose first axis is the samples; ``present`` says which are there."""
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
    array = _read_images(array, where) if kind == "image" else array.astype(np.float32, copy=False)
    array, instances = _with_bags(name, kind, array, stated, where)
    if kind in ("timeseries", "audio") and stated.rate is None:
        ask_for_kind(f"{kind} {array.shape} without its rate in Hz", name, where, kind)
    there = np.repeat(present[:, None], instances, axis=1) if instances > 1 else present
    if array.dtype.kind == "f":
        there = there & ~np.isnan(array).reshape(*there.shape, -1).all(axis=-1)
        check_finite(array, there, where)
        if not there.all():
            array = np.where(there.reshape(*there.shape, *[1] * (array.ndim - there.ndim)), array, 0)
    return ArrayModality(name, kind, there, array, rate=stated.rate, instances=instances)


def _find_kind(name: str, array: Array, where: str) -> str:
    """The kind where it is plain; DataError with what to write where it is not."""
    shape = f"{array.dtype} {array.shape}"
    if array.dtype == np.uint8 and array.ndim in (4, 5) and 3 in (array.shape[-1], array.shape[-3]):
        return "image"
    if array.dtype == np.uint8 and array.ndim > 2:
        remedy = "images are uint8 (n, H, W, 3): gray ones become so with numpy.stack([array] * 3, axis=-1)"
        raise DataError(f"{shape} is no plain kind", where=where, remedy=f"{remedy}; or write kinds")
    if array.ndim == 2:
        return "vector"
    if array.ndim == 3:
        ask_for_kind(shape, name, where, "timeseries", "vector")
    if array.ndim == 4:
        ask_for_kind(shape, name, where, "bag", last="; images are uint8")
    raise DataError(f"{shape} is none of what is known", where=where, remedy=f"give {', '.join(_SHAPES.values())}")


def ask_for_kind(what: str, name: str, where: str, *kinds: str, last: str = "") -> NoReturn:
    """Raise DataError with what to write for each of the ``kinds`` that the values may be."""
    written = [f'kinds={{"{name}": {_WORDS[kind][1]}}} for {_WORDS[kind][0]}' for kind in kinds]
    hz = " (Hz)" if any(" " in _WORDS[kind][1] for kind in kinds) else ""
    raise DataError(f"{what} needs its kind", where=where, remedy=f"write {', or '.join(written)}{hz}{last}")


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
    extra = array.ndim - _AXES[kind]
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


def check_finite(array: Array, there: NDArray[np.bool_], where: str) -> None:
    """DataError for the first sample of which an instance that is ``there`` has a value that is not finite."""
    bad = there & ~np.isfinite(array).reshape(*there.shape, -1).all(axis=-1)
    if bad.any():
        at = int(np.argwhere(bad)[0][0])
        raise DataError(
            f"sample {at} has a value that is not finite",
            where=where,
            remedy="correct it; an instance that is NaN throughout counts as missing, and a table may have empty cells",
        )
