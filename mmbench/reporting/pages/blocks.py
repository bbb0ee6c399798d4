"""What a page is made of: sections of texts, tables and drawings, before any HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

from mmbench.reporting.terminal.warnings import Warned


@dataclass(frozen=True)
class Statement:
    """A sentence to be seen first."""

    text: str
    kind: ClassVar[str] = "statement"


@dataclass(frozen=True)
class Text:
    """A paragraph; ``quiet`` is for what explains."""

    text: str
    quiet: bool = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Lines:
    """Short remarks, a line each."""

    lines: Sequence[str]
    kind: ClassVar[str] = "lines"


@dataclass(frozen=True)
class Code:
    """What one types; ``label`` names it."""

    text: str
    label: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Table:
    """Rows of texts; the first ``names`` columns are no numbers. ``strong`` are the rows that stand out."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    strong: frozenset[int] = frozenset()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Drawn:
    """A plot as it stands in the page: its drawing, and its numbers as a table."""

    key: str
    title: str
    description: str
    svg: Markup
    table: Table
    kind: ClassVar[str] = "drawn"


@dataclass(frozen=True)
class Shot:
    """A small picture as a ``data:`` address, ``text`` for who does not see it, and a ``note`` beneath."""

    source: str
    text: str
    note: str
    strong: bool


@dataclass(frozen=True)
class Strip:
    """Pictures in a row, with what they are."""

    caption: str
    shots: Sequence[Shot]
    kind: ClassVar[str] = "strip"


@dataclass(frozen=True)
class Terms:
    """Names with what is to be said of each: pairs of what, and how it is."""

    caption: str
    items: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    kind: ClassVar[str] = "terms"


Block = Statement | Text | Lines | Code | Terms | Table | Drawn | Strip


@dataclass(frozen=True)
class Section:
    """A part of a page with its heading."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page with its heading and what stands under it."""

    title: str
    lead: str
    sections: Sequence[Section]
    warnings: Sequence[Warned] = field(default_factory=tuple)
