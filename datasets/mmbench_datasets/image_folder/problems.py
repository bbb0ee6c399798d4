"""Checks of a folder of images: missing, misplaced and damaged files; only files without an end are decoded."""

import unicodedata
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path

from mmbench import DataError, Problem, check_content
from mmbench_datasets.image_folder.decode import read_square
from mmbench_datasets.image_folder.layout import STARTS_OF_ALL, FolderContents
from mmbench_datasets.image_folder.people import Images, find_people

# How files of a format begin, and what stands at their end: in a file that was cut off, it does not.
_ENDS = ((b"\xff\xd8\xff", b"\xff\xd9"), (b"\x89PNG", b"IEND\xaeB`\x82"))
_TAIL = 64  # bytes; after an end that lies before them, cameras or editors wrote more
_REMEDY = "replace the file, or remove it, or leave such samples out with --bad drop"


def find_problems(root: Path, found: FolderContents, pattern: str | None) -> Iterator[Problem]:
    """Too few, empty or confusable classes, nested folders, names without a person, files that are not images."""
    images = found.images
    if len(images) < 2:
        what = f"only the class {next(iter(images))!r}" if images else "no folder"
        yield Problem(str(root), f"holds {what}", "make one folder per class: DIR/<class>/*.jpg")
    for name, paths in images.items():
        if not paths:
            yield Problem(
                _first_folder(found, name), f"class {name!r} has no image", "remove the folder, or add images"
            )
    yield from _confusable(found)
    for inner in found.inner:
        remedy = "move the images into the class folders, or give --data the folder that holds the class folders"
        yield Problem(str(inner), "is a folder within a class folder, which is not read", remedy)
    for path in (path for paths in images.values() for path in paths):
        if why := find_image_problem(root / path):
            yield Problem(str(root / path), *why, concerns="sample")
    yield from _nameless(root, images, pattern)


def find_image_problem(path: Path) -> tuple[str, str] | None:
    """Problem and remedy if a file does not begin like an image, or has no end and cannot be decoded; else None."""
    if path.is_file():  # opening a pipe would block
        try:
            start, tail = _read_ends(path)
        except OSError as error:
            return f"cannot be read ({error.strerror})", "check its permissions and its disk"
        if start.startswith(STARTS_OF_ALL):
            return None if _has_end(start, tail) else _decode(path)
    try:
        check_content(path)
    except DataError as error:
        return error.message, f"{error.remedy}, or leave such samples out with --bad drop"
    return "is not an image, by its first bytes", _REMEDY


def _read_ends(path: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(0, file.seek(0, SEEK_END) - _TAIL))
        return start, file.read()


def _has_end(start: bytes, tail: bytes) -> bool:
    """Whether the end of its format is among the last bytes of a file; True for formats that have none."""
    return all(end in tail for begin, end in _ENDS if start.startswith(begin))


def _decode(path: Path) -> tuple[str, str] | None:
    """Problem and remedy if an image cannot be decoded; one with more bytes after its end can."""
    try:
        read_square(path, size=8)
    except DataError as error:
        return error.message, error.remedy or _REMEDY
    return None


def _confusable(found: FolderContents) -> Iterator[Problem]:
    """Classes whose names differ only in case, spaces or Unicode normalisation."""
    alike: dict[str, list[str]] = {}
    for name in found.images:
        alike.setdefault(" ".join(unicodedata.normalize("NFC", name).casefold().split()), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            listed = " and ".join(map(repr, names))
            message = f"the classes {listed} differ only in case, spaces or Unicode normalisation"
            yield Problem(_first_folder(found, names[0]), message, "use one name per class")


def _nameless(root: Path, images: Images, pattern: str | None) -> Iterator[Problem]:
    person_of = find_people(images, pattern)
    for path in (path for paths in images.values() for path in paths):
        try:
            if person_of:
                person_of(path)
        except DataError as error:
            yield Problem(str(root / path), error.message, error.remedy)
            return


def _first_folder(found: FolderContents, name: str) -> str:
    return next(str(folder) for each, folder in found.folders if each == name)
