"""A dataset of images in folders named like their classes, as FER-2013 and RAF-DB come."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError
from mmbench_datasets.image_folder.decode import read_square
from mmbench_datasets.image_folder.layout import Found, find_images
from mmbench_datasets.image_folder.people import Images, PersonOf, describe_assumption, find_people
from mmbench_datasets.image_folder.problems import find_problems

TASK, MODALITY = "class", "image"
_PER_UNIT = 500
_SIDES = (16, 1024)


class ImageFolder(Dataset):
    """Images in ``DIR/<class>/``, one sample each; ``DIR/train/<class>/``, ``DIR/test/<class>/`` are put together.

    ``size`` is the side in pixels of the square that the middle of every image is scaled to, ``crop`` how much of the
    shorter side that square takes: less than 1 where faces are small in the middle of photographs. ``person`` tells
    who is on an image, so that people can be held out whole: a regular expression with one group, searched in the
    file's name without its ending (``person=^(S[0-9]+)`` for ``S005_001.png``); ``auto`` takes the whole name where
    most names are in several classes and are no mere numbering, and says so; ``none`` where samples stand alone.
    """

    name = "image-folder"
    card: ClassVar[Card] = Card(
        title="A folder of images for each class",
        access="yours",
        licence="that of the images",
        url="your own folder",
        citation="cite where the images are from",
        request="give --data DIR, with the images in DIR/<class>/",
    )

    def __init__(self, *, size: int = 224, crop: float = 1.0, person: str | None = "auto") -> None:
        if not _SIDES[0] <= size <= _SIDES[1]:
            raise SpecError(f"size is {size}", where=self.name, remedy=f"give {_SIDES[0]} to {_SIDES[1]} pixels")
        if not 0 < crop <= 1:
            raise SpecError(f"crop is {crop}", where=self.name, remedy="give a share above 0, up to 1")
        _check_pattern(person)
        self.size = size
        self.crop = crop
        self.person = person
        self._seen: dict[Path, Found] = {}

    def schema(self) -> Schema:
        """The modality ``image``; classes, and whether people are told apart, only the files know."""
        groups = ("subject",) if self.person not in (None, "auto") else ()
        return Schema((Modality(MODALITY, "image", (3, self.size, self.size)),), {TASK: ()}, groups)

    def schema_of(self, root: Path) -> Schema:
        """With the names of the folders as classes, and ``subject`` where names of files tell it."""
        images = self._images(root)
        groups = ("subject",) if find_people(images, self.person) else ()
        return Schema(self.schema().modalities, {TASK: tuple(images)}, groups)

    def check(self, root: Path) -> list[Problem]:
        """Too few, empty or confusable classes, folders within classes, files that are no images, nameless people."""
        self._seen.pop(root, None)
        return list(find_problems(root, self._found(root), self.person))

    def contents(self, root: Path) -> Mapping[str, int]:
        """The number of images of each class."""
        return {name: len(paths) for name, paths in self._images(root).items()}

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files in the folders of classes whose names do not end like those of images, and copies of images."""
        return self._found(root).left_out

    def assumptions(self, root: Path) -> Sequence[str]:
        """Who the names of files are taken to tell, with ``person=auto``."""
        line = describe_assumption(self._images(root), self.person)
        return [line] if line else []

    def units(self, root: Path) -> list[str]:
        """Each class in stretches of 500 images: ``happy/0``, ``happy/1`` ..."""
        return [
            f"{name}/{at}" for name, paths in self._images(root).items() for at in range(-(-len(paths) // _PER_UNIT))
        ]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The images of the unit that are files; what is a link to nothing cannot be read."""
        unreadable = self._found(root).unreadable
        return [root / path for path in _stretch(self._images(root), unit) if path not in unreadable]

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The images of one stretch in the order of their names; an id is the path below ``root``."""
        images = self._images(root)
        person_of = find_people(images, self.person)
        label = list(images).index(_class_of(unit))
        for path in _stretch(images, unit):
            try:
                data = {MODALITY: [read_square(root / path, self.size, self.crop)]}
            except DataError as error:
                yield error
            else:
                yield Sample(path, {TASK: label}, data, _groups(person_of, path))

    def _images(self, root: Path) -> Images:
        return self._found(root).images

    def _found(self, root: Path) -> Found:
        """What was there when it was last checked: tens of thousands of names are not to be listed for each unit."""
        if root not in self._seen:
            self._seen[root] = find_images(root)
        return self._seen[root]


def _groups(person_of: PersonOf | None, path: str) -> dict[str, str]:
    return {"subject": person_of(path)} if person_of else {}


def _class_of(unit: str) -> str:
    return unit.rpartition("/")[0]


def _stretch(images: Images, unit: str) -> list[str]:
    start = int(unit.rpartition("/")[2]) * _PER_UNIT
    return list(images[_class_of(unit)][start : start + _PER_UNIT])


def _check_pattern(person: str | None) -> None:
    if person in (None, "auto"):
        return
    try:
        n_groups = re.compile(str(person)).groups
    except re.error as error:
        raise SpecError(
            f"{person!r} is no regular expression ({error})",
            where="image-folder[person]",
            remedy="write it as Python's re does, such as ^(S[0-9]+)",
        ) from error
    if n_groups != 1:
        raise SpecError(
            f"{person!r} has {n_groups} groups, not one",
            where="image-folder[person]",
            remedy="put what tells the person into one pair of round brackets, such as ^(S[0-9]+)",
        )
