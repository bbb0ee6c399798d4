"""The runner of the speed benchmarks, and that each of them runs; nothing is timed here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import bench
import pytest
from timing import Contenders, Goal, Measured, Outcome, ResultsDiffer, missing, run_benchmark, table, take_turns

REPOSITORY = Path(__file__).parents[2]
# Take longer than 10 s, even with tiny inputs.
SLOW = ("reading", "preparing", "fusions", "milmer_epoch", "milmer_evaluation", "gpu_tokens")


class FakeBenchmark:
    """Two contenders with given figures."""

    NAME = "fake"
    TITLE = "fake benchmark"
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
    def setup(self, folder: Path, quick: bool) -> Iterator[Contenders]:
        seconds = iter([9.0, 2.0, 4.0, 6.0, 30.0, 8.0])  # of the slow one, the warm-up first
        runs: dict[str, Callable[[], Any]] = {
            "quick": lambda: self._run("quick", 1.0, self.results[0]),
            "slow": lambda: self._run("slow", next(seconds), self.results[1]),
        }
        yield Contenders(runs, self._check, "nothing at all")

    def _run(self, name: str, seconds: float, result: int) -> Measured:
        self.calls.append(name)
        return Measured({"s": seconds}, result)

    def _check(self, results: Any) -> None:
        if results["quick"] != results["slow"]:
            raise ResultsDiffer(f"{results['quick']} and {results['slow']}")


def test_contenders_run_in_turns_after_an_untimed_warm_up(tmp_path: Path) -> None:
    benchmark = FakeBenchmark()
    outcome = run_benchmark(benchmark, tmp_path, rounds=5)
    assert benchmark.calls[:6] == ["quick", "slow", "quick", "slow", "slow", "quick"]
    assert outcome.figures["slow"]["s"] == [2, 4, 6, 30, 8]
    assert outcome.figures["quick"]["s"] == [1] * 5


def test_goal_is_judged_by_the_median_of_the_ratios_by_round(tmp_path: Path) -> None:
    benchmark = FakeBenchmark()
    text = table([benchmark], [run_benchmark(benchmark, tmp_path, rounds=5)], "python benchmarks/bench.py")
    assert "| fake benchmark | at least 3 times as fast | 6× [2, 30] | yes |" in text
    assert "| fake benchmark | at most 1 s | 1 s [1, 1] | yes |" in text
    assert "| fake benchmark | slow | 6 s | 2–30, 5 rounds |" in text
    assert "- **fake benchmark**: nothing at all." in text


def test_missed_goal_reports_its_limit() -> None:
    limit = Goal("is all that can be saved", "slow", "floor")
    figures = {"slow": {"s": [8.0, 9.0, 10.0]}, "quick": {"s": [4.0, 3.0, 5.0]}, "floor": {"s": [2.0, 3.0, 2.0]}}
    benchmark = FakeBenchmark()
    for least, reached in ((6.0, "no: 4× is all that can be saved"), (2.0, "yes")):
        benchmark.GOALS = (Goal("faster", "slow", "quick", least=least, limit=limit),)
        text = table([benchmark], [Outcome("fake", figures=figures)], "python benchmarks/bench.py")
        assert f"| fake benchmark | faster | 2× [2, 3] | {reached} |" in text


def test_ratios_are_computed_per_round() -> None:
    figures = {"a": {"s": [1.0, 10.0]}, "b": {"s": [2.0, 20.0]}}
    assert Goal("", "b", "a").values(figures) == [2, 2]


@pytest.mark.parametrize(("value", "reached"), [(2.9, False), (3.0, True), (5.0, True), (5.1, False)])
def test_a_goal_is_reached_within_its_bounds(value: float, reached: bool) -> None:
    assert Goal("", "a", least=3, most=5).is_reached(value) is reached


def test_benchmark_whose_contenders_differ_fails_and_is_not_timed(tmp_path: Path) -> None:
    benchmark = FakeBenchmark(results=(1, 2))
    outcome = run_benchmark(benchmark, tmp_path, rounds=5)
    assert outcome.failed == "1 and 2"
    assert benchmark.calls == ["quick", "slow"]
    assert "failed: 1 and 2 | no |" in table([benchmark], [outcome], "")


def test_missing_library_is_report_in_the_table(tmp_path: Path) -> None:
    benchmark = FakeBenchmark(why_not=missing("json", "no_such_peer"))
    outcome = run_benchmark(benchmark, tmp_path, rounds=5)
    assert benchmark.calls == []
    text = table([benchmark], [outcome], "")
    assert "skipped: no_such_peer not installed (benchmarks/requirements.txt) | – |" in text


def test_calls_without_figures_are_timed() -> None:
    figures = take_turns({"one": lambda: None}, rounds=3)
    assert len(figures["one"]["s"]) == 3


def test_table_describes_the_machine_without_paths(tmp_path: Path) -> None:
    text = table([FakeBenchmark()], [Outcome("fake", failed="x")], "python benchmarks/bench.py")
    assert " cores, " in text
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in text
    assert str(Path.home()) not in text
    assert str(REPOSITORY) not in text


def test_invalid_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in ((["--only", "swimming"], "no benchmark swimming"), (["--rounds", "2"], "at least 5")):
        with pytest.raises(SystemExit) as stop:
            bench.parse(arguments)
        assert stop.value.code == 2
        assert word in capsys.readouterr().err


def test_quick_run_does_not_overwrite_the_results() -> None:
    options = bench.parse(["--quick"])
    assert options.out.parent != REPOSITORY / "benchmarks"
    assert bench.command(options) == "python benchmarks/bench.py --quick"


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_goals_name_contenders_and_bounds(name: str) -> None:
    benchmark = bench.load(name)
    assert name == benchmark.NAME
    assert benchmark.TITLE
    assert benchmark.GOALS
    assert all((goal.least is None) != (goal.most is None) for goal in benchmark.GOALS)


@pytest.mark.parametrize("name", [name for name in bench.BENCHMARKS if name not in SLOW])
def test_benchmark_runs(name: str) -> None:
    check_benchmark(name)


@pytest.mark.parametrize("name", SLOW)
def test_slow_benchmark_runs(name: str) -> None:
    check_benchmark(name)


def check_benchmark(name: str) -> None:
    """Run a benchmark with tiny inputs; the test is skipped where it cannot run."""
    benchmark = bench.load(name)
    outcome = bench.run_in_process(benchmark, 1, quick=True)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.failed is None
    for goal in benchmark.GOALS:
        assert len(goal.values(outcome.figures)) == 1


def test_check_detects_other_weights(tmp_path: Path) -> None:
    benchmark = import_module("speed.training")
    with benchmark.setup(tmp_path, quick=True) as contest:
        results = {name: run() for name, run in contest.runs.items()}
        contest.check(results)
        results[benchmark.BARE].weights["fusion.missing"] += 1e-7
        with pytest.raises(ResultsDiffer, match="weights"):
            contest.check(results)
