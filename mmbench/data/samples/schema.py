"""Schemas: checked before they are used, and as plain values for JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args

from mmbench.contract import Kind, Modality, Schema, Task, TaskKind
from mmbench.errors import DataError
from mmbench.storage import check_printable, type_adapter

_MAX_NAME = 100  # bytes of a modality's name, which is a prefix of file names
_AXES: Mapping[Kind, str] = {
    "timeseries": "(channels, time)",
    "audio": "(channels, time)",
    "image": "(3, height, width)",
    "video": "(frames, 3, height, width)",
    "text": "()",
    "table": "(columns,)",
    "vector": "(features,)",
}
_ADDED = ("columns", "resize", "may_be_constant")  # fields of a modality that the contract did not always have
_OPEN_AXIS: Mapping[Kind, int] = {"timeseries": 1, "audio": 1, "video": 0}


def check_schema(schema: Schema, dataset: str) -> Schema:
    """The schema; DataError, naming the dataset, for what cannot be stored: invalid names, shapes or columns."""
    if found := next(_find_single_values(schema), None):
        where, value = found
        shown = repr(value) if isinstance(value, str | int) else f"{type(value).__name__}(...)"
        raise DataError(f"{where} is {shown}, not a tuple", where=dataset, remedy=f"write ({shown},) with a comma")
    if wrong := next(_wrong_names(schema), None):
        raise DataError(wrong, where=dataset, remedy="rename it in the dataset")
    faults = (fault for modality in schema.modalities for fault in _modality_faults(modality))
    if wrong := next(faults, None) or next(_task_faults(schema), None) or _type_fault(schema):
        raise DataError(wrong, where=dataset, remedy="change the schema of the dataset")
    return schema


def schema_to_plain(schema: Schema) -> dict[str, Any]:
    """A schema as plain values. Fields that were added to the contract are omitted where they have their defaults.

    A prepared file of a dataset that uses none of them is thus found under the key that it always had.
    """
    plain = asdict(schema)
    plain["modalities"] = [_without_defaults(each, Modality, _ADDED) for each in plain["modalities"]]
    plain["tasks"] = {name: _task_to_plain(task) for name, task in schema.tasks.items()}
    return plain


def schema_from_plain(plain: Any) -> Schema:
    """The schema of `schema_to_plain`; ValueError for anything else."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("tasks"), Mapping):
        raise ValueError("it has no schema with tasks")
    tasks = {
        name: {"kind": "class", "names": task} if isinstance(task, list | tuple) else task
        for name, task in plain["tasks"].items()
    }
    schema: Schema = type_adapter(Schema).validate_python({**plain, "tasks": tasks})
    return schema


def _type_fault(schema: Schema) -> str:
    """The first field whose value is not of its type, such as an unknown rule to resize; empty if there is none."""
    from pydantic import ValidationError

    try:
        type_adapter(Schema).validate_python(asdict(schema))
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} of the schema is {first['input']!r}: {first['msg']}"
    return ""


def _find_single_values(schema: Schema) -> Iterator[tuple[str, Any]]:
    """Fields that hold a single value where a tuple belongs, as ``("subject")`` without its comma does."""
    held: list[tuple[str, Any]] = [
        ("modalities of the schema", schema.modalities),
        ("groups of the schema", schema.groups),
    ]
    for task_name, task in schema.tasks.items():
        held += [(f"names of task {task_name}", task.names), (f"metrics of task {task_name}", task.metrics)]
    for modality in schema.modalities if _is_tuple(schema.modalities) else ():
        fields = {"shape": modality.shape, "channels": modality.channels, "columns": modality.columns}
        held += [(f"{name} of modality {modality.name}", value) for name, value in fields.items()]
        for column in modality.columns if _is_tuple(modality.columns) else ():
            held.append((f"levels of column {column.name} of {modality.name}", column.levels))
    yield from ((where, value) for where, value in held if not _is_tuple(value))


def _is_tuple(value: Any) -> bool:
    return isinstance(value, tuple | list)


