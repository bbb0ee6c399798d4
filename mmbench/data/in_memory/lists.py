"""Modalities from lists: texts, and arrays with missing ones, in bags of unequal size, or of unequal length."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.in_memory.array_kinds import ArrayModality, StatedKind
from mmbench.data.in_memory.columns import plain_cell
from mmbench.data.in_memory.dense_arrays import (
    AXES,
    Array,
    as_array,
    as_float32,
    ask_for_kind,
    ask_for_rate,
    find_present,
    is_image,
    read_array,
)
from mmbench.errors import DataError

_FILES = (".png", ".jpg", ".jpeg", ".wav", ".flac", ".ogg", ".mp4", ".txt", ".npy", ".npz")
_FRAME = "give files as a column NAME_file_name to mmbench.from_frame"


def read_list(name: str, items: Sequence[Any], stated: StatedKind, where: str) -> ArrayModality:
    """The modality of a list with an entry for each sample: texts, lists of texts, or arrays; None where missing."""
    if _is_text(items):
        return _read_texts(name, items, stated, where)
    present = np.array([_is_there(each) for each in items], dtype=bool)
    if not present.any():
        raise DataError("is missing in every sample", where=where, remedy="leave the modality out")
    entries = [_read_entry(items[at], at, where) for at in np.flatnonzero(present).tolist()]
    arrays = [array for array, _ in entries]
    if any(there is not None for _, there in entries) or _are_bags(arrays, stated):
        return _read_bags(name, entries, present, stated, where)
    if len({each.shape for each in arrays}) > 1:
        return _read_open(name, arrays, present, stated, where)
    array = np.zeros((len(items), *arrays[0].shape), dtype=np.result_type(*{each.dtype for each in arrays}))
    for at, each in zip(np.flatnonzero(present), arrays, strict=True):
        array[at] = each
    return read_array(name, array, present, stated, where)


def _is_text(items: Sequence[Any]) -> bool:
    known = [each for each in items if _is_there(each)]
    inner = [part for each in known for part in (each if isinstance(each, list | tuple) else [each])]
    return bool(inner) and all(isinstance(part, str) or not _is_there(part) for part in inner)


def _is_there(cell: Any) -> bool:
    """Whether an entry of a list is there: not None, NaN or NA, nor a list of these alone."""
    if isinstance(cell, list | tuple):
        return any(map(_is_there, cell))
    return hasattr(cell, "__len__") or plain_cell(cell, "") is not None


def _read_texts(name: str, items: Sequence[Any], stated: StatedKind, where: str) -> ArrayModality:
    if stated.kind not in ("", "text"):
        raise DataError(f"is of texts, not {stated.kind}", where=where, remedy="give numbers, or correct kinds")
    texts = [plain_cell(each, where) for each in items]
    bags = [[*(each if isinstance(each, list) else [each])] for each in texts]
    parts = [part for bag in bags for part in bag if part is not None]
    if parts and not stated.kind and all(PurePath(part).suffix.lower() in _FILES for part in parts):
        ask_for_kind(f"texts such as {parts[0]!r:.60}, which may name files,", name, where, "text", last=f"; {_FRAME}")
    n_instances = max((len(bag) for bag in bags), default=1)
    bags = [[*bag, *[None] * (n_instances - len(bag))] for bag in bags]
    present = np.array([[part is not None for part in bag] for bag in bags], dtype=bool)
    columns = {f"{name}.text": [bag if n_instances > 1 else bag[0] for bag in bags]}
    return ArrayModality(name, "text", present, columns=columns, instances=n_instances)


def _read_entry(item: Any, at: int, where: str) -> tuple[Array, NDArray[np.bool_] | None]:
    """The array of a sample; of a list with missing instances those that are there, and which they are ``(K,)``."""
    there = None
    if isinstance(item, list | tuple):
        known = [each for each in item if _is_there(each)]
        if len(known) < len(item) and not any(map(np.isscalar, known)):
            there = np.array([_is_there(each) for each in item], dtype=bool)
            item = known
    array = as_array(item, f"{where}, sample {at}")
    if array.dtype.kind not in "fiub":
        is_path = isinstance(item, PurePath)
        message = f"sample {at} holds {'a path' if is_path else f'{array.dtype} {array.shape}'}"
        remedy = _FRAME if is_path else "give numbers, texts, or None for a missing one"
        raise DataError(message, where=where, remedy=remedy)
    return array, there


def _are_bags(arrays: Sequence[Array], stated: StatedKind) -> bool:
    """Whether arrays of unequal shape are bags of unequal size: they differ along their first axis alone."""
    if len({each.shape for each in arrays}) == 1 or len({each.shape[1:] for each in arrays}) > 1:
        return False
    axes = AXES.get(stated.kind, 0) or (AXES["image"] if all(map(is_image, arrays)) else 0)
    return stated.kind != "audio" and {each.ndim for each in arrays} == {axes}


def _read_bags(
    name: str,
    entries: Sequence[tuple[Array, NDArray[np.bool_] | None]],
    present: NDArray[np.bool_],
    stated: StatedKind,
    where: str,
) -> ArrayModality:
    """Bags of unequal size, filled up with missing instances, or with instances that are missing."""
    shapes = dict.fromkeys(array.shape[1:] for array, _ in entries)
    if len(shapes) > 1:
        one, other = [*shapes][:2]
        message = f"has instances of the shapes {one} and {other}"
        raise DataError(message, where=where, remedy="give instances of one shape, None for a missing one")
    masks = [np.ones(len(array), dtype=bool) if there is None else there for array, there in entries]
    size = max(map(len, masks))
    dtype = np.result_type(*{array.dtype for array, _ in entries})
    whole = np.zeros((len(present), size, *entries[0][0].shape[1:]), dtype=dtype)
    there = np.zeros((len(present), size), dtype=bool)
    for at, (array, _), mask in zip(np.flatnonzero(present), entries, masks, strict=True):
        there[at, : len(mask)] = mask
        whole[at, np.flatnonzero(mask)] = array
    return read_array(name, whole, there, stated, where)


def _read_open(
    name: str, arrays: Sequence[Array], present: NDArray[np.bool_], stated: StatedKind, where: str
) -> ArrayModality:
    """Time series or audio of unequal length."""
    kind = _find_open_kind(name, arrays, stated, where)
    arrays = [each[None] if each.ndim == 1 else each for each in arrays]
    present = present.copy()
    lengths = np.zeros(len(present), dtype=np.int64)
    lengths[present] = [each.shape[1] for each in arrays]
    whole = np.zeros((len(arrays[0]), int(lengths.sum())), dtype=np.float32)
    offset = 0
    for at, each in zip(np.flatnonzero(present), arrays, strict=True):
        part = as_float32(each)
        if not part.shape[1]:
            raise DataError(f"sample {at} has no time step", where=where, remedy="give None where it is missing")
        (present[at],) = find_present(part[None], np.ones(1, dtype=bool), where, first=int(at))
        lengths[at] *= present[at]
        whole[:, offset : offset + lengths[at]] = part[:, : lengths[at]]
        offset += lengths[at]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return ArrayModality(name, kind, present, whole[:, :offset], offsets, rate=stated.rate)


def _find_open_kind(name: str, arrays: Sequence[Array], stated: StatedKind, where: str) -> str:
    """The kind of arrays ``(C, T)`` or ``(T,)`` of unequal length; DataError for other shapes, and if it is unclear."""
    first = arrays[0].shape
    other = next(each.shape for each in arrays if each.shape != first)
    what = f"arrays of unequal length such as {first} and {other}"
    channels = {each.shape[:-1] or (1,) for each in arrays}
    if len(channels) > 1 or arrays[0].ndim > 2:
        remedy = "give arrays of one shape, or (C, T) that differ in T alone: array.T turns (T, C) into it"
        if all(map(is_image, arrays)):
            remedy = "resize the images to one size"
        raise DataError(f"has arrays of the shapes {first} and {other}", where=where, remedy=remedy)
    if stated.kind not in ("", "timeseries", "audio"):
        remedy = "give arrays of one shape"
        raise DataError(f"has arrays of unequal length, which {stated.kind} cannot be", where=where, remedy=remedy)
    if not stated.kind and channels == {(1,)}:
        ask_for_kind(what, name, where, "timeseries", "audio")
    kind = stated.kind or "timeseries"
    if stated.rate is None:
        ask_for_rate(what, name, kind, where)
    if kind == "audio" and channels != {(1,)}:
        raise DataError(f"audio has {first[0]} channels", where=where, remedy="give one channel")
    return kind
