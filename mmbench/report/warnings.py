"""What to beware of in a comparison, in the same words wherever it is shown."""

from collections.abc import Iterator
from typing import NamedTuple

from mmbench.comparison import Comparison

_MATTERS = 0.01  # of the test samples: fewer copies move no score by as much as a point


class Warned(NamedTuple):
    """A word in capitals and the sentence; ``is_fault`` where scores are inflated, and not only made up."""

    word: str
    text: str
    is_fault: bool

    @property
    def line(self) -> str:
        """All of it."""
        return f"{self.word} {self.text}"


def find_warnings(comparison: Comparison) -> Iterator[Warned]:
    """Test samples that share a trial with the training part or are copies of it, and data that are simulated."""
    for group, share in comparison.run["straddling"].items():
        if share > 0:
            yield Warned("LEAK:", f"{share:.0%} of the test samples share their {group} with the training part.", True)
    if (copies := comparison.run.get("copies", 0.0)) >= _MATTERS:
        text = f"{copies:.0%} of the test samples are copies of samples in the training part, under other ids."
        yield Warned("LEAK:", text, True)
    if comparison.simulated:
        yield Warned("SIMULATED data:", "these scores say nothing about people.", False)
