"""Modalities from lists: texts, arrays with missing ones, and time series of unequal length."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.in_memory.array_kinds import ArrayModality, StatedKind
from mmbench.data.in_memory.columns import plain_cell
from mmbench.data.in_memory.dense_arrays import Array, as_array, ask_for_kind, read_array
from mmbench.errors import DataError


def read_list(name: str, items: Sequence[Any], stated: StatedKind, where: str) -> ArrayModality:
    """The modality of a list with an entry for each sample: texts, lists of texts, or arrays; None where missing."""
    if not items:
        raise DataError("has no sample", where=where, remedy="give one or more")
    if _is_text(items):
        return _read_texts(name, items, stated, where)
    present = np.array([_is_there(each) for each in items], dtype=bool)
    arrays = [as_array(each, where) for each in items if _is_there(each)]
    for at, each in zip(np.flatnonzero(present), arrays, strict=True):
        if each.dtype.kind not in "fiub":
            remedy = "give numbers, texts, or None for a missing one"
            raise DataError(f"sample {at} holds {each.dtype} {each.shape}", where=where, remedy=remedy)
    if not arrays:
        raise DataError("is missing in every sample", where=where, remedy="leave the modality out")
    if len({each.shape for each in arrays}) > 1:
        return _read_open(name, arrays, present, stated, where)
    array = np.zeros((len(items), *arrays[0].shape), dtype=np.result_type(*{each.dtype for each in arrays}))
    array[present] = arrays
    return read_array(name, array, present, stated, where)


def _is_text(items: Sequence[Any]) -> bool:
    known = [each for each in items if _is_there(each)]
    inner = [part for each in known for part in (each if isinstance(each, list | tuple) else [each])]
    return bool(inner) and all(isinstance(part, str) or not _is_there(part) for part in inner)


def _is_there(cell: Any) -> bool:
    """Whether an entry of a list is there: not None, NaN or NA."""
    return hasattr(cell, "__len__") or plain_cell(cell, "") is not None


def _read_texts(name: str, items: Sequence[Any], stated: StatedKind, where: str) -> ArrayModality:
    if stated.kind not in ("", "text"):
        raise DataError(f"is of texts, not {stated.kind}", where=where, remedy="give numbers, or correct kinds")
    texts = [plain_cell(each, where) for each in items]
    n_instances = max((len(each) for each in texts if isinstance(each, list)), default=1)
    bags = [[*(each if isinstance(each, list) else [each])] for each in texts]
    bags = [[*bag, *[None] * (n_instances - len(bag))] for bag in bags]
    present = np.array([[part is not None for part in bag] for bag in bags], dtype=bool)
    columns = {f"{name}.text": [bag if n_instances > 1 else bag[0] for bag in bags]}
    return ArrayModality(name, "text", present, columns=columns, instances=n_instances)


def _read_open(
    name: str, arrays: Sequence[Array], present: NDArray[np.bool_], stated: StatedKind, where: str
) -> ArrayModality:
    """Time series or audio of unequal length."""
    first = arrays[0]
    other = next(each for each in arrays if each.shape != first.shape)
    if stated.kind in ("timeseries", "audio"):
        arrays = [each[None] if each.ndim == 1 else each for each in arrays]
    if {each.ndim for each in arrays} != {2} or len({len(each) for each in arrays}) != 1:
        if {each.ndim for each in arrays} == {1}:
            ask_for_kind(
                f"arrays of unequal length such as {first.shape} and {other.shape}", name, where, "timeseries", "audio"
            )
        remedy = "give arrays of one shape, or (C, T) that differ in T alone"
        raise DataError(f"has arrays of the shapes {first.shape} and {other.shape}", where=where, remedy=remedy)
    if stated.kind not in ("", "timeseries", "audio"):
        remedy = "give arrays of one shape"
        raise DataError(f"has arrays of unequal length, which {stated.kind} cannot be", where=where, remedy=remedy)
    kind = stated.kind or "timeseries"
    if stated.rate is None:
        ask_for_kind(f"arrays of unequal length such as {first.shape} and {other.shape}", name, where, kind)
    if kind == "audio" and len(arrays[0]) != 1:
        raise DataError(f"audio has {len(arrays[0])} channels", where=where, remedy="give one channel")
    present = present.copy()
    lengths = np.zeros(len(present), dtype=np.int64)
    parts = []
    for at, each in zip(np.flatnonzero(present), arrays, strict=True):
        part = each.astype(np.float32)
        if part.size and np.isnan(part).all():
            present[at] = False
            continue
        if not part.shape[1]:
            raise DataError(f"sample {at} has no time step", where=where, remedy="give None where it is missing")
        _check_part(part, int(at), where)
        lengths[at] = part.shape[1]
        parts.append(part)
    whole = np.concatenate(parts, axis=1) if parts else np.zeros((len(arrays[0]), 0), dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return ArrayModality(name, kind, present, whole, offsets, rate=stated.rate)


def _check_part(part: Array, at: int, where: str) -> None:
    if not np.isfinite(part).all():
        remedy = "correct it; a sample that is NaN throughout counts as missing"
        raise DataError(f"sample {at} has a value that is not finite", where=where, remedy=remedy)
