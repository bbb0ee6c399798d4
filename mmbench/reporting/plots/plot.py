"""What a plot is: a figure, what it is called, and the numbers that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plot:
    """A figure with all that a reader needs who does not see it.

    ``title`` names it, ``description`` says in a sentence or two how to read it. ``columns`` and ``rows`` are its data
    as a table, as texts, names first; ``names`` is the number of columns that hold names and no numbers. ``marks``
    tells by the gid of an artist what that artist shows.
    """

    figure: "Figure"
    title: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: Mapping[str, str]
    names: int = 1


class Marks:
    """Gives artists names by which a page finds them, and remembers what each shows."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def __call__(self, artist: Any, text: str) -> None:
        """Say what an artist shows."""
        gid = f"mark{len(self.told)}"
        artist.set_gid(gid)
        self.told[gid] = text
