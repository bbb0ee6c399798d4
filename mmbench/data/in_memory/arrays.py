"""A dataset from arrays in memory."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mmbench.contract import Modality, Schema
from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.in_memory.array_kinds import ArrayModality, read_kind
from mmbench.data.in_memory.columns import is_table, plain_cell, read_columns
from mmbench.data.in_memory.folder import TABLE, DataFolder, FolderContent, check_dataset_name, write_folder
from mmbench.data.in_memory.modalities import read_modality
from mmbench.data.in_memory.targets import ArrayTask, read_tasks
from mmbench.data.samples.schema import check_schema
from mmbench.errors import DataError
from mmbench.registry import did_you_mean
from mmbench.storage import counted

PARTS = ("train", "validation", "test")
_MODALITIES = 'write {"NAME": array}'
Kinds = Mapping[str, str | tuple[str, float] | Modality]


def from_arrays(
    modalities: Mapping[str, Any],
    y: Any,
    *,
    groups: Mapping[str, Sequence[Any]] | None = None,
    kinds: Kinds | None = None,
    split: Sequence[str | None] | None = None,
    ids: Sequence[Any] | None = None,
    task: str | Mapping[str, str] | None = None,
    names: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    name: str = "arrays",
    cache: Path | str | None = None,
) -> DataFolder:
    """A dataset from arrays, for `mmbench.run`; ``print`` of it says what was understood.

    ``modalities`` are by name, with the samples along the first axis: float ``(n, D)`` vectors, float ``(n, C, T)``
    time series, uint8 ``(n, H, W, 3)`` or ``(n, 3, H, W)`` images, lists of str, lists of arrays ``(C, T)`` of unequal
    length, or columns with names (a frame, a mapping of lists), which become a table. Bags have an axis more
    ``(n, K, ...)``; those of unequal size are a list. ``kinds`` states what is ambiguous: a kind, a kind with the rate
    in Hz such as ``{"signal": ("timeseries", 128.0)}``, or a `Modality`. None in a list, an empty text and an instance
    that is NaN throughout are missing.

    ``y`` is classes (str, bool, int), values (float), labels (``(n, L)`` of 0 and 1, or lists of names) or values
    ``(n, V)``; a mapping holds several tasks, the first of which is the default. ``task`` (class, labels, values)
    states what is ambiguous, ``names`` names classes, labels or values in order; both are mappings where ``y`` is.
    None and NaN are missing targets.

    ``groups`` says which samples belong together, such as ``{"subject": [...]}``; ``{}`` states that none do. ``split``
    holds train, validation or test for each sample (protocol ``official``), ``ids`` their ids.

    The data are written once into ``cache`` (default: the cache folder), so that worker processes and later runs read
    them. Raises DataError, naming the argument and what to write, for what is ambiguous.
    """
    check_dataset_name(name)
    groups = _check_arguments(modalities, groups, kinds or {})
    tasks = read_tasks(y, task, names)
    n = len(tasks[0].rows)
    read = [_read_modality(str(each), values, (kinds or {}).get(each), n) for each, values in modalities.items()]
    columns: dict[str, Sequence[Any]] = dict(_make_columns(groups, split, ids, n))
    schema = Schema(tuple(each.modality for each in read), {each.name: each.task for each in tasks}, tuple(groups))
    check_schema(schema, "from_arrays")
    lines = tuple(_summary(name, read, tasks, groups, columns))
    for column in [*(each.columns for each in tasks), *(each.columns for each in read)]:
        columns |= column
    text = "\n".join(_describe(name, read, tasks, groups, split is not None)) + "\n"
    content = FolderContent(name, columns, dict(_arrays(read)))
    return DataFolder(write_folder(Path(cache or default_cache_folder()), content, text, lambda _: text), lines)


def _check_arguments(modalities: Any, groups: Any, kinds: Any) -> Mapping[str, Any]:
    """The groups by name; DataError, with what to write, for arguments that are no mappings."""
    if not isinstance(modalities, Mapping):
        remedy = "write mmbench.from_frame(frame, target=..., groups=...)" if is_table(modalities) else _MODALITIES
        raise DataError("is no mapping", where="modalities", remedy=remedy)
    if not modalities:
        raise DataError("is empty", where="modalities", remedy=_MODALITIES)
    if groups is None:
        remedy = 'write groups={"subject": [...]}, or groups={} if no samples belong together'
        raise DataError("which samples belong together is not stated", where="groups", remedy=remedy)
    if not is_table(groups):
        raise DataError("is no mapping", where="groups", remedy='write groups={"subject": [...]}')
    if not isinstance(kinds, Mapping):
        raise DataError("is no mapping", where="kinds", remedy='write kinds={"NAME": ("timeseries", 128.0)}')
    for unknown in kinds:
        if unknown not in modalities:
            remedy = did_you_mean(str(unknown), [*map(str, modalities)])
            raise DataError(f"no modality {unknown!r}", where="kinds", remedy=remedy)
    return (
        {str(name): values for name, values in groups.items()}
        if isinstance(groups, Mapping)
        else read_columns(groups, "groups")
    )


def _read_modality(name: str, values: Any, kind: Any, n: int) -> ArrayModality:
    """The modality; DataError if it does not have n samples."""
    if isinstance(values, list | tuple):
        _check_length(name, len(values), n)
    elif not is_table(values) and len(getattr(values, "shape", ())):
        _check_length(name, values.shape[0], n)  # a sparse matrix has no len()
    found = read_modality(name, values, read_kind(name, kind))
    _check_length(name, len(found.present), n)
    return found


def _check_length(name: str, length: int, n: int) -> None:
    if length != n:
        problem = f"has {counted(length, 'sample')}, but y has {n}"
        raise DataError(problem, where=f"modality {name!r}", remedy="give one target for each sample")


def _make_columns(
    groups: Mapping[str, Sequence[Any]], split: Sequence[str | None] | None, ids: Sequence[Any] | None, n: int
) -> Iterator[tuple[str, list[Any]]]:
    """The columns of ids, groups and parts; DataError for one of another length, an empty cell, and unknown parts."""
    if ids is None:
        yield "id", [f"row-{at + 1:06d}" for at in range(n)]
    else:
        found = _texts(ids, "ids", n)
        if len(set(found)) < n:
            twice = next(each for each in found if found.count(each) > 1)
            raise DataError(f"{twice!r} is there twice", where="ids", remedy="give each sample its own")
        yield "id", found
    for name, values in groups.items():
        yield f"group:{name}", _texts(values, f"groups[{name!r}]", n)
    if split is not None:
        parts = _texts(split, "split", n, may_be_empty=True)
        for at, part in enumerate(parts):
            if part is not None and part not in PARTS:
                raise DataError(f"sample {at} has the part {part!r}", where="split", remedy=f"use {', '.join(PARTS)}")
        yield "split", parts


def _texts(values: Any, where: str, n: int, *, may_be_empty: bool = False) -> list[Any]:
    if isinstance(values, str | Mapping) or is_table(values) or not hasattr(values, "__len__"):
        raise DataError(f"{type(values).__name__} is no sequence", where=where, remedy="give one entry for each sample")
    if getattr(values, "ndim", 1) != 1:
        remedy = "give one axis, such as values[:, 0]"
        raise DataError(f"has the shape {tuple(values.shape)}", where=where, remedy=remedy)
    if len(values) != n:
        raise DataError(
            f"has {counted(len(values), 'entry')}, but y has {n}", where=where, remedy="give one for each sample"
        )
    cells = [plain_cell(each, where) for each in values]
    if None in cells and not may_be_empty:
        remedy = "fill it in, or leave the sample out"
        raise DataError(f"sample {cells.index(None)} has none", where=where, remedy=remedy)
    return [
        None if cell is None else str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)
        for cell in cells
    ]


def _describe(
    name: str, read: Sequence[ArrayModality], tasks: Sequence[ArrayTask], groups: Mapping[str, Any], is_split: bool
) -> Iterator[str]:
    """The lines of ``dataset.toml``."""
    yield from ("format = 1", f"name = {_quoted(name)}", f"table = {_quoted(TABLE)}", 'id = "id"')
    yield from (['split = "split"'] if is_split else [])
    yield "[groups]"
    yield from (f"{_quoted(each)} = {_quoted(f'group:{each}')}" for each in groups)
    for task in tasks:
        yield f"[task.{_quoted(task.name)}]"
        yield from (
            f'kind = "{task.kind}"',
            f"columns = {_quoted([*task.columns])}",
            f"names = {_quoted([*task.names])}",
        )
    for number, modality in enumerate(read):
        yield f"[modality.{_quoted(modality.name)}]"
        yield f'kind = "{modality.kind}"'
        yield from ([f"instances = {modality.instances}"] if modality.instances > 1 else [])
        yield from ([f"rate = {float(modality.rate)!r}"] if modality.rate else [])
        yield from ([f"channels = {_quoted([*modality.channels])}"] if modality.channels else [])
        yield from (["may_be_constant = true"] if modality.may_be_constant else [])
        yield from _describe_files(number, modality)


def _describe_files(number: int, modality: ArrayModality) -> Iterator[str]:
    if modality.array is None:
        yield f"columns = {_quoted([*modality.columns])}"
        if modality.levels:
            yield f"[modality.{_quoted(modality.name)}.levels]"
            yield from (f"{_quoted(name)} = {_quoted([*levels])}" for name, levels in modality.levels.items())
        return
    yield 'match = "order"'
    for key, name, _ in _files(number, modality):
        yield f"{key} = {_quoted(name)}"


def _files(number: int, modality: ArrayModality) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """The key, the name and the content of each file of a modality."""
    if modality.array is None:
        return
    yield "file", f"modality-{number}.npy", modality.array
    if modality.offsets is not None:
        yield "offsets", f"modality-{number}.offsets.npy", modality.offsets
    elif not modality.present.all():
        yield "present", f"modality-{number}.present.npy", modality.present


def _arrays(read: Sequence[ArrayModality]) -> Iterator[tuple[str, NDArray[Any]]]:
    yield from ((name, array) for number, each in enumerate(read) for _, name, array in _files(number, each))


def _quoted(value: str | list[str]) -> str:
    """A string or a list of strings in TOML, whose escapes are those of JSON but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _summary(
    name: str,
    read: Sequence[ArrayModality],
    tasks: Sequence[ArrayTask],
    groups: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
) -> Iterator[str]:
    yield f"{name}: {counted(len(columns['id']), 'sample')}"
    yield from (each.line for each in read)
    yield from (each.line for each in tasks)
    yield from (f"group {each}: {counted(len(set(columns[f'group:{each}'])), 'value')}" for each in groups)
    if not groups:
        yield "no groups declared: samples of one person may be in both parts"
    if "split" in columns:
        parts = [f"{part} {columns['split'].count(part)}" for part in PARTS]
        without = columns["split"].count(None)
        yield "official split: " + ", ".join([*parts, *([f"none {without}"] if without else [])])
