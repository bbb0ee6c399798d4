"""What to beware of in a comparison, in the same words wherever it is shown."""

from collections.abc import Iterator
from typing import NamedTuple

from mmbench.data import missing_class_lines
from mmbench.reporting.terminal.trainings import say_settings
from mmbench.results import Comparison, UntrainedBaseline

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
    """Leaks that the run knows of, parts without a class, untrained baselines, and data that are simulated."""
    for group, share in comparison.run["straddling"].items():
        if share > 0:
            yield Warned("LEAK:", f"{share:.0%} of the test samples share their {group} with the training part.", True)
    if (copies := comparison.run.get("copies", 0.0)) >= _MATTERS:
        text = f"{copies:.0%} of the test samples are copies of samples in the training part, under other ids."
        yield Warned("LEAK:", text, True)
    for line in missing_class_lines(comparison.run.get("lacking", {}), comparison.run["folds"]):
        yield Warned("MISSING CLASS:", f"{line}.", False)
    for each in comparison.untrained:
        yield Warned("UNTRAINED:", _say_untrained(each, comparison), False)
    if comparison.simulated:
        yield Warned("SIMULATED data:", "these scores say nothing about people.", False)


def _say_untrained(each: UntrainedBaseline, comparison: Comparison) -> str:
    trainings = f"{each.trainings} of {each.of} trainings" if each.of > 1 else "its training"
    owner, settings = comparison.methods[0].name, say_settings(each.settings)
    return (
        f"{each.method} learnt next to nothing in {trainings}, with settings that it takes from {owner}: {settings}. "
        f"Run {each.method} by itself, or all with --tune: if it scores higher by other settings, the difference is "
        "one of training."
    )
