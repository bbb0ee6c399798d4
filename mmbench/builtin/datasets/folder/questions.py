"""Answers of the user about files that nobody described, and the questions that are open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Answers:
    """What the user says: the column of the target, its kind, groups (None: not said), split, what to ignore.

    ``text`` are columns of free text; ``missing`` are texts of empty cells (None: not said); ``in_order``: arrays
    without ids have their rows in the order of the table.
    """

    target: str = ""
    task: str = ""
    groups: Mapping[str, str] | None = None
    split: str = ""
    ignore: Sequence[str] = ()
    text: Sequence[str] = ()
    missing: Sequence[str] | None = None
    in_order: bool = False


class Question(NamedTuple):
    """What only the user can say, and the answer: options of ``describe``, or what to change in the files."""

    text: str
    answer: str
