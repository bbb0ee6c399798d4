"""What a race is, how it is run in turns, and how its figures become a table.

A race names its competitors and what they have to give alike. They take turns, round after round, so that whatever else
the machine does falls on all of them; the ratio is that of each round, told as its median and its range.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

LEAST_ROUNDS = 5
SECONDS = "s"


class Differs(Exception):  # noqa: N818  # no error of the program, but what a check found
    """Competitors do not give the same: there is nothing to time."""


class Measured(NamedTuple):
    """What a competitor measured itself, by unit, and what it gave."""

    figures: Mapping[str, float]
    result: Any = None


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure of ``way``, or with ``per`` how many times that of another competitor it is.

    ``least`` and ``most`` bound it. ``text`` is the goal in words. ``limit`` is what a part that cannot be
    left out would reach alone, its ``text`` names that part; it is told where the goal is missed.
    """

    text: str
    way: str
    per: str | None = None
    unit: str = SECONDS
    least: float | None = None
    most: float | None = None
    limit: "Goal | None" = None

    def values(self, figures: Mapping[str, Mapping[str, Sequence[float]]]) -> list[float]:
        """The figure of each round, or the ratio of each."""
        values = list(figures[self.way][self.unit])
        if self.per is None:
            return values
        return [value / other for value, other in zip(values, figures[self.per][self.unit], strict=True)]

    def is_reached(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def tell(self, value: float) -> str:
        """A figure or ratio with its unit."""
        return show(value) + ("×" if self.per else f" {self.unit}")


class Field(NamedTuple):
    """Competitors at the start: each is called once a round. ``check`` gets what each gave in the warm-up, by name.

    It raises Differs where they do not agree. ``about`` tells the work of a round.
    """

    ways: Mapping[str, Callable[[], Any]]
    check: Callable[[Mapping[str, Any]], None]
    about: str


class Race(Protocol):
    """One module of ``races``."""

    NAME: str
    TITLE: str
    GOALS: Sequence[Goal]

    def available(self) -> str | None:
        """Why the race cannot be held here; None where it can."""

    def enter(self, folder: Path, quick: bool) -> AbstractContextManager[Field]:
        """Make ready, in an empty folder; a ``quick`` race is so small that its figures mean nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of a race: ``figures`` by competitor and unit, one a round; or why there are none."""

    name: str
    about: str = ""
    figures: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    skipped: str | None = None
    refused: str | None = None


def hold(race: Race, folder: Path, rounds: int, quick: bool = False) -> Outcome:
    """Let the competitors of a race take turns, after a warm-up in which they have to agree."""
    if why := race.available():
        return Outcome(race.NAME, skipped=why)
    with race.enter(folder, quick) as course:
        try:
            course.check({name: measure(way).result for name, way in course.ways.items()})
        except Differs as error:
            return Outcome(race.NAME, course.about, refused=str(error))
        return Outcome(race.NAME, course.about, take_turns(course.ways, rounds))


def take_turns(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """The figures of each competitor, round by round; every other round they go the other way about."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(ways):
            for unit, value in measure(ways[name]).figures.items():
                figures[name].setdefault(unit, []).append(value)
    return figures


def measure(way: Callable[[], Any]) -> Measured:
    """Call a competitor: what it gave, and how long that took where it has not measured itself."""
    start = time.perf_counter()
    result = way()
    seconds = time.perf_counter() - start
    return result if isinstance(result, Measured) else Measured({SECONDS: seconds}, result)


def missing(*modules: str) -> str | None:
    """Why a race without these modules cannot be held; None where all are installed."""
    from importlib.util import find_spec

    lacking = [module for module in modules if find_spec(module) is None]
    return f"{', '.join(lacking)} not installed (benchmarks/requirements.txt)" if lacking else None


# The table


def table(races: Sequence[Race], outcomes: Sequence[Outcome], command: str) -> str:
    """The whole of ``RESULTS.md``."""
    pairs = list(zip(races, outcomes, strict=True))
    lines = [
        "# Races",
        "",
        f"Written by `{command}`. All data are simulated.",
        "Competitors take turns, after a warm-up in which they have to give the same; a ratio (×) is one a round.",
        "Told are the median over the rounds and, in brackets, the least and the most.",
        "",
        *(f"- {line}" for line in machine()),
        "",
        "| race | goal | measured | reached |",
        "|---|---|---|---|",
        *(row for race, outcome in pairs for row in goal_rows(race, outcome)),
        "",
        "## What each took",
        "",
        "| race | competitor | median | range |",
        "|---|---|---|---|",
        *(row for race, outcome in pairs for row in figure_rows(race, outcome)),
        "",
        "## What a round is",
        "",
        *(f"- **{race.TITLE}**: {outcome.about}." for race, outcome in pairs if outcome.about),
    ]
    return "\n".join(lines) + "\n"


def goal_rows(race: Race, outcome: Outcome) -> Iterator[str]:
    """A line of the table for each goal of a race."""
    for goal in race.GOALS:
        if outcome.skipped:
            yield f"| {race.TITLE} | {goal.text} | skipped: {outcome.skipped} | – |"
        elif outcome.refused:
            yield f"| {race.TITLE} | {goal.text} | refused: {outcome.refused} | no |"
        else:
            values = goal.values(outcome.figures)
            middle = statistics.median(values)
            told = f"{goal.tell(middle)} [{show(min(values))}, {show(max(values))}]"
            reached = "yes" if goal.is_reached(middle) else f"no{limit_of(goal, outcome)}"
            yield f"| {race.TITLE} | {goal.text} | {told} | {reached} |"


def limit_of(goal: Goal, outcome: Outcome) -> str:
    """What stands in the way of a goal, where that was measured."""
    if goal.limit is None:
        return ""
    return f": {goal.limit.tell(statistics.median(goal.limit.values(outcome.figures)))} {goal.limit.text}"


def figure_rows(race: Race, outcome: Outcome) -> Iterator[str]:
    """A line of the table for each competitor and unit."""
    for way, units in outcome.figures.items():
        for unit, values in units.items():
            middle, spread = show(statistics.median(values)), f"{show(min(values))}–{show(max(values))}"
            yield f"| {race.TITLE} | {way} | {middle} {unit} | {spread}, {len(values)} rounds |"


def show(value: float) -> str:
    """A number with three digits that count."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


PACKAGES = (
    "mmbench",
    "torch",
    "numpy",
    "scipy",
    "timm",
    "torcheeg",
    "moabb",
    "transformers",
    "lmdb",
    "opencv-python-headless",
)


def machine() -> list[str]:
    """What the figures depend on: processor, cores, system, versions, the day, and what else the machine did."""
    return [
        f"{processor()}, {len(os.sched_getaffinity(0))} cores, {gpu() or 'no GPU'}",
        f"{platform.system()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {found}" for name in PACKAGES if (found := installed(name))),
        f"{datetime.now(UTC):%Y-%m-%d}; at the end {os.getloadavg()[1]:.1f} processes wanted a core, over 5 minutes",
    ]


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu() -> str | None:
    """The name of the first GPU; None where there is none."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def installed(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
