"""``mmbench cache``: list the cache, mark entries that current code would not use, and clean it."""

import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mmbench.data import INVENTORIES, MEMORY_FOLDER, PREPARED_FOLDERS, STORE_FORMAT
from mmbench.errors import SpecError
from mmbench.registry import Registry, Spec, find_code, load_registry
from mmbench.storage import (
    DAMAGED_SUFFIX,
    ChecksumFooter,
    KeyParts,
    Timeout,
    hold_exclusively,
    is_in_use,
    is_lock_held,
    is_stale,
    key_differences,
    key_digest,
    lock_for,
    read_footer,
    storage_errors,
)

Kind = Literal["prepared", "unit", "tokens", "block", "damaged", "left over", "memory", "files"]
State = Literal["current", "outdated", "not known"]
_KEY = r"[0-9a-f]{16}"
# File names of mmbench; no other file in the folder is listed or removed.
_NAMES: Mapping[Kind, tuple[str, re.Pattern[str]]] = {
    "prepared": ("prepared", re.compile(rf"[^.].*-{_KEY}\.h5")),
    "unit": ("prepared", re.compile(rf"\..+-{_KEY}\.unit\.h5")),
    "tokens": ("tokens", re.compile(rf"[^.].*-{_KEY}\.h5")),
    "block": ("tokens", re.compile(rf"\..+-{_KEY}\.\d+\.npy")),
}
_DAMAGED = re.compile(rf".+-{_KEY}\.(unit\.)?h5{re.escape(DAMAGED_SUFFIX)}")
_PART = re.compile(rf"\.part-(?:[0-9a-f]{{8}}){{1,2}}-(\.?.+-{_KEY}\.(?:h5|unit\.h5|\d+\.npy))")
_MEMORY = re.compile(rf"[^.].*-{_KEY}")
_DIGESTS = "digests.json"  # digests of files
_DIAGNOSIS_FOLDER = re.compile(r"\.tokens-\w+")  # of an interrupted diagnosis
_LEFT = "temporary, of an interrupted or running process"


@dataclass(frozen=True)
class CacheEntry:
    """An entry of the cache; ``state`` and ``why`` say whether current code would use it.

    ``size`` is in bytes, ``age`` in seconds since it was written.
    """

    path: Path
    kind: Kind
    what: str
    size: int
    age: float
    state: State = "not known"
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "path": str(self.path)}


@dataclass(frozen=True)
class CleanedCache:
    """Entries that were (or would be) removed, and entries kept because a process uses them."""

    removed: tuple[CacheEntry, ...]
    kept: tuple[CacheEntry, ...]


def list_cache(cache: Path, plugins: tuple[str, ...] = ()) -> list[CacheEntry]:
    """All entries of the cache that mmbench wrote, by kind and name.

    ``plugins`` are plugin files, whose datasets and encoders are then known.
    """
    registry = load_registry(plugins)
    entries = [_find_state(entry, registry) for entry in _find(cache, registry)]
    outdated = {_key(entry) for entry in entries if entry.kind == "prepared" and entry.state == "outdated"}
    return [_mark_outdated(entry, outdated) for entry in entries]


def clean_cache(
    cache: Path,
    *,
    older_than: float | None = None,
    unused: bool = False,
    everything: bool = False,
    dry_run: bool = False,
    plugins: tuple[str, ...] = (),
) -> CleanedCache:
    """Remove temporary and damaged files, and other entries as chosen; entries in use are kept.

    ``older_than`` chooses entries older than this in days, ``unused`` those that current code would not use, both
    together those that are both; ``everything`` all. Files of datasets are kept.
    """
    if older_than is not None and older_than < 0:
        raise SpecError(f"{older_than} is negative", where="--older-than", remedy="give a number of days")
    chosen = [entry for entry in list_cache(cache, plugins) if _is_chosen(entry, older_than, unused, everything)]
    with storage_errors(cache):
        in_use = is_in_use(cache)
    removed = [entry for entry in chosen if not in_use and _remove(entry, dry_run)]
    return CleanedCache(tuple(removed), tuple(entry for entry in chosen if entry not in removed))


