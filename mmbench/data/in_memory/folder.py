"""Writes data in memory into a folder of the cache, named by its content, as the dataset ``folder`` reads it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.in_memory.array_kinds import ArrayModality, read_modality
from mmbench.data.in_memory.targets import ArrayTarget, read_target
from mmbench.errors import DataError
from mmbench.storage import written_whole

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class DataFolder:
    """Data that were in memory, in a folder of their own: stands for the dataset in `mmbench.run`."""

    path: Path
    lines: tuple[str, ...]

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return "\n".join((*self.lines, f"folder: {self.path}"))


def from_arrays(
    modalities: Mapping[str, Any],
    y: Any,
    *,
    groups: Mapping[str, Sequence[Any]],
    rates: Mapping[str, float] | None = None,
    split: Sequence[str | None] | None = None,
    ids: Sequence[Any] | None = None,
    task: str | None = None,
    names: Sequence[str] | None = None,
    name: str = "arrays",
    cache: Path | None = None,
) -> DataFolder:
    """A dataset from arrays, for `mmbench.run`; ``print`` of it says what was understood.

    ``modalities`` are float ``(n, D)`` vectors, float ``(n, C, T)`` time series, uint8 ``(n, H, W, 3)`` images, lists
    of str, or lists of arrays ``(C, T)`` of unequal length; time series need their rate in Hz in ``rates``. None in a
    list, and a sample of NaN alone, is missing. ``y`` is classes (str, int, bool), values (float), labels ``(n, L)`` of
    0 and 1 or values ``(n, V)``; ``task`` (class, labels, values) decides where that is not so, ``names`` names the
    classes, labels or values. ``groups`` says which samples belong together, such as ``{"subject": [...]}``; ``{}``
    states that none do. ``split`` has train, validation or test for each sample (protocol ``official``).

    The data are written once into the cache, so that workers and later runs read them. Raises DataError, naming the
    argument, for what is not plain.
    """
    if not modalities:
        raise DataError("there is no modality", where="modalities", remedy='write {"signal": array}')
    if not isinstance(groups, Mapping):
        raise DataError("is no mapping", where="groups", remedy='write groups={"subject": [...]}, or {} for none')
    read = [read_modality(each, values, rates or {}) for each, values in modalities.items()]
    for unknown in set(rates or {}) - set(modalities):
        raise DataError(f"there is no modality {unknown!r}", where="rates", remedy="correct its name")
    target = read_target(y, task, names)
    table = dict(_make_columns(groups, split, ids, len(target.rows)))
    for found in read:
        if len(found.present) != len(target.rows):
            raise DataError(
                f"has {len(found.present)} samples, but y has {len(target.rows)}",
                where=f"modality {found.name!r}",
                remedy="give one target for each sample",
            )
    text = _describe(name, read, target, groups, split is not None)
    folder = (cache or default_cache_folder()) / "memory" / _digest(text, read, table, target)
    if not (folder / "dataset.toml").is_file():  # which is written last
        _write(folder, text, read, table, target)
    return DataFolder(folder, tuple(_summary(name, read, target, groups, split)))


def _make_columns(
    groups: Mapping[str, Sequence[Any]], split: Sequence[str | None] | None, ids: Sequence[Any] | None, n: int
) -> Iterator[tuple[str, list[Any]]]:
    """The columns of ids, groups and parts; DataError for one of another length, and for parts that do not exist."""
    wanted = ids if ids is not None else [f"row-{at + 1:06d}" for at in range(n)]
    named = {"id": wanted, **{f"group_{name}": values for name, values in groups.items()}}
    named |= {} if split is None else {"split": split}
    for name, values in named.items():
        if len(values) != n:
            raise DataError(
                f"has {len(values)} entries, but y has {n}",
                where=f"groups[{name.removeprefix('group_')!r}]" if name.startswith("group_") else name,
                remedy="give one for each sample",
            )
        yield name, [None if value is None else str(value) for value in values]
    for at, part in enumerate(split if split is not None else ()):
        if part is not None and part not in PARTS:
            raise DataError(f"sample {at} has the part {part!r}", where="split", remedy=f"use {', '.join(PARTS)}")


def _describe(
    name: str, read: Sequence[ArrayModality], target: ArrayTarget, groups: Mapping[str, Any], is_split: bool
) -> str:
    """The content of ``dataset.toml``."""
    columns = ["target"] if target.kind == "class" else [f"target_{at}" for at in range(len(target.names))]
    lines = ["format = 1", f"name = {_quoted(name)}", 'table = "metadata.jsonl"', 'id = "id"']
    lines += ['split = "split"'] if is_split else []
    lines += ["[groups]", *(f"{_quoted(each)} = {_quoted(f'group_{each}')}" for each in groups)]
    lines += ["[task.target]", f'kind = "{target.kind}"', f"columns = {_quoted(columns)}"]
    lines += [f"names = {_quoted([*target.names])}"]
    for number, modality in enumerate(read):
        lines += [f"[modality.{_quoted(modality.name)}]", f'kind = "{modality.kind}"']
        if modality.array is None:
            lines.append(f"columns = {_quoted([f'text_{number}'])}")
            continue
        lines += [f"file = {_quoted(f'modality-{number}.npy')}", 'match = "order"']
        lines += [f"rate = {modality.rate!r}"] if modality.rate else []
        if modality.offsets is not None:
            lines.append(f"offsets = {_quoted(f'modality-{number}.offsets.npy')}")
        elif not modality.present.all():
            lines.append(f"present = {_quoted(f'modality-{number}.present.npy')}")
    return "\n".join(lines) + "\n"


def _quoted(value: str | list[str]) -> str:
    """A string or a list of strings in TOML, whose escapes are those of JSON."""
    return json.dumps(value)


def _rows(read: Sequence[ArrayModality], table: Mapping[str, list[Any]], target: ArrayTarget) -> Iterator[str]:
    """The lines of ``metadata.jsonl``."""
    texts = {f"text_{number}": each.texts for number, each in enumerate(read) if each.array is None}
    for at, cells in enumerate(target.rows):
        row = {name: values[at] for name, values in table.items()} | {name: each[at] for name, each in texts.items()}
        if target.kind == "class":
            row["target"] = None if cells is None else cells[0]
        else:
            row |= {f"target_{place}": None if cells is None else cells[place] for place in range(len(target.names))}
        yield json.dumps(row, ensure_ascii=False)


def _arrays(read: Sequence[ArrayModality]) -> Iterator[tuple[str, Any]]:
    """The arrays to write, by file."""
    for number, modality in enumerate(read):
        if modality.array is not None:
            yield f"modality-{number}.npy", np.ascontiguousarray(modality.array)
            if modality.offsets is not None:
                yield f"modality-{number}.offsets.npy", modality.offsets
            elif not modality.present.all():
                yield f"modality-{number}.present.npy", modality.present


def _digest(text: str, read: Sequence[ArrayModality], table: Mapping[str, list[Any]], target: ArrayTarget) -> str:
    found = sha256(text.encode())
    for line in _rows(read, table, target):
        found.update(line.encode() + b"\n")
    for name, array in _arrays(read):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(memoryview(array).cast("B") if array.size else b"")
    return found.hexdigest()[:20]


def _write(
    folder: Path, text: str, read: Sequence[ArrayModality], table: Mapping[str, list[Any]], target: ArrayTarget
) -> None:
    """Write arrays and table, and last the description: a folder without it was not written to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in _arrays(read):
        with written_whole(folder / name) as path, path.open("wb") as file:
            np.save(file, array)
    with written_whole(folder / "metadata.jsonl") as path:
        path.write_text("".join(f"{line}\n" for line in _rows(read, table, target)), "utf-8")
    with written_whole(folder / "dataset.toml") as path:
        path.write_text(text, "utf-8")


def _summary(
    name: str,
    read: Sequence[ArrayModality],
    target: ArrayTarget,
    groups: Mapping[str, Sequence[Any]],
    split: Sequence[str | None] | None,
) -> Iterator[str]:
    n_missing = sum(row is None for row in target.rows)
    yield f"{name}: {len(target.rows)} samples" + (f", {n_missing} without a target" if n_missing else "")
    yield from (each.line for each in read)
    yield target.line
    yield from (f"group {each}: {len(set(map(str, values)))} values" for each, values in groups.items())
    if not groups:
        yield "groups: none declared, so nothing is kept whole between parts"
    if split is not None:
        yield "split: " + ", ".join(f"{part} {list(split).count(part)}" for part in PARTS)
