"""Reads, checks and writes ``dataset.toml``."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmbench import DataError
from mmbench.builtin.datasets.folder.description import KINDS, MATCHES, TASKS, Description, Group, Stream, Target
from mmbench.builtin.datasets.folder.part_tables import PART_TABLES

FORMAT = 1


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
    groups = _parse_groups(found.pop("groups", None))
    split = _parse_group("split", found.pop("split")) if "split" in found else None
    described: Description = _make(Description, "", found)
    for name, task in tasks.items():
        _demand(task.kind in TASKS, f"task.{name}.kind is {task.kind!r}, not one of {', '.join(TASKS)}")
        _demand(bool(task.columns), f"task.{name}.columns is empty")
    for name, stream in streams.items():
        _check_stream(f"modality.{name}", stream, described.table)
    return Description(**{**vars(described), "split": split, "groups": groups, "tasks": tasks, "streams": streams})


def _parse_groups(found: Any) -> dict[str, Group] | None:
    if found is None:
        return None
    _demand(isinstance(found, dict), 'groups is not a table such as subject = "speaker"')
    return {name: _parse_group(f"groups.{name}", value) for name, value in found.items()}


def _parse_group(key: str, value: Any) -> Group:
    """A group of samples, or the split; ValueError where its pattern is not valid."""
    parts = {"from": value} if isinstance(value, str) else value
    fits = isinstance(parts, dict) and "from" in parts and parts.keys() <= {"from", "pattern"}
    if not (fits and all(isinstance(each, str) for each in parts.values())):
        raise ValueError(f'{key} is neither "COLUMN" nor {{from = "COLUMN", pattern = "(s[0-9]+)_"}}')
    group = Group(parts["from"], parts.get("pattern", ""))
    if group.pattern:
        group.expression  # noqa: B018  # raises ValueError
    return group


def _check_stream(at: str, stream: Stream, table: str) -> None:
    _demand(stream.kind in KINDS, f"{at}.kind is {stream.kind!r}, not one of {', '.join(KINDS)}")
    _demand(bool(stream.columns) != bool(stream.file), f"{at} needs either columns or file")
    _demand(stream.kind != "audio" or stream.rate is not None, f"{at} is audio without rate (Hz)")
    _demand(stream.kind != "image" or bool(stream.size) or bool(stream.file), f"{at} has no size")
    if stream.kind == "video":
        _demand(bool(stream.columns), f"{at} is video, which needs columns that name files")
        _demand(stream.rate is not None, f"{at} is video without rate (frames per second to take)")
        _demand(bool(stream.size), f"{at} has no size")
    _demand(not stream.may_be_constant or stream.kind == "timeseries", f"{at}.may_be_constant is for timeseries only")
    _demand(len(stream.size) in (0, 2), f"{at}.size is not [height, width]")
    _demand(stream.match in ("", *MATCHES), f"{at}.match is {stream.match!r}, not one of {', '.join(MATCHES)}")
    joined = stream.file == PART_TABLES
    _demand(not (joined and stream.offsets), f"{at}.offsets does not apply to arrays of parts: give them one length")
    _demand(not joined or bool(stream.array), f"{at} does not name its array in the files of the parts")
    if stream.file and stream.file != table and not stream.match:
        rest = 'write match = "order" if its rows are in the order of the table, "id" or "key" if it holds ids'
        raise ValueError(f"{at} does not say which row of {stream.file} belongs to which sample: {rest}")


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
    elif (found := _convert_single(value, wanted)) is not None:
        return found
    raise ValueError(f"{at} is {value!r:.60}, which is not valid here")


def _convert_single(value: Any, wanted: str) -> Any:
    """A number above 0, a bool or a text; None for what is not of the type."""
    if "bool" in wanted or isinstance(value, bool):
        return value if "bool" in wanted and isinstance(value, bool) else None
    if "float" in wanted:
        return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else None
    if "int" in wanted:
        return value if isinstance(value, int) and value > 0 else None
    return value if isinstance(value, str) else None


def write_description(described: Description) -> str:
    """The text of ``dataset.toml``, with comments for those who correct it."""
    return "\n".join(_lines(described)) + "\n"


def _lines(described: Description) -> Iterator[str]:
    yield "# What the files are. Correct it by hand; docs/how-to/own-data.md explains every key."
    yield f"format = {FORMAT}"
    yield from _pairs(described, ("name", "table", "tables", "id", "split", "missing", "ignore"))
    if described.groups is not None:
        yield "\n# Samples of one group are never in two parts of a split. Left empty: no groups."
        yield "[groups]"
        yield from (f"{_key(name)} = {_group(group)}" for name, group in described.groups.items())
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


def _group(group: Group) -> str:
    if not group.pattern:
        return _value(group.column)
    return f"{{from = {_value(group.column)}, pattern = {_value(group.pattern)}}}"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Group):
        return _group(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    # A string of JSON is one of TOML but for DEL, and for surrogates, which no file name that is UTF-8 has.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
