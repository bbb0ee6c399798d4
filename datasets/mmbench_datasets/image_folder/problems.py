"""What is missing, misplaced or damaged in a folder of images, without decoding any."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from mmbench import DataError, Problem, check_content
from mmbench_datasets.image_folder.layout import STARTS_OF_ALL, Found, class_folders, folders
from mmbench_datasets.image_folder.people import Images, find_people

_REMEDY = "replace the file, or remove it, or leave such samples out with --bad drop"


def find_problems(root: Path, found: Found, pattern: str | None) -> Iterator[Problem]:
    """Too few, empty or confusable classes, folders within classes, nameless people, files that are no images."""
    images = found.images
    if len(images) < 2:
        what = f"only the class {next(iter(images))!r}" if images else "no folder"
        yield Problem(str(root), f"holds {what}", "have a folder for each class in it: DIR/<class>/*.jpg")
    for name, paths in images.items():
        if not paths:
            yield Problem(_first_folder(root, name), f"class {name!r} has no image", "remove the folder, or fill it")
    yield from _confusable(root, images)
    for _, folder in class_folders(root):
        for inner in folders(folder):
            remedy = "put the images into the folders of the classes themselves, or give --data a folder further down"
            yield Problem(inner.path, "is a folder in the folder of a class, and would not be read", remedy)
    for path in (path for paths in images.values() for path in paths):
        if why := why_no_image(root / path):
            yield Problem(str(root / path), *why, concerns="sample")
    yield from _nameless(root, images, pattern)


def why_no_image(path: Path) -> tuple[str, str] | None:
    """Why a file cannot be an image by its first bytes, and what to do; None where they are those of one."""
    try:
        if path.is_file():  # opening a pipe would wait for ever
            with path.open("rb") as file:
                if file.read(4).startswith(STARTS_OF_ALL):
                    return None
    except OSError:
        pass
    try:
        check_content(path)
    except DataError as error:
        return error.message, f"{error.remedy}, or leave such samples out with --bad drop"
    return "does not begin like an image", _REMEDY


def _confusable(root: Path, images: Images) -> Iterator[Problem]:
    """Classes whose names differ in nothing but case, blanks or the way in which accents are coded."""
    alike: dict[str, list[str]] = {}
    for name in images:
        alike.setdefault(" ".join(unicodedata.normalize("NFC", name).casefold().split()), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            told = " and ".join(map(repr, names))
            message = f"the classes {told} differ only in case, blanks or the coding of accents"
            yield Problem(_first_folder(root, names[0]), message, "give one class one name")


def _nameless(root: Path, images: Images, pattern: str | None) -> Iterator[Problem]:
    person_of = find_people(images, pattern)
    for path in (path for paths in images.values() for path in paths):
        try:
            if person_of:
                person_of(path)
        except DataError as error:
            yield Problem(str(root / path), error.message, error.remedy)
            return


def _first_folder(root: Path, name: str) -> str:
    return next(folder.path for found, folder in class_folders(root) if found == name)
