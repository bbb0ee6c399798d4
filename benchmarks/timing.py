"""Speed benchmarks: their definition, measurement in alternating rounds, and the table of results.

The contenders of a benchmark must return the same result. They run in turns, so that other load of the machine affects
all of them; a ratio is computed for each round and reported as median and range.
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


class ResultsDiffer(Exception):  # noqa: N818  # a result of a check, not an error of the program
    """Contenders return different results, so that nothing is timed."""


class Measured(NamedTuple):
    """Figures that a contender measured itself, by unit, and its result."""

    figures: Mapping[str, float]
    result: Any = None


@dataclass(frozen=True)
class Goal:
    """A bound on a figure of ``contender``, or with ``relative_to`` on its ratio to that of another contender.

    ``least`` and ``most`` are the bounds. ``text`` describes the goal. ``limit`` is the value of an indispensable part
    of the work alone, which its ``text`` names; it is reported if the goal is missed.
    """

    text: str
    contender: str
    relative_to: str | None = None
    unit: str = SECONDS
    least: float | None = None
    most: float | None = None
    limit: "Goal | None" = None

    def values(self, figures: Mapping[str, Mapping[str, Sequence[float]]]) -> list[float]:
        """The figure or ratio of each round."""
        values = list(figures[self.contender][self.unit])
        if self.relative_to is None:
            return values
        return [value / other for value, other in zip(values, figures[self.relative_to][self.unit], strict=True)]

    def is_reached(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def format(self, value: float) -> str:
        """A figure or ratio with its unit."""
        return show(value) + ("×" if self.relative_to else f" {self.unit}")


class Contenders(NamedTuple):
    """The function of each contender, called once per round.

    ``check`` gets the results of the warm-up by name and raises ResultsDiffer if they differ. ``about`` describes the
    work of a round.
    """

    runs: Mapping[str, Callable[[], Any]]
    check: Callable[[Mapping[str, Any]], None]
    about: str


class Benchmark(Protocol):
    """A module of ``speed``."""

    NAME: str
    TITLE: str
    GOALS: Sequence[Goal]

    def available(self) -> str | None:
        """Why the benchmark cannot run on this machine; None if it can."""

    def setup(self, folder: Path, quick: bool) -> AbstractContextManager[Contenders]:
        """Set up in an empty folder; a ``quick`` benchmark is too small for meaningful figures."""


@dataclass(frozen=True)
class Outcome:
    """Result of a benchmark: ``figures`` by contender and unit, one per round, or why there are none."""

    name: str
    about: str = ""
    figures: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    skipped: str | None = None
    failed: str | None = None


def run_benchmark(benchmark: Benchmark, folder: Path, rounds: int, quick: bool = False) -> Outcome:
    """Time the contenders in turns, after a warm-up in which their results must agree."""
    if why := benchmark.available():
        return Outcome(benchmark.NAME, skipped=why)
    with benchmark.setup(folder, quick) as contest:
        try:
            contest.check({name: measure(run).result for name, run in contest.runs.items()})
        except ResultsDiffer as error:
            return Outcome(benchmark.NAME, contest.about, failed=str(error))
        return Outcome(benchmark.NAME, contest.about, take_turns(contest.runs, rounds))


def take_turns(runs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """The figures of each contender by round; every second round is in reverse order."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in runs}
    names = list(runs)
    for number in range(rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            for unit, value in measure(runs[name]).figures.items():
                figures[name].setdefault(unit, []).append(value)
    return figures


def measure(run: Callable[[], Any]) -> Measured:
    """Run a contender: its result and figures, by default the seconds of the call."""
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    return result if isinstance(result, Measured) else Measured({SECONDS: seconds}, result)


def missing(*modules: str) -> str | None:
    """Names the modules that are not installed; None if all are."""
    from importlib.util import find_spec

    absent = [module for module in modules if find_spec(module) is None]
    return f"{', '.join(absent)} not installed (benchmarks/requirements.txt)" if absent else None


# The table


def table(benchmarks: Sequence[Benchmark], outcomes: Sequence[Outcome], command: str) -> str:
    """The content of ``RESULTS.md``."""
    pairs = list(zip(benchmarks, outcomes, strict=True))
    lines = [
        "# Speed benchmarks",
        "",
        f"Written by `{command}`. All data are simulated.",
        "Contenders run in turns, after a warm-up in which their results must agree. Ratios (×) are per round.",
        "Figures are the median over rounds and, in brackets, the range.",
        "",
        *(f"- {line}" for line in machine()),
        "",
        "| benchmark | goal | measured | reached |",
        "|---|---|---|---|",
        *(row for benchmark, outcome in pairs for row in goal_rows(benchmark, outcome)),
        "",
        "## Contenders",
        "",
        "| benchmark | contender | median | range |",
        "|---|---|---|---|",
        *(row for benchmark, outcome in pairs for row in figure_rows(benchmark, outcome)),
        "",
        "## Work of a round",
        "",
        *(f"- **{benchmark.TITLE}**: {outcome.about}." for benchmark, outcome in pairs if outcome.about),
    ]
    return "\n".join(lines) + "\n"


def goal_rows(benchmark: Benchmark, outcome: Outcome) -> Iterator[str]:
    """Rows of the table, one per goal of a benchmark."""
    for goal in benchmark.GOALS:
        if outcome.skipped:
            yield f"| {benchmark.TITLE} | {goal.text} | skipped: {outcome.skipped} | – |"
        elif outcome.failed:
            yield f"| {benchmark.TITLE} | {goal.text} | failed: {outcome.failed} | no |"
        else:
            values = goal.values(outcome.figures)
            middle = statistics.median(values)
            reported = f"{goal.format(middle)} [{show(min(values))}, {show(max(values))}]"
            reached = "yes" if goal.is_reached(middle) else f"no{limit_of(goal, outcome)}"
            yield f"| {benchmark.TITLE} | {goal.text} | {reported} | {reached} |"


def limit_of(goal: Goal, outcome: Outcome) -> str:
    """The value of the indispensable part of the work, if it was measured."""
    if goal.limit is None:
        return ""
    return f": {goal.limit.format(statistics.median(goal.limit.values(outcome.figures)))} {goal.limit.text}"


def figure_rows(benchmark: Benchmark, outcome: Outcome) -> Iterator[str]:
    """Rows of the table, one per contender and unit."""
    for contender, units in outcome.figures.items():
        for unit, values in units.items():
            middle, spread = show(statistics.median(values)), f"{show(min(values))}–{show(max(values))}"
            yield f"| {benchmark.TITLE} | {contender} | {middle} {unit} | {spread}, {len(values)} rounds |"


def show(value: float) -> str:
    """A number with three significant digits."""
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
    """Conditions of the measurement: processor, cores, system, versions, date and load of the machine."""
    return [
        f"{processor()}, {len(os.sched_getaffinity(0))} cores, {gpu() or 'no GPU'}",
        f"{platform.system()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {found}" for name in PACKAGES if (found := installed(name))),
        f"{datetime.now(UTC):%Y-%m-%d}; load average over 5 minutes at the end: {os.getloadavg()[1]:.1f}",
    ]


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu() -> str | None:
    """The name of the first GPU; None if there is none."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def installed(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
