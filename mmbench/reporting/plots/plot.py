"""A plot: a figure with its title, its description and its data as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plot:
    """A figure with a text alternative for readers who do not see it.

    ``description`` says in a sentence or two how to read it. ``columns`` and ``rows`` are its data
    as a table, as texts, names first; ``names`` is the number of columns that hold names and no numbers. ``marks``
    are the labels of its artists by their gid.
    """

    figure: "Figure"
    title: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: Mapping[str, str]
    names: int = 1


class Marks:
    """Labels of artists, by the gid that a page finds them by."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, artist: Any, text: str) -> None:
        """Label an artist."""
        gid = f"mark{len(self.texts)}"
        artist.set_gid(gid)
        self.texts[gid] = text
