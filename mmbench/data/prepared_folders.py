"""Remembers the prepared files of each folder of the user: folders share one dataset name."""

import json
from contextlib import suppress
from pathlib import Path

from mmbench.storage import ignore_read_only, load_object, locked, write_text

PREPARED_FOLDERS = "folders.json"


def note_prepared(cache: Path, root: Path, prepared: Path) -> None:
    """Remember that a prepared file is of the folder ``root``; nothing if the cache cannot be written."""
    path = cache / PREPARED_FOLDERS
    with ignore_read_only(), locked(path):
        known = _load(path)
        mine = known.setdefault(str(root.resolve()), [])
        if prepared.name not in mine:
            mine.append(prepared.name)
            write_text(path, json.dumps(known) + "\n")


def find_prepared_of(cache: Path, root: Path) -> list[Path]:
    """The prepared files of a folder that still exist."""
    names = _load(cache / PREPARED_FOLDERS).get(str(root.resolve()), [])
    return [path for name in names if (path := cache / "prepared" / name).is_file()]


def _load(path: Path) -> dict[str, list[str]]:
    """The names of prepared files by folder; empty where the file is missing or damaged, which loses only messages."""
    with suppress(OSError, ValueError):
        found = load_object(path)
        if all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in found.values()):
            return found
    return {}