def _is_chosen(entry: CacheEntry, older_than: float | None, unused: bool, everything: bool) -> bool:
    if entry.kind == "files":
        return False
    if entry.kind in ("damaged", "left over") or everything:
        return True
    old = older_than is None or entry.age > older_than * 86400
    return old and (entry.state == "outdated" if unused else older_than is not None)


def _remove(entry: CacheEntry, dry_run: bool) -> bool:
    """Remove an entry unless its lock is held; returns whether it was (or would be) removed."""
    with storage_errors(entry.path), ExitStack() as stack:
        if is_stale(entry.path.name) and not stack.enter_context(hold_exclusively(entry.path.parent)):
            return False
        for lock in (lock_for(path) for path in _find_locked_files(entry.path)):
            if dry_run and is_lock_held(lock):
                return False
            try:
                stack.enter_context(lock)
            except Timeout:
                return False
        if not dry_run:
            shutil.rmtree(entry.path) if entry.path.is_dir() else entry.path.unlink(missing_ok=True)
    return True


def _find_locked_files(path: Path) -> Iterator[Path]:
    """Files whose locks are held while ``path`` is written."""
    name = path.name.removesuffix(DAMAGED_SUFFIX)
    if part := _PART.fullmatch(name):
        name = part[1]
    if is_stale(name):
        return  # written without a lock
    if _NAMES["block"][1].fullmatch(name):
        name = f"{name[1:].rsplit('.', 2)[0]}.h5"
    if _NAMES["unit"][1].fullmatch(name):
        # Of any prepared file it may belong to.
        stem = name[1:].rsplit("-", 1)[0]
        yield from (lock.with_name(lock.name[1:-5]) for lock in path.parent.glob(f".{stem}-*.h5.lock"))
    elif not path.is_dir() or _MEMORY.fullmatch(name):
        yield path.with_name(name)


def _find(cache: Path, registry: Registry) -> Iterator[CacheEntry]:
    for kind, (folder, pattern) in _NAMES.items():
        for path in sorted((cache / folder).glob("*")):
            if pattern.fullmatch(path.name) and not _PART.fullmatch(path.name) and path.is_file():
                footer = _read_complete_footer(path)
                yield _make_entry(path, kind, _describe(footer.made_from, registry) if footer else path.name)
    for path in sorted([*(cache / "prepared").glob("*"), *(cache / "tokens").glob("*")]):
        if _DAMAGED.fullmatch(path.name):
            yield _make_entry(path, "damaged", path.name.removesuffix(DAMAGED_SUFFIX))
        elif _PART.fullmatch(path.name) or (_DIAGNOSIS_FOLDER.fullmatch(path.name) and path.is_dir()):
            yield _make_entry(path, "left over", _LEFT)
    notes = (_DIGESTS, PREPARED_FOLDERS, INVENTORIES)
    for path in sorted(path for name in notes for path in cache.glob(f".part-*-{name}")):
        if is_stale(path.name):
            yield _make_entry(path, "left over", _LEFT)
    yield from _find_memory(cache / MEMORY_FOLDER)
    yield from (
        _make_entry(path, "files", f"a dataset's files: {path.name}") for path in sorted((cache / "data").glob("*"))
    )


def _find_memory(folder: Path) -> Iterator[CacheEntry]:
    """Data that were in memory (`mmbench.from_arrays`); without a description, their writing was interrupted."""
    for path in sorted(folder.glob("*")):
        if _MEMORY.fullmatch(path.name) and path.is_dir():
            whole = any(path.glob("*/dataset.toml"))
            what = f"data from memory: {path.name.rsplit('-', 1)[0]}"
            yield _make_entry(path, "memory", what) if whole else _make_entry(path, "left over", _LEFT)


