"""Notes beside prepared files: of which folder of the user each is, and what its inventory told."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mmbench.storage import KeyParts, ignore_unwritable, key_digest, load_object, locked, write_text

PREPARED_FOLDERS = "folders.json"
INVENTORIES = "inventories.json"


def note_prepared(cache: Path, root: Path, prepared: Path) -> None:
    """Remember that a prepared file is of the folder ``root``; nothing if the cache cannot be written."""
    path = cache / PREPARED_FOLDERS
    with ignore_unwritable(), locked(path):
        known = _load(path)
        mine = known.setdefault(str(root.resolve()), [])
        if prepared.name not in mine:
            mine.append(prepared.name)
            write_text(path, json.dumps(known) + "\n")


def find_prepared_of(cache: Path, root: Path) -> list[Path]:
    """The prepared files of a folder that still exist."""
    names = _load(cache / PREPARED_FOLDERS).get(str(root.resolve()), [])
    return [path for name in names if (path := cache / "prepared" / name).is_file()]


def recall_inventory(
    cache: Path, prepared: Path, follows_from: KeyParts, take: Callable[[], Sequence[str]]
) -> Sequence[str]:
    """The lines of an inventory, which follow from some values: noted for a prepared file, or taken now and noted.

    An inventory may read every file of a dataset. Lines of prepared files that no longer exist are forgotten.
    """
    path, key = cache / INVENTORIES, key_digest(follows_from)
    with suppress(KeyError):
        noted, *lines = _load(path)[prepared.name]
        if noted == key:
            return lines
    lines = [*take()]
    with ignore_unwritable(), locked(path):
        known = {name: noted for name, noted in _load(path).items() if (prepared.parent / name).is_file()}
        write_text(path, json.dumps({**known, prepared.name: [key, *lines]}) + "\n")
    return lines


def _load(path: Path) -> dict[str, list[str]]:
    """Lists of texts by name; empty where the file is missing or damaged, which loses only messages and time."""
    with suppress(OSError, ValueError):
        found = load_object(path)
        if all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in found.values()):
            return found
    return {}
