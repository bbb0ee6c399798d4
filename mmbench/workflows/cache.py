"""``mmbench cache``: what is in the folder of caches, whether the code of today would use it, and cleaning it."""

import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mmbench.data import STORE_FORMAT
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

Kind = Literal["prepared", "unit", "tokens", "block", "damaged", "left over", "files"]
State = Literal["current", "outdated", "not known"]
_KEY = r"[0-9a-f]{16}"
# What mmbench names its files; nothing else in the folder is listed or touched.
_NAMES: Mapping[Kind, tuple[str, re.Pattern[str]]] = {
    "prepared": ("prepared", re.compile(rf"[^.].*-{_KEY}\.h5")),
    "unit": ("prepared", re.compile(rf"\..+-{_KEY}\.unit\.h5")),
    "tokens": ("tokens", re.compile(rf"[^.].*-{_KEY}\.h5")),
    "block": ("tokens", re.compile(rf"\..+-{_KEY}\.\d+\.npy")),
}
_DAMAGED = re.compile(rf".+-{_KEY}\.(unit\.)?h5{re.escape(DAMAGED_SUFFIX)}")
_PART = re.compile(rf"\.part-(?:[0-9a-f]{{8}}){{1,2}}-(\.?.+-{_KEY}\.(?:h5|unit\.h5|\d+\.npy))")
_DIGESTS = "digests.json"  # what is known of files, beside the folders
_DIAGNOSIS_FOLDER = re.compile(r"\.tokens-\w+")  # of a diagnosis that was killed
_LEFT = "of a process that was killed, or is at work"


