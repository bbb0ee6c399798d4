"""Identifies the person on an image by the file name, and describes what is assumed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from mmbench import DataError

Images = Mapping[str, Sequence[str]]  # class to the paths of its images below the root, sorted
PersonOf = Callable[[str], str]  # path of an image below the root to the person's name

_DENSE = 0.9  # share of used numbers between first and last, from which numbers count as a sequence


def find_people(images: Images, pattern: str | None) -> PersonOf | None:
    """A function from the path of an image to the name of the person; None if file names do not identify people.

    ``pattern`` is a regular expression with one group, searched in the stem of the file name. With ``auto`` the stem is
    the person if most stems occur in several classes, as in ``neutral/ann.jpg`` and ``smiling/ann.jpg``, unless stems
    are numbers in sequence within each class.
    """
    if pattern is None or (pattern == "auto" and (not _recur(images) or _order(images))):
        return None
    if pattern == "auto":
        return _stem
    expression = re.compile(pattern)
    return partial(_matched, expression)


def describe_assumption(images: Images, pattern: str | None) -> str | None:
    """What ``auto`` assumes of file names, and how to override it; None without ``auto``."""
    if pattern != "auto":
        return None
    if not _recur(images):
        return (
            "people: unknown, so images of one person may be in training and test; "
            "where file names identify people: image-folder[person=PATTERN]"
        )
    if span := _order(images):
        return (
            f"people: unknown; the numbers {span[0]}-{span[1]} recur in several classes and are assumed to "
            "count files; if they are people: image-folder[person=(.*)]"
        )
    n_names = len({_stem(path) for paths in images.values() for path in paths})
    return (
        f"people: {n_names}, assumed from file names that recur in several classes; "
        "if they are not people: image-folder[person=none]"
    )


def _stem(path: str) -> str:
    """As `PurePosixPath.stem`, which takes ten times as long for the names of a large folder."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def _recur(images: Images) -> bool:
    """Whether most names occur in several classes."""
    n_classes = Counter(stem for paths in images.values() for stem in {_stem(path) for path in paths})
    return 2 * sum(count > 1 for count in n_classes.values()) > len(n_classes)


def _order(images: Images) -> tuple[int, int] | None:
    """First and last number where names are numbers in sequence, nearly without gaps; None otherwise.

    Numbers of participants have gaps, the same in each class.
    """
    numbers = {re.sub(r"\D+", "", _stem(path)) for paths in images.values() for path in paths}
    if "" in numbers:
        return None
    found = {int(number) for number in numbers if len(number) < 16}  # longer numbers do not count files
    low, high = min(found, default=0), max(found, default=0)
    return (low, high) if len(found) >= _DENSE * (high - low + 1) and len(found) > 1 else None


def _matched(expression: re.Pattern[str], path: str) -> str:
    found = expression.search(_stem(path))
    if not found or not found[1]:
        raise DataError(
            f"has a name in which {expression.pattern!r} finds no person",
            where=path,
            remedy="correct image-folder[person=...], or use person=none",
        )
    return found[1]
