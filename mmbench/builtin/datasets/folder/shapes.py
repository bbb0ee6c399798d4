"""The schema of a described folder, with the shapes of its arrays."""

from typing import TYPE_CHECKING, Any

from mmbench import Column, DataError, Modality, Schema
from mmbench.builtin.datasets.folder.arrays import load_array, load_arrays
from mmbench.builtin.datasets.folder.columns import find_width
from mmbench.builtin.datasets.folder.description import Stream
from mmbench.builtin.datasets.folder.tables import named_files
from mmbench.builtin.datasets.folder.targets import make_task

if TYPE_CHECKING:
    from mmbench.builtin.datasets.folder.layout import Layout


def make_schema(layout: "Layout") -> Schema:
    """The schema that the description states; DataError for an array that is not there or does not fit."""
    described = layout.described
    modalities = tuple(_make_modality(layout, name, stream) for name, stream in described.streams.items())
    tasks = {name: make_task(task) for name, task in described.tasks.items()}
    return Schema(modalities, tasks, tuple(described.groups or ()))


def _make_modality(layout: "Layout", name: str, stream: Stream) -> Modality:
    shape = _shape(layout, name, stream)
    columns: tuple[Column, ...] = ()
    kind: Any = stream.kind  # one of KINDS: checked when the description was read
    resize: Any = stream.resize or None
    if stream.kind == "table":
        columns = tuple(Column(each, stream.levels.get(each, ())) for each in stream.columns)
    return Modality(
        name, kind, shape, stream.instances, stream.rate, stream.channels, columns, resize, stream.may_be_constant
    )


def _shape(layout: "Layout", name: str, stream: Stream) -> tuple[int | None, ...]:
    if stream.kind == "text":
        return ()
    if stream.kind == "table":
        return (len(stream.columns),)
    if stream.kind == "vector" and stream.columns and not stream.names_files:
        return (_width(layout, stream),)
    if stream.kind == "audio":
        return (1, None)
    if stream.kind in ("image", "video") and stream.size:
        return (3, *stream.size) if stream.kind == "image" else (None, 3, *stream.size)
    if stream.match == "key":
        return _shape_of_key(layout, name, stream)
    array = layout.array(stream) if stream.file else _first_array(layout, stream)
    if stream.offsets:
        return (len(array), None)
    inner = array.shape[1 + (stream.instances > 1) :] if stream.file else array.shape
    if stream.kind == "timeseries" and not stream.file:
        return (inner[0], None)
    if stream.kind == "image":
        return (3, *inner[:2])
    return tuple(inner)


def _width(layout: "Layout", stream: Stream) -> int:
    """The number of features of a vector: of its columns, or of the lists in its only one."""
    lists = find_width(layout.column(stream.columns[0])) if len(stream.columns) == 1 else None
    return lists or len(stream.columns)


def _shape_of_key(layout: "Layout", name: str, stream: Stream) -> tuple[int | None, ...]:
    """The shape of the first array; time series may differ in length."""
    match = layout.matches[name]
    arrays = load_arrays(layout.folder / stream.file)
    found = [arrays[text].shape for text, row in zip(match.ids, match.rows, strict=True) if row is not None]
    if stream.kind == "timeseries" and len(found[0]) == 2 and len(set(found)) > 1:
        return (found[0][0], None)
    return tuple(found[0])


def _first_array(layout: "Layout", stream: Stream) -> Any:
    cells = layout.column(stream.columns[0])
    for at in layout.rows:
        for name in named_files([cells[at]]):
            if (layout.folder / name).is_file():
                return load_array(layout.folder / name)
    raise DataError(f"no file of {stream.columns[0]} exists", where=layout.table.path, remedy="correct the paths")