def _make_entry(path: Path, kind: Kind, what: str) -> CacheEntry:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files)
    return CacheEntry(path, kind, what, size, max(0.0, time.time() - path.stat().st_mtime))


def _read_complete_footer(path: Path) -> ChecksumFooter | None:
    """The checksum footer of a file; None if it is missing, damaged or incomplete."""
    footer = read_footer(path)
    return footer if footer and _is_complete(footer.made_from) else None


def _is_complete(parts: KeyParts) -> bool:
    """Whether the parts of a key are complete and of the right types."""
    is_dataset = "dataset" in parts
    component = parts.get("dataset" if is_dataset else "encoder")
    if not isinstance(component, dict) or not isinstance(component.get("params"), dict):
        return False
    texts = (
        [component.get("name")] if is_dataset else [component.get("name"), parts.get("modality"), parts.get("torch")]
    )
    known = isinstance(parts.get("sources"), dict | list) if is_dataset else isinstance(parts.get("prepared"), str)
    return known and "format" in parts and all(isinstance(text, str) for text in texts)


def _describe(parts: KeyParts, registry: Registry) -> str:
    """Description of a file: component with parameters, as on the command line."""
    if "dataset" in parts:
        units = list(parts["sources"])
        of = f" {units[0]}" if len(units) == 1 else f", {len(units)} units"
        return f"{_spec('datasets', parts['dataset'], registry)}{of}"
    noise = f", {parts['snr_db']} dB" if "snr_db" in parts else ""
    return f"{parts['modality']} with {_spec('encoders', parts['encoder'], registry)}{noise}"


def _spec(kind: str, component: Mapping[str, Any], registry: Registry) -> str:
    """A component with its non-default parameters."""
    name, params = component["name"], component["params"]
    defaults = registry.bound(kind, Spec(name)) if name in getattr(registry, kind) else {}
    return str(Spec(name, {key: value for key, value in params.items() if defaults.get(key, ...) != value}))


def _find_state(entry: CacheEntry, registry: Registry) -> CacheEntry:
    if entry.kind not in _NAMES:
        return entry
    footer = _read_complete_footer(entry.path)
    if footer is None:
        return replace(entry, state="outdated", why="incomplete, damaged or of another version")
    current = _current_parts(footer.made_from, registry)
    if current is None:
        return replace(entry, why="its component is in no loaded plugin")
    changed = list(key_differences(current, {name: footer.made_from[name] for name in current}))
    return replace(entry, state="outdated" if changed else "current", why="; ".join(changed))


def _current_parts(parts: KeyParts, registry: Registry) -> dict[str, Any] | None:
    """The parts of a key that current code determines; None if the component is not installed.

    Parts that follow from files or weights are not included.
    """
    kind = "dataset" if "dataset" in parts else "encoder"
    known: Mapping[str, Any] = registry.datasets if kind == "dataset" else registry.encoders
    component = parts[kind]
    if component["name"] not in known:
        return None
    cls = known[component["name"]].component
    current = {kind: {**component, "version": cls.version, **find_code(cls).described()}, "format": STORE_FORMAT}
    return current if kind == "dataset" else {**current, "torch": _torch_version()}


def _torch_version() -> str:
    import torch

    return torch.__version__


def _key(entry: CacheEntry) -> str:
    footer = _read_complete_footer(entry.path)
    return key_digest(footer.made_from) if footer else ""


def _mark_outdated(entry: CacheEntry, outdated: Collection[str]) -> CacheEntry:
    footer = (
        _read_complete_footer(entry.path) if entry.kind in ("tokens", "block") and entry.state == "current" else None
    )
    if footer is None or footer.made_from["prepared"] not in outdated:
        return entry
    return replace(entry, state="outdated", why="of prepared data that are outdated")


def total_size(entries: Sequence[CacheEntry]) -> int:
    """Total size of entries in bytes."""
    return sum(entry.size for entry in entries)
