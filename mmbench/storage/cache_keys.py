"""Differences between cache keys, in words: why an entry of the cache cannot be used."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.storage.checksum_footer import read_footer

KeyParts = Mapping[str, Any]
"""The values that a cache key is the digest of. A component is a mapping with its ``name``."""

_DIGEST = re.compile(r"(.+-)?[0-9a-f]{16,}")  # possibly behind a file name
_MAX_LISTED = 4  # differences listed in a line


@dataclass(frozen=True)
class NearestEntry:
    """The entry of the cache nearest to the wanted key, and how its key differs."""

    path: Path
    differences: tuple[str, ...]

    @property
    def line(self) -> str:
        """The first differences on one line, and how many more there are."""
        more = len(self.differences) - _MAX_LISTED
        return "; ".join(self.differences[:_MAX_LISTED]) + (f"; {more} more" if more > 0 else "")


def find_nearest_file(
    wanted: KeyParts, files: Iterable[Path], is_candidate: Callable[[KeyParts], bool] = lambda parts: True
) -> NearestEntry | None:
    """Of the files with a footer, the one whose key has the fewest differences to ``wanted``; the newest of several.

    ``is_candidate`` selects the keys to compare with.
    """
    keys = ((path, footer.made_from) for path in files if (footer := read_footer(path)))
    return find_nearest(wanted, ((path, parts) for path, parts in keys if is_candidate(parts)))


def find_nearest(wanted: KeyParts, entries: Iterable[tuple[Path, KeyParts]]) -> NearestEntry | None:
    """Of ``entries``, the one whose key has the fewest differences to ``wanted``; the newest of several."""
    found = [NearestEntry(path, tuple(key_differences(wanted, parts))) for path, parts in entries]
    return min(found, key=lambda near: (len(near.differences), -near.path.stat().st_mtime_ns), default=None)


def key_differences(wanted: KeyParts, found: KeyParts) -> Iterator[str]:
    """The differences between two keys, each in a few words, from ``found`` to ``wanted``."""
    lines = (_describe(path, wanted, found) for path in _differing((), wanted, found))
    yield from dict.fromkeys(lines)  # a file that many units share is listed once


def _differing(path: tuple[str, ...], wanted: Any, found: Any) -> Iterator[tuple[str, ...]]:
    if wanted == found:
        return
    if not (isinstance(wanted, Mapping) and isinstance(found, Mapping)):
        yield path
    elif path[-1:] != ("params",) and wanted.get("name") != found.get("name"):
        # Another component also has other code and parameters: its name is enough.
        yield (*path, "name")
    else:
        # Modules are listed with the code; keys of older versions lack them.
        for name in sorted({*wanted, *found} - ({"modules"} if "code" in wanted else set())):
            yield from _differing((*path, name), wanted.get(name), found.get(name))


def _at(parts: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        parts = parts.get(name) if isinstance(parts, Mapping) else None
    return parts


def _describe(path: tuple[str, ...], parts: KeyParts, other: KeyParts) -> str:
    wanted, found = _at(parts, path), _at(other, path)
    if path[0] == "sources":
        what = f"source file {path[2]}" if len(path) > 2 else f"unit {path[1]}"
        return f"{what} {_change(wanted, found)}"
    what = _label(path, parts)
    if path[-1] == "code" and wanted and found:
        return f"{what} {_describe_code(wanted, *(_at(each, (*path[:-1], 'modules')) for each in (parts, other)))}"
    if _is_opaque(wanted) or _is_opaque(found):
        return f"{what} {_change(wanted, found)}"
    return f"{what} {_show(found)} -> {_show(wanted)}"


def _describe_code(code: str, modules: Any, others: Any) -> str:
    """Which files of a component changed, if both keys list them."""
    if code.startswith("unknown-"):
        return "cannot be determined without running it"
    if not (isinstance(modules, Mapping) and isinstance(others, Mapping)):
        return "changed since"
    names = [name for name in sorted({*modules, *others}) if modules.get(name) != others.get(name)]
    changes = [f"{name} {_change(modules.get(name), others.get(name))}" for name in names]
    more = f" and {len(changes) - _MAX_LISTED} more" if len(changes) > _MAX_LISTED else ""
    return f"changed since: {', '.join(changes[:_MAX_LISTED])}{more}" if changes else "changed since"


def _label(path: tuple[str, ...], parts: KeyParts) -> str:
    """The label of a part: ``windows``, ``code of encoder swin``, ``lr of training``."""
    if path[-2:-1] == ("params",):
        return path[-1]
    owner = _at(parts, path[:-1])
    if isinstance(owner, Mapping) and "name" in owner:
        return f"{path[-1]} of {_kind(path[:-1])} {owner['name']}" if path[-1] != "name" else _kind(path[:-1])
    if path[-2:-1] == ("files",):
        return f"file of {path[-1]}"
    if path == ("prepared",):
        return "prepared data"
    return path[-1] if len(path) == 1 else f"{path[-1]} of {path[-2]}"


def _kind(path: tuple[str, ...]) -> str:
    return f"{path[0].removesuffix('s')} of {path[-1]}" if len(path) > 1 else path[0]


def _change(wanted: Any, found: Any) -> str:
    if found is None:
        return "is new"
    return "is gone" if wanted is None else "changed"


def _is_opaque(value: Any) -> bool:
    """Whether a value means nothing to people: a digest or a whole structure."""
    return isinstance(value, Mapping | list | tuple) or (isinstance(value, str) and bool(_DIGEST.fullmatch(value)))


def _show(value: Any) -> str:
    return "none" if value is None else str(value)
