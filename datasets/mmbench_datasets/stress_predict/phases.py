"""Phases of a session: runs of seconds with one class."""

from dataclasses import dataclass

CLASSES = ("rest", "stress")


@dataclass(frozen=True)
class Phase:
    """``seconds`` of one class from the Unix time ``start``; ``number`` counts the phases of a person from 1."""

    number: int
    label: int
    start: int
    seconds: int

    @property
    def name(self) -> str:
        """``p1-rest``, ``p2-stress``, ..."""
        return f"p{self.number}-{CLASSES[self.label]}"
