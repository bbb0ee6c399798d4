"""Who is on an image, from the names of files alone, and what is assumed where these do not say it."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from mmbench import DataError

Images = Mapping[str, Sequence[str]]  # class to the paths of its images below the root, sorted
PersonOf = Callable[[str], str]  # path of an image below the root to the person's name

_DENSE = 0.9  # of the numbers from the first to the last: from here on they are an order


def find_people(images: Images, pattern: str | None) -> PersonOf | None:
    """Who is on an image, by the name of its file; None where names do not tell.

    ``pattern`` is a regular expression with one group, searched in the file's stem. With ``auto`` the stem is the
    person if most stems are in several classes, as in ``neutral/ann.jpg`` and ``smiling/ann.jpg``, unless they are
    numbers that merely count the files of each class.
    """
    if pattern is None or (pattern == "auto" and (not _recur(images) or _order(images))):
        return None
    if pattern == "auto":
        return _stem
    expression = re.compile(pattern)
    return lambda path: _matched(expression, path)


def describe_assumption(images: Images, pattern: str | None) -> str | None:
    """What ``auto`` takes the names of files for, and how to say otherwise; None where the user says it."""
    if pattern != "auto":
        return None
    if not _recur(images):
        return (
            "people: not known, so one may be in training and test; "
            "where names of files tell them: image-folder[person=PATTERN]"
        )
    if span := _order(images):
        return (
            f"people: not known; the numbers {span[0]}-{span[1]} in the names recur in several classes and are taken "
            "for an order; if they are people: image-folder[person=(.*)]"
        )
    n_names = len({_stem(path) for paths in images.values() for path in paths})
    return (
        f"people: {n_names}, assumed from names of files that recur in several classes; "
        "if they are not people: image-folder[person=none]"
    )


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _recur(images: Images) -> bool:
    """Whether most names are in several classes."""
    n_classes = Counter(stem for paths in images.values() for stem in {_stem(path) for path in paths})
    return 2 * sum(count > 1 for count in n_classes.values()) > len(n_classes)


def _order(images: Images) -> tuple[int, int] | None:
    """The first and the last number where names are numbers that count files, nearly without a gap; None: names.

    Numbers of people who took part have gaps, and the same ones in each class.
    """
    numbers = {re.sub(r"\D+", "", _stem(path)) for paths in images.values() for path in paths}
    if "" in numbers:
        return None
    found = {int(number) for number in numbers if len(number) < 16}  # what is longer counts nothing
    low, high = min(found, default=0), max(found, default=0)
    return (low, high) if len(found) >= _DENSE * (high - low + 1) and len(found) > 1 else None


def _matched(expression: re.Pattern[str], path: str) -> str:
    found = expression.search(_stem(path))
    if not found or not found[1]:
        raise DataError(
            f"its name does not tell the person by {expression.pattern!r}",
            where=path,
            remedy="mend image-folder[person=...], or give person=none",
        )
    return found[1]
