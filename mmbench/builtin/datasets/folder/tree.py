"""Folders of classes, ``class/file`` or ``part/class/file``, as a table: the layout of Hugging Face's ImageFolder."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mmbench import DataError
from mmbench.builtin.datasets.folder.tables import Table

FOLDERS = "folders"
"""What stands for the name of a table where folders are it."""
PARTS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation"}
PARTS |= {"val": "validation", "dev": "validation"}
PARTS |= dict.fromkeys(("test", "testing", "eval", "evaluation"), "test")
KINDS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg"), "audio"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), "video"),
    ".txt": "text",
    ".npy": "timeseries",
}
"""The kind of modality of a file by its suffix."""
_REMEDY = "write metadata.csv with the columns file_name and label"


@dataclass(frozen=True)
class Tree:
    """Files of classes: the ``table`` of them, and the reason for each other file that is ``left_out``, by path."""

    table: Table
    left_out: Mapping[str, str]


def find_class_folders(root: Path) -> list[str]:
    """The folders under ``root`` that hold files of a class, relative to it, with ``/``; empty if there are none."""
    found = []
    for folder in _folders(root):
        inside = _folders(root / folder)
        found += [folder] if _has_media(root / folder) else []
        found += [f"{folder}/{name}" for name in inside if _has_media(root / folder / name)]
    return found


def load_tree(root: Path) -> Tree:
    """The files of each class by path, with their labels and parts; DataError where that is not plain."""
    folders = find_class_folders(root)
    depths = {folder.count("/") for folder in folders}
    parts = {folder.partition("/")[0] for folder in folders if "/" in folder}
    _check_distinct_folders(root, folders)
    unknown = sorted(part for part in parts if part.lower() not in PARTS)
    if len(depths) > 1:
        flat, deep = (next(each for each in folders if each.count("/") == depth) for depth in (0, 1))
        message = f"has files in {flat} and in {deep}, which may be classes or parts"
        raise DataError(message, where=root, remedy="give all files one depth: class/file, or train/class/file")
    if unknown:
        message = f"has the folder {unknown[0]} with folders in it, which is not the name of a part"
        remedy = "call it train, validation or test, or move the folders of classes up"
        raise DataError(message, where=root, remedy=remedy)
    if not parts and all(folder.lower() in PARTS for folder in folders):
        message = f"has files in {' and '.join(folders[:2])}, which are parts, and no folders of classes in these"
        first = f"{folders[0]}/metadata.csv"
        remedy = f"move the files into {folders[0]}/CLASS/, or write {first} with file_name and label"
        raise DataError(message, where=root, remedy=remedy)
    check_distinct_parts(root, {part: PARTS[part.lower()] for part in sorted(parts)})
    paths, left_out = _sort_files(root, folders)
    kinds = Counter(KINDS[PurePosixPath(path).suffix.lower()] for path in paths)
    if len(kinds) > 1:
        listed = ", ".join(f"{n} of {kind}" for kind, n in kinds.items())
        raise DataError(f"holds files of several kinds in folders of classes: {listed}", where=root, remedy=_REMEDY)
    columns = {"file_name": paths, "label": [path.split("/")[-2] for path in paths]}
    if parts:
        columns["split"] = [PARTS[path.partition("/")[0].lower()] for path in paths]
    return Tree(Table(root, columns, len(paths), names=paths), left_out)


def _check_distinct_folders(root: Path, folders: Sequence[str]) -> None:
    """Raise DataError where two of the folders are one, by a link: its files would be in two classes or parts."""
    first: dict[Path, str] = {}
    for name in folders:
        other = first.setdefault((root / name).resolve(), name)
        if other != name:
            message = f"has the folders {other} and {name}, which are the same by a link"
            raise DataError(message, where=root, remedy="remove the link")


def check_distinct_parts(root: Path, parts: Mapping[str, str]) -> None:
    """Raise DataError where two folders or tables, the keys, are of one part."""
    first: dict[str, str] = {}
    for name, part in parts.items():
        if part in first:
            message = f"has {first[part]} and {name}, which are both the part {part}"
            raise DataError(message, where=root, remedy="put the samples of both into one")
        first[part] = name


def _sort_files(root: Path, folders: list[str]) -> tuple[list[str], dict[str, str]]:
    """The files of samples, and the reasons for the others in the folders of classes."""
    paths: list[str] = []
    left_out: dict[str, str] = {}
    for folder in folders:
        for entry in list_entries(root / folder):
            path = f"{folder}/{entry.name}"
            if entry.is_folder:
                left_out[path] = "is a folder in that of a class"
            elif _is_medium(entry.name):
                paths.append(path)
            else:
                left_out[path] = f"is not one of {', '.join(KINDS)}"
    return paths, left_out


def _folders(folder: Path) -> list[str]:
    return [entry.name for entry in list_entries(folder) if entry.is_folder]


def _has_media(folder: Path) -> bool:
    return any(_is_medium(entry.name) and not entry.is_folder for entry in list_entries(folder))


def _is_medium(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in KINDS


class Entry(NamedTuple):
    """What is in a folder: its name, and whether it is a folder or a link to one."""

    name: str
    is_folder: bool


def list_entries(folder: Path) -> list[Entry]:
    """What is in a folder and not hidden, by name, without links to this folder or to one above it."""
    with os.scandir(folder) as found:
        entries = sorted((each for each in found if not each.name.startswith((".", "__"))), key=lambda each: each.name)
    return [Entry(each.name, _is_folder(each)) for each in entries if not _is_loop(folder, each)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; False for a link to itself, of which ``is_dir`` raises OSError."""
    return Path(entry).is_dir() if entry.is_symlink() else entry.is_dir()


def _is_loop(folder: Path, entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and _is_folder(entry) and folder.resolve().is_relative_to(Path(entry).resolve())