def _wrong_names(schema: Schema) -> Iterator[str]:
    names = [modality.name for modality in schema.modalities]
    for name in names:
        if not name or set("./") & set(name):
            yield f"the name {name!r} of a modality is empty or has a dot or slash in it"
        if len(name.encode(errors="replace")) > _MAX_NAME:
            yield f"the name of a modality is longer than {_MAX_NAME} bytes: {name!r}"
    yield from (f"two modalities have the name {name!r}" for name in names if names.count(name) > 1)
    yield from (f"the name {name!r} of a task is not valid in HDF5" for name in schema.tasks if not _is_path(name))
    yield from (f"the name {name!r} of a group is not valid in HDF5" for name in schema.groups if not _is_path(name))
    yield from (f"two groups have the name {name!r}" for name in schema.groups if schema.groups.count(name) > 1)
    yield from (
        f"task {task} has the name {name!r} twice"
        for task, each in schema.tasks.items()
        for name in dict.fromkeys(each.names)
        if each.names.count(name) > 1
    )
    yield from (f"{name!r} is a prefix of the name {other!r}" for name, other in _nested(schema))
    try:
        check_printable(
            names,
            schema.tasks,
            schema.groups,
            *(task.names for task in schema.tasks.values()),
            *(modality.channels for modality in schema.modalities),
            *((column.name, column.levels) for modality in schema.modalities for column in modality.columns),
        )
    except ValueError as error:
        yield f"a name cannot be printed: {error}"


def _is_path(name: str) -> bool:
    """Whether a name is a valid path of a dataset in HDF5."""
    return all(part not in ("", ".") for part in name.split("/")) and "\0" not in name


def _nested(schema: Schema) -> Iterator[tuple[str, str]]:
    """Pairs of tasks, or of groups, whose names would be nested in the file."""
    for names in (tuple(schema.tasks), schema.groups):
        yield from ((one, other) for one in names for other in names if other.startswith(f"{one}/"))


def _modality_faults(modality: Modality) -> Iterator[str]:
    name, kind = modality.name, modality.kind
    if kind not in get_args(Kind):
        yield f"{name} is of the unknown kind {kind!r}"
        return
    shape, axes = modality.shape, _AXES[kind]
    if len(shape) != len([axis for axis in axes.strip("()").split(",") if axis]):
        yield f"{name} has the shape {shape}; the shape of {kind} is {axes}"
        return
    if any(length is None and at != _OPEN_AXIS.get(kind) for at, length in enumerate(shape)):
        yield f"{name} has the shape {shape}: of {kind} {axes}, {_open_axis(kind)} may be open"
    if modality.instances < 1 or any(length is not None and length < 1 for length in shape):
        yield f"{name} has a length below 1"
    if kind in ("image", "video") and shape[-3] != 3:
        yield f"{name} has the shape {shape}: images have 3 colours"
    if kind == "audio" and not (modality.rate and modality.rate > 0):
        yield f"{name} is audio without a rate in Hz"
    if modality.resize is not None and kind not in ("image", "video"):
        yield f"{name} has a rule to resize, which does not apply to {kind}"
    if not isinstance(modality.may_be_constant, bool):
        yield f"may_be_constant of {name} is {modality.may_be_constant!r}, not True or False"
    elif modality.may_be_constant and kind != "timeseries":
        yield f"{name} may be constant, which applies to timeseries only: {kind} are not tested for it"
    yield from _column_faults(modality)


def _open_axis(kind: Kind) -> str:
    at = _OPEN_AXIS.get(kind)
    return "no axis" if at is None else f"only {_AXES[kind].strip('()').split(', ')[at]}"


def _column_faults(modality: Modality) -> Iterator[str]:
    names = [column.name for column in modality.columns]
    if modality.kind != "table":
        if names:
            yield f"{modality.name} has columns, which {modality.kind} does not have"
        return
    if modality.shape != (len(names),) or not names:
        yield f"{modality.name} has the shape {modality.shape} and {len(names)} columns"
    yield from (f"{modality.name} has two columns {name!r}" for name in names if names.count(name) > 1)
    for column in modality.columns:
        if len(set(column.levels)) < len(column.levels):
            yield f"column {column.name} of {modality.name} has a level twice"


def _task_faults(schema: Schema) -> Iterator[str]:
    for name, task in schema.tasks.items():
        if task.kind not in get_args(TaskKind):
            yield f"task {name} is of the unknown kind {task.kind!r}"


def _task_to_plain(task: Task) -> Any:
    plain = _without_defaults(asdict(task), Task, ("metric", "metrics"))
    return plain["names"] if plain.keys() == {"kind", "names"} and task.kind == "class" else plain


def _without_defaults(plain: Mapping[str, Any], cls: type[Modality | Task], added: tuple[str, ...]) -> dict[str, Any]:
    defaults = {name: field.default for name, field in cls.__dataclass_fields__.items()}
    return {name: value for name, value in plain.items() if name not in added or value != defaults[name]}
