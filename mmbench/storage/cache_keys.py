"""Why something in the cache is not what is wanted: the parts of two keys, and what differs, in words."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.storage.checksums import read_footer

KeyParts = Mapping[str, Any]
"""What a key is the digest of. A component is a mapping with its ``name``."""

_DIGEST = re.compile(r"(.+-)?[0-9a-f]{16,}")  # with the name of a file before it
_MOST = 4  # differences told in a line


@dataclass(frozen=True)
class NearestEntry:
    """The one that is there and is most like what is wanted, and how it differs."""

    path: Path
    differences: tuple[str, ...]

    @property
    def line(self) -> str:
        """The differences, the first ones of many."""
        more = len(self.differences) - _MOST
        return "; ".join(self.differences[:_MOST]) + (f"; {more} more" if more > 0 else "")


def find_nearest_file(
    wanted: KeyParts, files: Iterable[Path], kin: Callable[[KeyParts], bool] = lambda parts: True
) -> NearestEntry | None:
    """Of sealed files, the one with the fewest differences to what is wanted; the newest of several.

    ``kin`` says which come into question.
    """
    seals = ((path, seal.made_from) for path in files if (seal := read_footer(path)))
    return find_nearest(wanted, ((path, parts) for path, parts in seals if kin(parts)))


def find_nearest(wanted: KeyParts, there: Iterable[tuple[Path, KeyParts]]) -> NearestEntry | None:
    """The one with the fewest differences to what is wanted; the newest of several."""
    found = [NearestEntry(path, tuple(key_differences(wanted, parts))) for path, parts in there]
    return min(found, key=lambda near: (len(near.differences), -near.path.stat().st_mtime_ns), default=None)


def key_differences(wanted: KeyParts, there: KeyParts) -> Iterator[str]:
    """What differs between the parts of two keys, each in a few words, from ``there`` to ``wanted``."""
    told = (_tell(path, wanted, there) for path in _differing((), wanted, there))
    yield from dict.fromkeys(told)  # a file that many units share is told once


def _differing(path: tuple[str, ...], wanted: Any, there: Any) -> Iterator[tuple[str, ...]]:
    if wanted == there:
        return
    if not (isinstance(wanted, Mapping) and isinstance(there, Mapping)):
        yield path
    elif path[-1:] != ("params",) and wanted.get("name") != there.get("name"):
        # Another component altogether differs in its code and parameters, too: the name says enough.
        yield (*path, "name")
    else:
        # Which modules differ is told with the code; keys did not always have them.
        for name in sorted({*wanted, *there} - ({"modules"} if "code" in wanted else set())):
            yield from _differing((*path, name), wanted.get(name), there.get(name))


def _at(parts: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        parts = parts.get(name) if isinstance(parts, Mapping) else None
    return parts


def _tell(path: tuple[str, ...], parts: KeyParts, other: KeyParts) -> str:
    wanted, there = _at(parts, path), _at(other, path)
    if path[0] == "sources":
        what = f"source file {path[2]}" if len(path) > 2 else f"unit {path[1]}"
        return f"{what} {_change(wanted, there)}"
    what = _call(path, parts)
    if path[-1] == "code" and wanted and there:
        return f"{what} {_tell_code(wanted, *(_at(each, (*path[:-1], 'modules')) for each in (parts, other)))}"
    if _is_opaque(wanted) or _is_opaque(there):
        return f"{what} {_change(wanted, there)}"
    return f"{what} {_show(there)} -> {_show(wanted)}"


def _tell_code(code: str, modules: Any, others: Any) -> str:
    """Which files of a component changed, where both keys tell them."""
    if code.startswith("unknown-"):
        return "cannot be known without running it"
    if not (isinstance(modules, Mapping) and isinstance(others, Mapping)):
        return "changed since"
    names = [name for name in sorted({*modules, *others}) if modules.get(name) != others.get(name)]
    told = [f"{name} {_change(modules.get(name), others.get(name))}" for name in names]
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f"changed since: {', '.join(told[:_MOST])}{more}" if told else "changed since"


def _call(path: tuple[str, ...], parts: KeyParts) -> str:
    """What a part is called: ``windows``, ``code of encoder swin``, ``lr of training``."""
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


def _change(wanted: Any, there: Any) -> str:
    if there is None:
        return "is new"
    return "is gone" if wanted is None else "changed"


def _is_opaque(value: Any) -> bool:
    """Whether a value tells people nothing: digests, and whole structures."""
    return isinstance(value, Mapping | list | tuple) or (isinstance(value, str) and bool(_DIGEST.fullmatch(value)))


def _show(value: Any) -> str:
    return "none" if value is None else str(value)
