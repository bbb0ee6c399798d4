"""Warnings about a comparison: leaks, missing classes, untrained baselines, suspicious predictions, the data."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.text import Text

from mmbench.data import Protocol, missing_class_lines, parse_protocol
from mmbench.reporting.metric_names import targets_word
from mmbench.reporting.terminal.training_settings import format_settings
from mmbench.results import Comparison, UntrainedMethod

_ABOUT_DATA = ("LEAK:", "SHARED:", "DATA:", "SIMULATED data:")
"""Warnings about the splits and the data, which hold for every method."""
_LEAST_COPIES = 0.01  # share of the test samples; fewer copies change a score by less than 0.01


class ComparisonWarning(NamedTuple):
    """A keyword in capitals and a sentence; ``is_fault`` where scores are inflated."""

    word: str
    text: str
    is_fault: bool

    @property
    def line(self) -> str:
        """Keyword and sentence."""
        return f"{self.word} {self.text}"


def find_warnings(comparison: Comparison) -> Iterator[ComparisonWarning]:
    """Leaks, parts without a class, untrained baselines, suspicious predictions, notes on the data, simulated data."""
    protocol = parse_protocol(comparison.run["protocol"])
    for group, share in comparison.run["straddling"].items():
        if share > 0:
            by_design = protocol.spans(group)
            word = "SHARED:" if by_design else "LEAK:"
            yield ComparisonWarning(word, _describe_shared(group, share, protocol), not by_design)
    if (copies := comparison.run.get("copies", 0.0)) >= _LEAST_COPIES:
        text = f"{copies:.0%} of the test samples are copies of training samples under other ids; scores are inflated."
        yield ComparisonWarning("LEAK:", text, True)
    for line in missing_class_lines(comparison.run.get("lacking", {}), comparison.run["folds"]):
        yield ComparisonWarning(f"MISSING {targets_word(comparison.run).upper()}:", f"{line}.", False)
    for each in comparison.untrained:
        yield ComparisonWarning("UNTRAINED:", _describe_untrained(each, comparison), False)
    for name in dict.fromkeys(sign.method for sign in comparison.suspicions):
        signs = "; ".join(sign.text for sign in comparison.suspicions if sign.method == name)
        yield ComparisonWarning("SUSPICIOUS:", f"{name}: {signs}. Find out how it was made.", False)
    for note in comparison.data_notes:
        yield ComparisonWarning("DATA:", note, False)
    if comparison.simulated:
        yield ComparisonWarning("SIMULATED data:", "these scores say nothing about real data.", False)


def warning_mark(comparisons: Iterable[Comparison]) -> str:
    """The keywords of warnings about splits and data, to follow a name: `` (leak, simulated)``; "" without any."""
    words = {each.word for comparison in comparisons for each in find_warnings(comparison)}
    found = [word.split()[0].strip(":").lower() for word in _ABOUT_DATA if word in words]
    return f" ({', '.join(found)})" if found else ""


def merge_warnings(named: Iterable[tuple[str, Comparison]], only_data: bool = False) -> list[ComparisonWarning]:
    """The warnings about several comparisons, each line with the names of all that it holds for.

    With ``only_data`` those about the splits and the data.
    """
    names: dict[ComparisonWarning, dict[str, None]] = {}
    for name, comparison in named:
        for each in find_warnings(comparison):
            if not only_data or each.word in _ABOUT_DATA:
                names.setdefault(each, {})[name] = None
    merged = (each._replace(text=f"{', '.join(of)}: {each.text}") for each, of in names.items())
    return sorted(merged, key=lambda each: not each.is_fault)


def warning_text(warnings: Iterable[ComparisonWarning]) -> Text:
    """A line for each warning, faults in red, each after a line break."""
    text = Text()
    for each in warnings:
        text.append(f"\n{each.line}", style="bold red" if each.is_fault else "bold yellow")
    return text


def _describe_shared(group: str, share: float, protocol: Protocol) -> str:
    # A group that a declared split does not hold out, such as the sentence where speakers are held out, limits what
    # scores say; a trial on both sides is a mistake.
    is_limit = protocol.spans_subjects or protocol.spans(group)
    effect = f"do not hold for a new {group}" if is_limit else "are inflated"
    return f"{share:.0%} of the test samples share their {group} with the training part; scores {effect}."


def _describe_untrained(each: UntrainedMethod, comparison: Comparison) -> str:
    trainings = f"{each.trainings} of {each.of} trainings" if each.of > 1 else "its training"
    owner, settings = comparison.methods[0].name, format_settings(each.settings)
    if each.method == owner:
        return (
            f"{owner} did not learn in {trainings} with {settings}: differences may be due to training. Give it other "
            "settings, or run all methods with --tune."
        )
    return (
        f"{each.method} did not learn in {trainings} with the settings of {owner}: {settings}. The "
        f"difference may be due to training: run {each.method} with settings of its own, or all methods with --tune."
    )
