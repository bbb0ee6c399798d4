"""``dataset.toml``: what the columns and arrays of a folder are; read, checked and written."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmbench import DataError

FORMAT = 1
KINDS = ("timeseries", "audio", "image", "video", "text", "table", "vector")
TASKS = ("class", "labels", "values")


@dataclass(frozen=True)
class Stream:
    """A modality: ``columns`` of the table (cells, or paths of files), or an array in ``file``."""

    kind: str
    columns: tuple[str, ...] = ()
    file: str = ""
    array: str = ""
    offsets: str = ""
    present: str = ""
    rate: float | None = None
    size: tuple[int, ...] = ()
    resize: str = ""
    instances: int = 1
    channels: tuple[str, ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A task: its ``columns``, and its ``names``: classes, labels, or values."""

    kind: str
    columns: tuple[str, ...]
    names: tuple[str, ...] = ()
    metric: str = ""
    separator: str = ""


@dataclass(frozen=True)
class Description:
    """The content of ``dataset.toml``; ``groups`` None: not declared, empty: none."""

    name: str
    table: str
    id: str = ""
    split: str = ""
    ignore: tuple[str, ...] = ()
    groups: Mapping[str, str] | None = None
    tasks: Mapping[str, Target] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)


def description_path(root: Path) -> Path:
    """Where the description of a folder is, or that of a single file: ``NAME.dataset.toml`` beside it."""
    return root / "dataset.toml" if root.is_dir() else root.with_name(f"{root.stem}.dataset.toml")


def load_description(path: Path) -> Description:
    """The description in a file; DataError, naming the key, for what cannot be understood."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return _parse(found, path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"is not TOML: {error}", where=path, remedy="correct it, or describe again --force") from None
    except (TypeError, ValueError) as error:
        raise DataError(str(error), where=path, remedy="see docs/how-to/own-data.md") from None


def _parse(found: dict[str, Any], path: Path) -> Description:
    if found.pop("format", None) != FORMAT:
        raise ValueError(f"format is not {FORMAT}")
    tasks = {name: _make(Target, f"task.{name}", each) for name, each in _tables(found, "task").items()}
    streams = {name: _make(Stream, f"modality.{name}", each) for name, each in _tables(found, "modality").items()}
    groups = found.pop("groups", None)
    if groups is not None and not (isinstance(groups, dict) and all(isinstance(each, str) for each in groups.values())):
        raise ValueError('groups is not a table such as subject = "speaker"')
    described: Description = _make(Description, "", found)
    for name, task in tasks.items():
        _demand(task.kind in TASKS, f"task.{name}.kind is {task.kind!r}, not one of {', '.join(TASKS)}")
        _demand(bool(task.columns), f"task.{name}.columns is empty")
    for name, stream in streams.items():
        _demand(stream.kind in KINDS, f"modality.{name}.kind is {stream.kind!r}, not one of {', '.join(KINDS)}")
        _demand(bool(stream.columns) != bool(stream.file), f"modality.{name} needs either columns or file")
        _demand(stream.kind != "audio" or stream.rate is not None, f"modality.{name} is audio without rate (Hz)")
        _demand(stream.kind != "image" or bool(stream.size) or bool(stream.file), f"modality.{name} has no size")
    return Description(**{**vars(described), "groups": groups, "tasks": tasks, "streams": streams})


def _demand(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _tables(found: dict[str, Any], key: str) -> dict[str, Any]:
    tables = found.pop(key, {})
    _demand(isinstance(tables, dict) and all(isinstance(each, dict) for each in tables.values()), f"write [{key}.NAME]")
    result: dict[str, Any] = tables
    return result


def _make(cls: type[Any], where: str, found: Mapping[str, Any]) -> Any:
    types = {each.name: str(each.type) for each in fields(cls)}
    values: dict[str, Any] = {}
    for key, value in found.items():
        at = f"{where}.{key}".lstrip(".")
        if key not in types:
            near = get_close_matches(key, types, n=1)
            raise ValueError(f"unknown key {at}" + (f"; did you mean {near[0]!r}?" if near else ""))
        values[key] = _convert(value, types[key], at)
    needed = [each for each in ("name", "table", "kind", "columns") if each in types and each not in values]
    if cls is Stream:
        needed = [each for each in needed if each == "kind"]
    if needed:
        raise ValueError(f"{f'{where}.{needed[0]}'.lstrip('.')} is missing")
    return cls(**values)


def _convert(value: Any, wanted: str, at: str) -> Any:
    if "Mapping" in wanted:
        if isinstance(value, dict) and all(isinstance(each, list) for each in value.values()):
            return {key: tuple(map(str, each)) for key, each in value.items()}
    elif "tuple" in wanted:
        of = int if "int" in wanted else str
        items = [value] if isinstance(value, of) and of is str else value
        if isinstance(items, list) and all(isinstance(each, of) for each in items):
            return tuple(items)
    elif "float" in wanted:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
            return float(value)
    elif wanted.endswith("int'>") or wanted == "<class 'int'>":
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    elif isinstance(value, str):
        return value
    raise ValueError(f"{at} is {value!r:.60}, which is not valid here")


def write_description(described: Description) -> str:
    """The text of ``dataset.toml``, with comments for those who correct it."""
    return "\n".join(_lines(described)) + "\n"


def _lines(described: Description) -> Iterator[str]:
    yield "# What the files are. Correct it by hand; docs/how-to/own-data.md explains every key."
    yield f"format = {FORMAT}"
    yield from _pairs(described, ("name", "table", "id", "split", "ignore"))
    if described.groups is not None:
        yield "\n# Samples of one group are never in two parts of a split. Left empty: no groups."
        yield "[groups]"
        yield from (f"{_key(name)} = {_value(column)}" for name, column in described.groups.items())
    for title, items in (("task", described.tasks), ("modality", described.streams)):
        for name, item in items.items():
            yield f"\n[{title}.{_key(name)}]"
            yield from _pairs(item, [each.name for each in fields(item) if each.name != "levels"])
            if levels := getattr(item, "levels", None):
                yield f"\n[{title}.{_key(name)}.levels]"
                yield from (f"{_key(column)} = {_value(each)}" for column, each in levels.items())


def _pairs(item: Any, names: Any) -> Iterator[str]:
    defaults = {each.name: each.default for each in fields(item)}
    for name in names:
        value = getattr(item, name)
        if value != defaults[name]:
            yield f"{name} = {_value(value)}"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    # A string of JSON is one of TOML but for DEL, and for surrogates, which no file name that is UTF-8 has.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
