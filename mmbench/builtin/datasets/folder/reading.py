"""Samples of the rows of a folder."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import Clip, DataError, Sample, check_content, sample_video_frames
from mmbench.builtin.datasets.folder.arrays import load_array, load_arrays
from mmbench.builtin.datasets.folder.description import Stream
from mmbench.builtin.datasets.folder.layout import Layout


def read_rows(layout: Layout, rows: Sequence[int]) -> Iterator[Sample | DataError]:
    """The samples of these rows; a DataError in place of one that cannot be read."""
    for at in rows:
        try:
            yield _read_row(layout, at)
        except DataError as error:
            yield error


def _read_row(layout: Layout, at: int) -> Sample:
    if not layout.ids[at]:
        raise DataError(f"{layout.table.row(at)} has no id", where=layout.table.path, remedy="give each row its id")
    data, present = {}, {}
    for name, stream in layout.described.streams.items():
        bag = _read_bag(layout, name, stream, at)
        if bag is not None and any(item is not None for item in bag):
            data[name] = bag
            if stream.present:
                present[name] = np.atleast_1d(layout.array(stream, stream.present)[at]).astype(bool)
                if not present[name].any():
                    del data[name], present[name]
    targets = {name: each[at] for name, each in layout.targets.items() if each[at] is not None}
    if wrong := next((name for name, target in targets.items() if isinstance(target, str)), None):
        message = f"{layout.table.row(at)} has {targets[wrong]!r}, which is not among the names of task {wrong}"
        raise DataError(message, where=layout.table.path, remedy="add it to dataset.toml, or correct the row")
    groups = {name: values[at] for name, values in layout.groups.items()}
    if lacking := next((name for name, value in groups.items() if value is None), None):
        raise DataError(f"{layout.table.row(at)} has no {lacking}", where=layout.table.path, remedy="fill it in")
    part: Any = layout.parts[at]
    return Sample(layout.ids[at], targets, data, groups, present, split=part)  # type: ignore[arg-type]


def _read_bag(layout: Layout, name: str, stream: Stream, at: int) -> Any:
    if stream.file:
        return _from_file(layout, name, stream, at)
    cells = layout.cells[name]
    if isinstance(cells, dict):
        row = {name: values[at] for name, values in cells.items()}
        if all(value is None for value in row.values()):
            return None
        if stream.kind == "vector":
            return None if None in row.values() else np.array([*row.values()], dtype=np.float32).reshape(1, -1)
        return [row]
    items = [item for column in cells for item in (column[at] if isinstance(column[at], list) else [column[at]])]
    items = [*items, *[None] * (stream.instances - len(items))]
    if stream.kind == "text" and not stream.names_files:
        return [None if item is None else str(item) for item in items]
    return [None if item is None else _read_file(layout, stream, str(item), at) for item in items]


def _read_file(layout: Layout, stream: Stream, name: str, at: int) -> Any:
    path = layout.folder / name
    try:
        if stream.kind == "video":
            return _read_clip(path, stream)
        if stream.kind in ("timeseries", "vector"):
            return np.asarray(load_array(path), dtype=np.float32)
        check_content(path, "is a PNG image", "is a JPEG image")
        return path.read_text(encoding="utf-8-sig") if stream.kind == "text" else path.read_bytes()
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8", where=layout.ids[at], remedy="save it as UTF-8") from None


def _read_clip(path: Path, stream: Stream) -> Clip:
    """The frames of a video at the rate of its modality, as PNG files."""
    times, frames = [], []
    for time, frame in sample_video_frames(path, stream.rate or 1.0, remedy="fix or remove the file"):
        times.append(time)
        frames.append(_encode(frame[..., ::-1], compress_level=1))  # coded once more where they are resized
    return Clip(frames, times)


def _from_file(layout: Layout, name: str, stream: Stream, at: int) -> Any:
    """The bag of a row from the array file of its modality; None where no row of the file has the id."""
    match = layout.matches.get(name)
    row = match.rows[at] if match else at
    if row is None:
        return None
    if stream.match == "key":
        return np.asarray(load_arrays(layout.folder / stream.file)[layout.ids[at]], dtype=np.float32)[None]
    return _from_array(layout, stream, row)


def _from_array(layout: Layout, stream: Stream, at: int) -> Any:
    array: NDArray[Any] = layout.array(stream)
    K = stream.instances
    if stream.offsets:
        offsets = layout.array(stream, stream.offsets)
        bounds = [(int(offsets[at * K + k]), int(offsets[at * K + k + 1])) for k in range(K)]
        return [np.asarray(array[:, start:stop], np.float32) if stop > start else None for start, stop in bounds]
    bag = array[at] if K > 1 else array[at : at + 1]
    if stream.kind == "image":
        return [_encode(image) for image in bag]
    bag = np.asarray(bag, dtype=np.float32)
    if stream.kind == "audio" and bag.ndim == 2:
        return bag[:, None]
    return bag


def _encode(image: NDArray[Any], **options: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8)).save(file, "PNG", **options)
    return file.getvalue()
