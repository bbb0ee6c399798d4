"""The dataset ``image-folder``: images in one folder per class, the layout of FER-2013 and RAF-DB."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.image_folder.decode import read_square
from mmbench_datasets.image_folder.layout import FolderContents, find_images
from mmbench_datasets.image_folder.people import Images, PersonOf, describe_assumption, find_people
from mmbench_datasets.image_folder.problems import find_problems

TASK, MODALITY = "class", "image"
_PER_UNIT = 500
_SIDES = (16, 1024)


class ImageFolder(Dataset):
    """Images in ``DIR/<class>/``, one sample each; ``DIR/train/<class>/``, ``DIR/test/<class>/`` are merged.

    The central square of each image is scaled to ``size`` pixels; ``crop`` is its share of the shorter side, less than
    1 where faces are small in the centre of photographs. ``person`` identifies the person on an image, so that people
    can be held out: a regular expression with one group, searched in the file name without suffix
    (``person=^(S[0-9]+)`` for ``S005_001.png``). ``auto`` takes the whole name where most names occur in several
    classes and are not just numbers in sequence, and reports that; ``none`` treats samples as independent.
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
        self._contents: dict[Path, FolderContents] = {}
        self._people: dict[Path, PersonOf | None] = {}

    def schema(self) -> Schema:
        """The modality ``image``; classes, and groups with ``person=auto``, depend on the files: ``schema_of``."""
        groups = ("subject",) if self.person not in (None, "auto") else ()
        return Schema((Modality(MODALITY, "image", (3, self.size, self.size)),), {TASK: Task("class", ())}, groups)

    def schema_of(self, root: Path) -> Schema:
        """The schema with the folder names as classes, and the group ``subject`` where file names identify people."""
        images = self._images(root)
        groups = ("subject",) if self._person_of(root) else ()
        return Schema(self.schema().modalities, {TASK: Task("class", tuple(images))}, groups)

    def check(self, root: Path) -> list[Problem]:
        """Too few, empty or confusable classes, nested folders, files that are not images, names without a person."""
        self._contents.pop(root, None)
        self._people.pop(root, None)
        return list(find_problems(root, self._found(root), self.person))

    def contents(self, root: Path) -> Mapping[str, int]:
        """Number of images by class."""
        return {name: len(paths) for name, paths in self._images(root).items()}

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files in class folders without the suffix of an image, and copies of images."""
        return self._found(root).left_out

    def assumptions(self, root: Path) -> Sequence[str]:
        """With ``person=auto``: whether file names are assumed to identify people."""
        line = describe_assumption(self._images(root), self.person)
        return [line] if line else []

    def units(self, root: Path) -> list[str]:
        """Each class in blocks of 500 images: ``happy/0``, ``happy/1`` ..."""
        return [
            f"{name}/{at}" for name, paths in self._images(root).items() for at in range(-(-len(paths) // _PER_UNIT))
        ]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The images of the unit, without broken links."""
        unreadable = self._found(root).unreadable
        return [root / path for path in _block(self._images(root), unit) if path not in unreadable]

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The images of one block by name; an id is the path below ``root``."""
        images = self._images(root)
        person_of = self._person_of(root)
        label = list(images).index(_class_of(unit))
        for path in _block(images, unit):
            try:
                data = {MODALITY: [read_square(root / path, self.size, self.crop)]}
            except DataError as error:
                yield error
            else:
                yield Sample(path, {TASK: label}, data, _groups(person_of, path))

    def _images(self, root: Path) -> Images:
        return self._found(root).images

    def _found(self, root: Path) -> FolderContents:
        """Contents of the folder, cached since the last check: listing tens of thousands of names is slow."""
        if root not in self._contents:
            self._contents[root] = find_images(root)
        return self._contents[root]

    def _person_of(self, root: Path) -> PersonOf | None:
        """As `find_people`, which compares all names, once for all units."""
        if root not in self._people:
            self._people[root] = find_people(self._images(root), self.person)
        return self._people[root]


def _groups(person_of: PersonOf | None, path: str) -> dict[str, str]:
    return {"subject": person_of(path)} if person_of else {}


def _class_of(unit: str) -> str:
    return unit.rpartition("/")[0]


def _block(images: Images, unit: str) -> list[str]:
    start = int(unit.rpartition("/")[2]) * _PER_UNIT
    return list(images[_class_of(unit)][start : start + _PER_UNIT])


def _check_pattern(person: str | None) -> None:
    if person in (None, "auto"):
        return
    try:
        n_groups = re.compile(str(person)).groups
    except re.error as error:
        raise SpecError(
            f"{person!r} is not a regular expression ({error})",
            where="image-folder[person]",
            remedy="use the syntax of Python's re, such as ^(S[0-9]+)",
        ) from error
    if n_groups != 1:
        raise SpecError(
            f"{person!r} has {n_groups} groups; exactly 1 is needed",
            where="image-folder[person]",
            remedy="put the part that identifies the person into one pair of parentheses, such as ^(S[0-9]+)",
        )
