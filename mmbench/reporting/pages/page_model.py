"""Content of a page before HTML: sections of texts, tables, plots and images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

from mmbench.reporting.pair_matrix import PairMatrix
from mmbench.reporting.terminal.warnings import ComparisonWarning


@dataclass(frozen=True)
class Statement:
    """The main statement of a page."""

    text: str
    kind: ClassVar[str] = "statement"


@dataclass(frozen=True)
class Text:
    """A paragraph; ``quiet`` for explanations."""

    text: str
    quiet: bool = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Lines:
    """Short remarks as a list."""

    lines: Sequence[str]
    kind: ClassVar[str] = "lines"


@dataclass(frozen=True)
class Code:
    """A command; ``label`` names it for screen readers."""

    text: str
    label: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Drawing:
    """A drawing of characters, whose lines are not wrapped, and a ``narrow`` one for phones.

    ``label`` names it for screen readers.
    """

    text: str
    narrow: str
    label: str
    kind: ClassVar[str] = "drawing"


@dataclass(frozen=True)
class Table:
    """Rows of texts; the first ``names`` columns hold names, the others numbers. ``strong`` are the rows in bold."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    strong: frozenset[int] = frozenset()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class PlotBlock:
    """A plot as inline SVG, with its data as a table."""

    key: str
    title: str
    description: str
    svg: Markup
    table: Table
    kind: ClassVar[str] = "plot"


@dataclass(frozen=True)
class Thumbnail:
    """A small image as a ``data:`` URL with its alternative ``text`` and a ``note`` beneath."""

    source: str
    text: str
    note: str
    strong: bool


@dataclass(frozen=True)
class ImageRow:
    """Images in a row with a caption."""

    caption: str
    thumbnails: Sequence[Thumbnail]
    kind: ClassVar[str] = "images"


@dataclass(frozen=True)
class Definitions:
    """A list of terms, each with pairs of a property and its value."""

    caption: str
    items: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    kind: ClassVar[str] = "definitions"


@dataclass(frozen=True)
class MatrixBlock:
    """Methods compared with each other as a matrix with a ``note``, and each pair with its interval as a table."""

    caption: str
    matrix: PairMatrix
    note: str
    table: Table
    kind: ClassVar[str] = "matrix"


Block = Statement | Text | Lines | Code | Drawing | Definitions | Table | PlotBlock | ImageRow | MatrixBlock


@dataclass(frozen=True)
class Section:
    """A section of a page with its heading; ``key`` is its anchor."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page with its heading, lead, warnings and sections."""

    title: str
    lead: str
    sections: Sequence[Section]
    warnings: Sequence[ComparisonWarning] = field(default_factory=tuple)
