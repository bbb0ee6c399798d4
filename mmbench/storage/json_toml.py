"""Readers of JSON and TOML files; any error in a document raises ValueError."""

import json
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # all but tabs and newlines, and lone surrogates
_TOO_DEEP = "it is nested too deeply"
_MAX_SIZE = 1 << 16  # bytes of a TOML file: tomllib takes minutes for a megabyte of dots


@lru_cache(maxsize=1024)
def type_adapter(kind: Any) -> "TypeAdapter[Any]":
    """Pydantic's validator of values of a type, built once: building takes as long as validating a thousand files."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON document; ValueError also if it is nested too deeply or holds lone surrogates."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if "\\ud" in (text if isinstance(text, str) else text.decode("utf-8", "replace")).lower():
        # A lone surrogate is no character and can be written to no file or terminal.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def load_json(path: Path) -> Any:
    """The value in a JSON file; OSError, or ValueError as `parse_json`."""
    return parse_json(path.read_text(encoding="utf-8"))


def load_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; ValueError if it holds anything else."""
    value = load_json(path)
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}, not an object")
    return value


def check_printable(*values: Any) -> None:
    """Raise ValueError if a string within ``values`` holds control characters, which a terminal would obey."""
    pending = list(values)  # no recursion: they may be nested as deeply as JSON allows
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if not value.isprintable() and _CONTROL.search(value):
                raise ValueError(f"it has control characters, or bytes that are not UTF-8, in {value!r:.80}")
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, Mapping):
            pending += [*value, *value.values()]


def load_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; OSError, or ValueError also if it is nested too deeply or above 64 KiB."""
    if path.stat().st_size > _MAX_SIZE:
        raise ValueError(f"it is larger than {_MAX_SIZE >> 10} KiB")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write a byte order mark
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def describe_parse_error(error: Exception) -> str:
    """What is wrong with a document, in few words; of a pydantic error the first problem, with its location."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    return f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
