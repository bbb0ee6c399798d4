"""Which images are in which class, and who is on them, from the names of folders and files alone."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mmbench import DataError, Problem

Images = Mapping[str, Sequence[str]]  # class to the paths of its images below the root, sorted
PersonOf = Callable[[str], str]  # path of an image below the root to the person's name

PARTS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
# How files begin that may be images, by their ending: cheap to look at, unlike an image.
STARTS: Mapping[str, tuple[bytes, ...]] = {
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".png": (b"\x89PNG",),
    ".bmp": (b"BM",),
    ".webp": (b"RIFF",),
    ".gif": (b"GIF8",),
    ".tif": (b"II", b"MM"),
    ".tiff": (b"II", b"MM"),
    ".pgm": (b"P2", b"P5"),
    ".ppm": (b"P3", b"P6"),
}


def find_images(root: Path) -> Images:
    """The classes under ``root`` in order (1, 2, 10 as numbers), each with its images; those of all parts together."""
    found: dict[str, list[str]] = {}
    for name, folder in _class_folders(root):
        images = (file for file in _entries(folder) if file.is_file() and is_image(file.name))
        found.setdefault(name, []).extend(Path(file).relative_to(root).as_posix() for file in images)
    return {name: sorted(found[name]) for name in sorted(found, key=_natural)}


def find_people(images: Images, pattern: str | None) -> PersonOf | None:
    """Who is on an image, by the name of its file; None where names do not tell.

    ``pattern`` is a regular expression with one group, searched in the file's stem. With ``auto`` the stem is the
    person if most stems are in several classes, as in ``neutral/001.jpg`` and ``smiling/001.jpg``, unless the
    classes merely count their files.
    """
    if pattern is None or (pattern == "auto" and not _stems_are_people(images)):
        return None
    if pattern == "auto":
        return _stem
    expression = re.compile(pattern)
    return lambda path: _matched(expression, path)


def find_problems(root: Path, pattern: str | None) -> Iterator[Problem]:
    """What is missing, misplaced or no image, without decoding any."""
    images = find_images(root)
    if len(images) < 2:
        found = f"only the class {next(iter(images))!r}" if images else "no folder"
        yield Problem(str(root), f"holds {found}", "have a folder for each class in it: DIR/<class>/*.jpg")
    for name, paths in images.items():
        if not paths:
            yield Problem(_first_folder(root, name), f"class {name!r} has no image", "remove the folder, or fill it")
    for _, folder in _class_folders(root):
        for inner in _folders(folder):
            remedy = "put the images into the folders of the classes themselves, or give --data a folder further down"
            yield Problem(inner.path, "is a folder in the folder of a class, and would not be read", remedy)
    for path in (path for paths in images.values() for path in paths):
        if not _begins_well(root / path):
            yield Problem(str(root / path), "is no image, or damaged", "replace the file, or remove it")
    yield from _nameless(root, images, pattern)


def is_image(name: str) -> bool:
    """Whether a file's name ends as that of an image."""
    return PurePosixPath(name).suffix.lower() in STARTS and not name.startswith(".")


def _nameless(root: Path, images: Images, pattern: str | None) -> Iterator[Problem]:
    person_of = find_people(images, pattern)
    for path in (path for paths in images.values() for path in paths):
        try:
            if person_of:
                person_of(path)
        except DataError as error:
            yield Problem(str(root / path), error.message, error.remedy)
            return


def _class_folders(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Names and folders of the classes: those in ``root``, or in the parts of a dataset that comes cut up."""
    folders = _folders(root)
    are_parts = bool(folders) and all(folder.name.lower() in PARTS for folder in folders)
    for folder in folders:
        inside = _folders(folder) if are_parts else [folder]
        yield from ((inner.name, inner) for inner in inside)


def _folders(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    return [entry for entry in _entries(folder) if entry.is_dir() and not entry.name.startswith((".", "__"))]


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _first_folder(root: Path, name: str) -> str:
    return next(folder.path for found, folder in _class_folders(root) if found == name)


def _natural(name: str) -> tuple[bool, int, str]:
    number = name.isdecimal()
    return not number, int(name) if number else 0, name


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _stems_are_people(images: Images) -> bool:
    stems = [{_stem(path) for path in paths} for paths in images.values()]
    n_classes = Counter(stem for names in stems for stem in names)
    shared = sum(count > 1 for count in n_classes.values())
    return 2 * shared > len(n_classes) and not _merely_counted(stems)


def _merely_counted(stems: Sequence[set[str]]) -> bool:
    """Whether each class numbers its files from 0 or 1 without a gap, and to another end: no names of people."""
    numbers = [sorted(int(re.sub(r"\D+", "", stem) or -1) for stem in names) for names in stems]
    without_gap = all(counted == list(range(counted[0], counted[0] + len(counted))) for counted in numbers if counted)
    from_start = all(counted[0] in (0, 1) for counted in numbers if counted)
    return without_gap and from_start and len({len(counted) for counted in numbers}) > 1


def _matched(expression: re.Pattern[str], path: str) -> str:
    found = expression.search(_stem(path))
    if not found or not found[1]:
        raise DataError(
            f"its name does not tell the person by {expression.pattern!r}",
            where=path,
            remedy="mend image-folder[person=...], or give person=none",
        )
    return found[1]


def _begins_well(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(STARTS_OF_ALL)
    except OSError:
        return False


# Many a collection has a PNG named .jpg; what decodes is as good.
STARTS_OF_ALL = tuple({start for starts in STARTS.values() for start in starts})