@dataclass(frozen=True)
class CacheEntry:
    """One thing in the cache. ``state`` and ``why`` say whether the code of today would use it.

    ``size`` in bytes, ``age`` in seconds since it was written.
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
    """What was removed, or would be, and what could not be since a process is at work on it."""

    removed: tuple[CacheEntry, ...]
    kept: tuple[CacheEntry, ...]


def list_cache(cache: Path, plugins: tuple[str, ...] = ()) -> list[CacheEntry]:
    """Everything in the folder of caches that mmbench wrote, by kind and name.

    ``plugins`` are the files whose datasets and encoders are known, too.
    """
    registry = load_registry(plugins)
    items = [_find_state(item, registry) for item in _find(cache, registry)]
    gone = {_key(item) for item in items if item.kind == "prepared" and item.state == "outdated"}
    return [_mark_outdated(item, gone) for item in items]


def clean_cache(
    cache: Path,
    *,
    older_than: float | None = None,
    unused: bool = False,
    everything: bool = False,
    dry_run: bool = False,
    plugins: tuple[str, ...] = (),
) -> CleanedCache:
    """Remove what was left over or set aside, and what else is asked for; what a process is at work on stays.

    ``older_than`` takes what is older, in days, ``unused`` what the code of today would not use, both together what is
    either way; ``everything`` all. The datasets' own files stay.
    """
    if older_than is not None and older_than < 0:
        raise SpecError(f"{older_than} is too few", where="--older-than", remedy="give a number of days")
    chosen = [item for item in list_cache(cache, plugins) if _is_chosen(item, older_than, unused, everything)]
    with storage_errors(cache):
        busy = is_in_use(cache)
    removed = [item for item in chosen if not busy and _remove(item, dry_run)]
    return CleanedCache(tuple(removed), tuple(item for item in chosen if item not in removed))


def _is_chosen(item: CacheEntry, older_than: float | None, unused: bool, everything: bool) -> bool:
    if item.kind == "files":
        return False
    if item.kind in ("damaged", "left over") or everything:
        return True
    old = older_than is None or item.age > older_than * 86400
    return old and (item.state == "outdated" if unused else older_than is not None)


def _remove(item: CacheEntry, dry_run: bool) -> bool:
    """Remove an item unless its lock is held; whether that was done, or would be."""
    with storage_errors(item.path), ExitStack() as stack:
        if is_stale(item.path.name) and not stack.enter_context(hold_exclusively(item.path.parent)):
            return False
        for lock in (lock_for(path) for path in _find_locked_files(item.path)):
            if dry_run and is_lock_held(lock):
                return False
            try:
                stack.enter_context(lock)
            except Timeout:
                return False
        if not dry_run:
            shutil.rmtree(item.path) if item.path.is_dir() else item.path.unlink(missing_ok=True)
    return True


def _find_locked_files(path: Path) -> Iterator[Path]:
    """The files whose locks are held while ``path`` is written."""
    name = path.name.removesuffix(DAMAGED_SUFFIX)
    if part := _PART.fullmatch(name):
        name = part[1]
    if is_stale(name):
        return  # nobody locks what it is written for
    if _NAMES["block"][1].fullmatch(name):
        name = f"{name[1:].rsplit('.', 2)[0]}.h5"
    if _NAMES["unit"][1].fullmatch(name):
        # Whichever prepared file it is made for.
        stem = name[1:].rsplit("-", 1)[0]
        yield from (lock.with_name(lock.name[1:-5]) for lock in path.parent.glob(f".{stem}-*.h5.lock"))
    elif not path.is_dir():
        yield path.with_name(name)


def _find(cache: Path, registry: Registry) -> Iterator[CacheEntry]:
    for kind, (folder, pattern) in _NAMES.items():
        for path in sorted((cache / folder).glob("*")):
            if pattern.fullmatch(path.name) and not _PART.fullmatch(path.name) and path.is_file():
                seal = _read_seal(path)
                yield _make_entry(path, kind, _describe(seal.made_from, registry) if seal else path.name)
    for path in sorted([*(cache / "prepared").glob("*"), *(cache / "tokens").glob("*")]):
        if _DAMAGED.fullmatch(path.name):
            yield _make_entry(path, "damaged", path.name.removesuffix(DAMAGED_SUFFIX))
        elif _PART.fullmatch(path.name) or (_DIAGNOSIS_FOLDER.fullmatch(path.name) and path.is_dir()):
            yield _make_entry(path, "left over", _LEFT)
    for path in sorted(cache.glob(f".part-*-{_DIGESTS}")):
        if is_stale(path.name):
            yield _make_entry(path, "left over", _LEFT)
    yield from (
        _make_entry(path, "files", f"a dataset's files: {path.name}") for path in sorted((cache / "data").glob("*"))
    )


def _make_entry(path: Path, kind: Kind, what: str) -> CacheEntry:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files)
    return CacheEntry(path, kind, what, size, max(0.0, time.time() - path.stat().st_mtime))


def _read_seal(path: Path) -> ChecksumFooter | None:
    """The seal of a file; None where there is none that is whole, or that tells what a file of today would."""
    seal = read_footer(path)
    return seal if seal and _is_complete(seal.made_from) else None


def _is_complete(parts: KeyParts) -> bool:
    """Whether the parts of a key are there, and of their kinds."""
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
    """What a file holds, as one would ask for it."""
    if "dataset" in parts:
        units = list(parts["sources"])
        of = f" {units[0]}" if len(units) == 1 else f", {len(units)} units"
        return f"{_spec('datasets', parts['dataset'], registry)}{of}"
    noise = f", {parts['snr_db']} dB" if "snr_db" in parts else ""
    return f"{parts['modality']} with {_spec('encoders', parts['encoder'], registry)}{noise}"


def _spec(kind: str, component: Mapping[str, Any], registry: Registry) -> str:
    """A component with those of its parameters that are not the defaults of today."""
    name, params = component["name"], component["params"]
    defaults = registry.bound(kind, Spec(name)) if name in getattr(registry, kind) else {}
    return str(Spec(name, {key: value for key, value in params.items() if defaults.get(key, ...) != value}))


def _find_state(item: CacheEntry, registry: Registry) -> CacheEntry:
    if item.kind not in _NAMES:
        return item
    seal = _read_seal(item.path)
    if seal is None:
        return replace(item, state="outdated", why="not finished, damaged or of another version")
    today = _current_parts(seal.made_from, registry)
    if today is None:
        return replace(item, why="no plugin that is loaded has it")
    changed = list(key_differences(today, {name: seal.made_from[name] for name in today}))
    return replace(item, state="outdated" if changed else "current", why="; ".join(changed))


def _current_parts(parts: KeyParts, registry: Registry) -> dict[str, Any] | None:
    """The parts of a key that follow from the code of today; None where it has no such component.

    What follows from files or weights is left as it was.
    """
    kind = "dataset" if "dataset" in parts else "encoder"
    known: Mapping[str, Any] = registry.datasets if kind == "dataset" else registry.encoders
    component = parts[kind]
    if component["name"] not in known:
        return None
    cls = known[component["name"]].component
    today = {kind: {**component, "version": cls.version, **find_code(cls).described()}, "format": STORE_FORMAT}
    return today if kind == "dataset" else {**today, "torch": _torch_version()}


def _torch_version() -> str:
    import torch

    return torch.__version__


def _key(item: CacheEntry) -> str:
    seal = _read_seal(item.path)
    return key_digest(seal.made_from) if seal else ""


def _mark_outdated(item: CacheEntry, gone: Collection[str]) -> CacheEntry:
    seal = _read_seal(item.path) if item.kind in ("tokens", "block") and item.state == "current" else None
    if seal is None or seal.made_from["prepared"] not in gone:
        return item
    return replace(item, state="outdated", why="of prepared data that are outdated")


def total_size(items: Sequence[CacheEntry]) -> int:
    """Bytes of some items together."""
    return sum(item.size for item in items)
