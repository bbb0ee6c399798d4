"""Writer of the bags of one modality: arrays of one shape, or one piece with offsets."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.data.samples.bag import has_arrays

_WRITE_SIZE = 1 << 22  # bytes of samples per write


def write_bags(group: h5py.Group, bags: Sequence[Any], modality: Modality, present: NDArray[np.bool_]) -> None:
    """Write the bags of all samples, None where the modality is missing.

    Vectors, tables and time series of one length are one float32 array ``x`` ``(N, K, *shape)``. All others lie one
    after another, and ``offsets`` ``(N·K + 1,)`` says where each begins; absent ones are empty:

    - time series of open length: float32 values in ``x``, each ``(channels, time)``;
    - images and texts: the coded files and UTF-8 in ``bytes``;
    - audio: waveforms as `Waveform` in ``bytes``, and their ``lengths`` ``(N, K)``;
    - videos: coded frames in ``bytes``, which begin at ``frames``, and their ``times``; ``offsets`` counts frames.
    """
    if has_arrays(modality):
        _write_arrays(group, bags, modality, present)
        return
    items = [item for bag in bags for item in (bag if bag is not None else [None] * modality.instances)]
    items = [item if there else None for item, there in zip(items, present.ravel().tolist(), strict=True)]
    if modality.kind == "timeseries":
        _write_series(group, items)
    elif modality.kind == "audio":
        lengths = [0 if item is None else item.length for item in items]
        group["lengths"] = np.array(lengths, dtype=np.int64).reshape(present.shape)
        _write_coded(group, [b"" if item is None else item.payload for item in items])
    elif modality.kind == "video":
        frames = [frame for item in items if item is not None for frame in item.frames]
        times = [time for item in items if item is not None for time in item.times]
        _write_coded(group, frames, "frames")
        group["offsets"] = _offsets(0 if item is None else len(item.frames) for item in items)
        group["times"] = np.array(times, dtype=np.float64)
    else:
        _write_coded(group, [item or b"" for item in items])


def stored_size(bag: Any) -> int:
    """Size of the values of a bag in the file, in bytes."""
    if isinstance(bag, np.ndarray):
        return bag.size * 4
    return sum(_item_size(item) for item in bag if item is not None)


def _item_size(item: Any) -> int:
    if isinstance(item, np.ndarray):
        return item.size * 4
    if hasattr(item, "frames"):
        return sum(map(len, item.frames))
    return len(getattr(item, "payload", item))


def _write_arrays(group: h5py.Group, bags: Sequence[Any], modality: Modality, present: NDArray[np.bool_]) -> None:
    shape = (modality.instances, *modality.fixed_shape)
    x = group.create_dataset("x", shape=(len(bags), *shape), dtype=np.float32)
    step = max(1, _WRITE_SIZE // (4 * math.prod(shape)))
    room = np.empty((min(step, len(bags)), *shape), dtype=np.float32)
    for start in range(0, len(bags), step):
        values = room[: len(bags) - start]
        for value, bag, here in zip(values, bags[start:], present[start:], strict=False):
            if here.all():
                value[:] = bag
            else:
                value[:] = 0
                value[here] = 0 if bag is None else np.asarray(bag)[here]
        x[start : start + len(values)] = values


def _write_series(group: h5py.Group, items: Sequence[NDArray[np.float32] | None]) -> None:
    offsets = _offsets(0 if item is None else item.size for item in items)
    x = group.create_dataset("x", shape=(offsets[-1],), dtype=np.float32)
    for item, start, stop in zip(items, offsets, offsets[1:], strict=False):
        if item is not None:
            x[start:stop] = np.ravel(item)
    group["offsets"] = offsets


def _write_coded(group: h5py.Group, coded: Sequence[bytes], name: str = "offsets") -> None:
    group["bytes"] = np.frombuffer(b"".join(coded), dtype=np.uint8)
    group[name] = _offsets(map(len, coded))


def _offsets(sizes: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes], dtype=np.int64)
