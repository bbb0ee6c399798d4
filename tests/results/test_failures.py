"""Jobs that fail or die: files, the other jobs, and the exit of the program."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import JobError, RecordError
from mmbench.cli import main
from mmbench.reporting.terminal import comparison_table, render
from mmbench.results.failures import Failure, find_failures, write_failure
from mmbench.results.loading import load_comparison

HERE = Path(__file__).parents[1] / "plugins"
PLUGINS = (str(HERE / "toy_plugin.py"), str(HERE / "faulty_plugin.py"))

Accidents = Callable[..., str]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def accidents(tmp_path: Path) -> Accidents:
    """Arranges accidents by kind and number; the fusion that meets them."""

    def arrange(**numbers: int) -> str:
        folder = tmp_path / "accidents"
        folder.mkdir(exist_ok=True)
        for kind, number in numbers.items():
            for at in range(number):
                (folder / f"{kind}-{at}").touch()
        return f"faulty[folder={folder}]"

    return arrange


@pytest.fixture
def run(toy_people: Path, shelf: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(method: str, *against: str, **options: Any) -> Any:
        options = {"folds": 3, "training": {"epochs": 2, "batch_size": 7}, "jobs": 1, "out": tmp_path, **options}
        options = {"modalities": ["facts"], "encoders": {"facts": "raw"}, "plugins": PLUGINS, **options}
        return mmbench.run(method, "toy", against, data=toy_people, cache=shelf, **options)

    return run


def logits(comparison: Any) -> list[Any]:
    return [record.logits for method in comparison.methods for record in method.records]


@pytest.mark.parametrize("jobs", [1, 2])
def test_error_in_one_job_does_not_stop_the_others(run: Callable[..., Any], accidents: Accidents, jobs: int) -> None:
    comparison = run("concat", accidents(bug=1), jobs=jobs)
    concat, faulty = comparison.methods
    assert (len(concat.records), len(faulty.records), faulty.missing) == (3, 2, 1)
    (failure,) = faulty.failures
    assert re.fullmatch(
        r"fusion faulty \(.*faulty_plugin\.py, line \d+\): raises ZeroDivisionError: an oversight in two lines — "
        "correct the plugin",
        failure.error,
    )
    assert "in training_loss" in failure.traceback
    assert not comparison.verdicts
    assert comparison.to_json()["failed"] == [
        {
            "method": faulty.name,
            "first": failure.error,
            "folds": [{"fold": failure.fold, "seed": 0, "error": failure.error}],
        }
    ]
    text = " ".join(render(comparison_table(comparison)).split())
    assert f"1 fold failed, fold {failure.fold} with: fusion faulty (" in text
    assert "raises ZeroDivisionError: an oversight in two lines" in text
    again = run("concat", faulty.name)
    assert again.failed == {}
    assert not list(faulty.folder.glob("failed-*"))
    assert [verdict.against for verdict in again.verdicts] == [faulty.name]


def test_a_training_that_diverges_has_no_traceback(run: Callable[..., Any], accidents: Accidents) -> None:
    (failure,) = run(accidents(diverge=1)).methods[0].failures
    assert "the loss is not finite" in failure.error
    assert failure.traceback == ""


def test_a_method_without_records_is_reported(run: Callable[..., Any], accidents: Accidents) -> None:
    comparison = run("concat", accidents(bug=3), "prior")
    assert [method.name for method in comparison.methods] == ["concat", "prior"]
    ((name, failures),) = comparison.failed.items()
    assert (name, len(failures)) == (accidents(), 3)
    assert [verdict.against for verdict in comparison.verdicts] == ["prior"]
    text = " ".join(render(comparison_table(load_comparison(comparison.path))).split())
    assert "3 folds failed, fold 0 with: fusion faulty (" in text


def test_without_the_first_nothing_is_judged(run: Callable[..., Any], accidents: Accidents) -> None:
    comparison = run(accidents(bug=3), "concat", "prior")
    assert [method.name for method in comparison.methods] == ["concat", "prior"]
    assert comparison.headless
    assert not comparison.verdicts


def test_when_everything_fails_it_is_one_line(run: Callable[..., Any], accidents: Accidents, tmp_path: Path) -> None:
    with pytest.raises(
        JobError, match=r"all 3 jobs failed, the first with: fusion faulty .*ZeroDivisionError"
    ) as caught:
        run(accidents(bug=3))
    assert "\n" not in caught.value.line
    (home,) = tmp_path.glob("toy-*")
    with pytest.raises(JobError):
        load_comparison(home)


def test_a_seed_that_failed_is_missing(run: Callable[..., Any], accidents: Accidents) -> None:
    method = accidents()
    run("concat", method)
    accidents(bug=3)
    comparison = run("concat", method, seeds=2)
    assert [each.missing for each in comparison.methods] == [0, 3]
    assert not comparison.verdicts


def test_a_process_that_is_killed_costs_nothing_but_time(run: Callable[..., Any], accidents: Accidents) -> None:
    comparison = run("concat", accidents(kill=1), jobs=2, folds=2)
    assert comparison.failed == {}
    alone = run("concat", accidents(), folds=2, out=comparison.path.parent / "alone")
    assert logits(comparison) == logits(alone)


def test_a_job_that_kills_each_time_fails(
    run: Callable[..., Any], accidents: Accidents, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mmbench.storage.processes.DEATHS", 2)
    with pytest.raises(JobError, match=r"all 2 jobs failed, .*a worker process died 2 times, perhaps for lack"):
        run(accidents(kill=9), jobs=2, folds=2)
    for left in (tmp_path / "accidents").iterdir():
        left.unlink()
    assert run(accidents(), folds=2).failed == {}


def test_a_damaged_failure_is_one_line(tmp_path: Path) -> None:
    write_failure(tmp_path / "fold-0-seed-0.json", Failure("concat", "0", 0, "broke"))
    path = tmp_path / "failed-fold-0-seed-0.json"
    assert find_failures(tmp_path) == (Failure("concat", "0", 0, "broke"),)
    (tmp_path / "fold-0-seed-0.json").touch()
    assert find_failures(tmp_path) == ()
    (tmp_path / "fold-0-seed-0.json").unlink()
    for text in ("{", json.dumps({"method": "concat"}), json.dumps({**json.loads(path.read_text()), "seed": "0"})):
        path.write_text(text)
        with pytest.raises(RecordError, match="is not a failure file"):
            find_failures(tmp_path)


@pytest.mark.parametrize(("bugs", "code"), [(0, 0), (1, 1), (9, 1)])
@pytest.mark.parametrize("command", ["run", "ablate", "tune", "audit"])
def test_the_exit_code_reports_failures(
    toy_people: Path,
    shelf: Path,
    accidents: Accidents,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    bugs: int,
    code: int,
) -> None:
    line = [command, accidents(bug=bugs), "toy", "--data", str(toy_people), "--cache", str(shelf), "--jobs", "1"]
    line += ["--out", str(tmp_path), "--encoder", "facts=raw", "--encoder", "signal=conv1d", "--folds", "2"]
    line += [word for file in PLUGINS for word in ("--plugin", file)] + ["--training", "epochs=1"]
    line += ["--training", "batch_size=7"]
    line += {"tune": ["--tune", "1"], "audit": ["--full", "--protocol", "subject", "--trainings", "2"]}.get(command, [])
    monkeypatch.setattr(sys, "argv", ["mmbench", *line])
    with pytest.raises(SystemExit) as stop:
        main()
    output = capsys.readouterr()
    assert int(stop.value.code or 0) == code, output.err
    assert ("ZeroDivisionError" in output.out + output.err) == bool(bugs)
