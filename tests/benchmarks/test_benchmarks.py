"""The races of ``benchmarks/``: the arithmetic of the runner, and that races are held at all. Nothing is timed here."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import bench
import pytest
from racing import Differs, Field, Goal, Measured, Outcome, hold, missing, table, take_turns

REPOSITORY = Path(__file__).parents[2]
# Those that need no peer, no GPU and no network of millions of weights.
ALONE = ("training",)


class FakeRace:
    """Two competitors whose figures are known."""

    NAME = "fake"
    TITLE = "fake race"
    GOALS = (
        Goal("at least 3 times as fast", "slow", "quick", least=3),
        Goal("at most 1 s", "quick", most=1),
    )

    def __init__(self, why_not: str | None = None, results: tuple[int, int] = (1, 1)) -> None:
        self.why_not, self.results = why_not, results
        self.calls: list[str] = []

    def available(self) -> str | None:
        return self.why_not

    @contextmanager
    def enter(self, folder: Path, quick: bool) -> Iterator[Field]:
        seconds = iter([9.0, 2.0, 4.0, 6.0, 30.0, 8.0])  # of the slow one, the warm-up first
        ways: dict[str, Callable[[], Any]] = {
            "quick": lambda: self._run("quick", 1.0, self.results[0]),
            "slow": lambda: self._run("slow", next(seconds), self.results[1]),
        }
        yield Field(ways, self._check, "nothing at all")

    def _run(self, name: str, seconds: float, result: int) -> Measured:
        self.calls.append(name)
        return Measured({"s": seconds}, result)

    def _check(self, results: Any) -> None:
        if results["quick"] != results["slow"]:
            raise Differs(f"{results['quick']} and {results['slow']}")


def test_competitors_take_turns_after_a_warm_up_that_does_not_count(tmp_path: Path) -> None:
    race = FakeRace()
    outcome = hold(race, tmp_path, rounds=5)
    assert race.calls[:6] == ["quick", "slow", "quick", "slow", "slow", "quick"]
    assert outcome.figures["slow"]["s"] == [2, 4, 6, 30, 8]
    assert outcome.figures["quick"]["s"] == [1] * 5


def test_the_ratio_is_that_of_each_round_and_its_median_decides(tmp_path: Path) -> None:
    race = FakeRace()
    text = table([race], [hold(race, tmp_path, rounds=5)], "python benchmarks/bench.py")
    assert "| fake race | at least 3 times as fast | 6× [2, 30] | yes |" in text
    assert "| fake race | at most 1 s | 1 s [1, 1] | yes |" in text
    assert "| fake race | slow | 6 s | 2–30, 5 rounds |" in text
    assert "- **fake race**: nothing at all." in text


def test_a_goal_that_is_missed_tells_what_stands_in_its_way() -> None:
    limit = Goal("is all that can be saved", "slow", "floor")
    figures = {"slow": {"s": [8.0, 9.0, 10.0]}, "quick": {"s": [4.0, 3.0, 5.0]}, "floor": {"s": [2.0, 3.0, 2.0]}}
    race = FakeRace()
    for least, reached in ((6.0, "no: 4× is all that can be saved"), (2.0, "yes")):
        race.GOALS = (Goal("faster", "slow", "quick", least=least, limit=limit),)
        text = table([race], [Outcome("fake", figures=figures)], "python benchmarks/bench.py")
        assert f"| fake race | faster | 2× [2, 3] | {reached} |" in text


def test_ratios_pair_the_figures_of_one_round() -> None:
    figures = {"a": {"s": [1.0, 10.0]}, "b": {"s": [2.0, 20.0]}}
    assert Goal("", "b", "a").values(figures) == [2, 2]


@pytest.mark.parametrize(("value", "reached"), [(2.9, False), (3.0, True), (5.0, True), (5.1, False)])
def test_a_goal_is_reached_within_its_bounds(value: float, reached: bool) -> None:
    assert Goal("", "a", least=3, most=5).is_reached(value) is reached


def test_a_race_whose_competitors_differ_is_refused_and_not_timed(tmp_path: Path) -> None:
    race = FakeRace(results=(1, 2))
    outcome = hold(race, tmp_path, rounds=5)
    assert outcome.refused == "1 and 2"
    assert race.calls == ["quick", "slow"]
    assert "refused: 1 and 2 | no |" in table([race], [outcome], "")


def test_a_missing_peer_is_told_in_the_table(tmp_path: Path) -> None:
    race = FakeRace(why_not=missing("json", "no_such_peer"))
    outcome = hold(race, tmp_path, rounds=5)
    assert race.calls == []
    told = table([race], [outcome], "")
    assert "skipped: no_such_peer not installed (benchmarks/requirements.txt) | – |" in told


def test_what_is_not_measured_by_the_competitor_is_timed() -> None:
    figures = take_turns({"one": lambda: None}, rounds=3)
    assert len(figures["one"]["s"]) == 3


def test_the_table_tells_the_machine_but_not_whose_it_is(tmp_path: Path) -> None:
    text = table([FakeRace()], [Outcome("fake", refused="x")], "python benchmarks/bench.py")
    assert " cores, " in text
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in text
    assert str(Path.home()) not in text
    assert str(REPOSITORY) not in text


def test_an_odd_shell_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in ((["--only", "swimming"], "no race swimming"), (["--rounds", "2"], "at least 5")):
        with pytest.raises(SystemExit) as stop:
            bench.parse(arguments)
        assert stop.value.code == 2
        assert word in capsys.readouterr().err


def test_a_quick_run_never_replaces_the_results() -> None:
    options = bench.parse(["--quick"])
    assert options.out.parent != REPOSITORY / "benchmarks"
    assert bench.command(options) == "python benchmarks/bench.py --quick"


@pytest.mark.parametrize("name", bench.RACES)
def test_goals_name_competitors_and_bounds(name: str) -> None:
    race = bench.load(name)
    assert name == race.NAME
    assert race.TITLE
    assert race.GOALS
    assert all((goal.least is None) != (goal.most is None) for goal in race.GOALS)


@pytest.mark.parametrize("name", ALONE)
def test_a_race_without_peers_is_held(name: str, tmp_path: Path) -> None:
    race, told = bench.load(name), tmp_path / "outcome.json"
    assert bench.hold_here(name, 2, True, told) == 0
    outcome = Outcome(**json.loads(told.read_text()))
    assert outcome.skipped is None
    assert outcome.refused is None
    for goal in race.GOALS:
        assert len(goal.values(outcome.figures)) == 2


def test_the_bare_loop_would_notice_another_training(tmp_path: Path) -> None:
    race = import_module("races.training")
    with race.enter(tmp_path, quick=True) as course:
        results = {name: way() for name, way in course.ways.items()}
        course.check(results)
        results[race.BARE].weights["fusion.missing"] += 1e-7
        with pytest.raises(Differs, match="weights"):
            course.check(results)
