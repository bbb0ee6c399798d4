"""A suite is run dataset by dataset, resumed, and refused where its content changed without a new version."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

import mmbench
from mmbench import DataError, SpecError
from mmbench.storage import record_messages
from mmbench.workflows.suites import plan
from mmbench.workflows.suites import run as running
from mmbench.workflows.suites.results import SuiteResult

PLUGINS = Path(__file__).parents[2] / "plugins"
TEXT = """
name = "small"
version = 1
title = "Two simulated datasets"
[settings]
protocol = "subject"
task = "side"
metric = "balanced_accuracy"
folds = 2
seeds = 1
training = { epochs = 1 }
[[datasets]]
name = "short"
dataset = "toy[length=8]"
encoders = { facts = "raw" }
[[datasets]]
name = "facts alone"
dataset = "toy[length=9]"
modalities = ["facts"]
encoders = { facts = "raw" }
[[datasets]]
name = "elsewhere"
[[datasets]]
name = "eegmat"
task = "state"
"""
METHODS = "only[modality=facts],prior"
Run = Callable[..., SuiteResult]


@pytest.fixture
def run(tmp_path: Path, toy_people: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the suite, with ``replace`` in its text, on the toy dataset's files in an empty folder."""
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    monkeypatch.setattr(plan, "describe_missing_distributions", lambda: "mmbench-datasets is not installed")

    def run(methods: Any = METHODS, *replace: tuple[str, str], **options: Any) -> SuiteResult:
        text = TEXT
        for old, new in replace:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "small.toml").write_text(text)
        given = {"data": {"toy": toy_people}, "out": tmp_path / "runs", "plugins": [PLUGINS / "toy_plugin.py"]}
        return mmbench.suite(tmp_path / "small.toml", methods, **{**given, "jobs": 1, **options})

    return run


def states(result: SuiteResult) -> dict[str, str]:
    return {each.listed.name: each.listed.state for each in result.datasets}


def test_a_suite_runs_what_is_at_hand_and_says_what_is_not(run: Run) -> None:
    result = run("only[modality=signal],only[modality=facts],prior")
    assert states(result) == {
        "short": "run",
        "facts alone": "run",
        "elsewhere": "not installed",
        "eegmat": "not at hand",
    }
    assert "mmbench data get eegmat" in result.datasets[3].listed.reason
    assert "--data eegmat=DIR" in result.datasets[3].listed.reason
    assert list(result.comparisons) == ["short", "facts alone"]
    missing = list(result.missing())
    assert [each[:2] for each in missing] == [("only[modality=signal]", "facts alone")]
    assert missing[0][2] == "does not apply: no such modality; the modalities are facts"
    assert result.failed == ()


def test_what_is_finished_is_not_run_again_and_only_runs_the_rest(run: Run) -> None:
    first = run(only=["short"])
    assert states(first)["facts alone"] == "not requested"
    with record_messages() as lines:
        second = run(only=["facts alone"])
    assert states(second)["short"] == "run"
    assert states(second)["facts alone"] == "run"
    assert "small-v1: short" not in lines
    with record_messages() as lines:
        third = run()
    assert [line for line in lines if "folds have records and are kept" in line] == [
        "4 of 4 folds have records and are kept"
    ] * 2
    assert third.to_rows() == second.to_rows()


def test_settings_of_the_suite_reach_the_records(run: Run) -> None:
    records = run(METHODS, ("epochs = 1", "epochs = 2"), only=["short"]).comparisons["short"].run
    assert records["training"]["epochs"] == 2
    assert records["protocol"] == "subject"
    assert records["folds"] == 2
    assert records["encoders"]["facts"]["name"] == "raw"
    assert records["preset"] is None


def test_a_suite_that_changed_without_a_new_version_is_refused(run: Run, tmp_path: Path) -> None:
    run(only=["short"])
    with pytest.raises(SpecError, match=r"small-v1 changed since .* training of short, .* give it version 2") as raised:
        run("prior,only[modality=facts]", ("epochs = 1", "epochs = 2"))
    assert 'was {"epochs":1} and is {"epochs":2}' in raised.value.line
    run(METHODS, ("epochs = 1", "epochs = 2"), ("version = 1", "version = 2"), only=["short"])
    run(METHODS, ("epochs = 1", "epochs = 2"), only=["short"], out=tmp_path / "others")


def test_a_first_try_without_a_result_does_not_fix_the_content(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite is corrected after its first command was stopped; the file of that command is gone then."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running, "run_spec", stop)
        with pytest.raises(KeyboardInterrupt):
            run(METHODS, ("epochs = 1", "epochs = 2"), only=["short"])
    result = run(only=["short"])
    assert states(result)["short"] == "run"
    assert [path.name for path in result.path.parent.glob("suite-*.json")] == [result.path.name]


def test_require_all_names_the_datasets_that_are_not_there(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--require-all: elsewhere, eegmat are not installed or not at hand"):
        run(require_all=True)
    assert not (tmp_path / "runs").exists()


def test_a_method_that_applies_to_no_dataset_is_an_error(run: Run) -> None:
    with pytest.raises(SpecError, match=r"--methods only\[modality=fats\]: applies to none of short, facts alone"):
        run("only[modality=fats],prior")


@pytest.mark.parametrize(
    ("methods", "options", "words"),
    [
        ("prior", {}, "fewer than two methods"),
        ("prior,prior", {}, "'prior' is named twice"),
        ("prior,pryor", {}, "no method 'pryor' — did you mean 'prior'"),
        (METHODS, {"data": {"toys": "x"}}, "small-v1 has no dataset 'toys' — did you mean 'toy'"),
        (METHODS, {"data": {"toy": "nowhere"}}, "nowhere: no such folder"),
        (METHODS, {"data": "x"}, "write data="),
        (METHODS, {"only": "shorts"}, "--only: small-v1 has no dataset 'shorts' — did you mean 'short'"),
        (METHODS, {"seeds": 3}, "suite: no option 'seeds'"),
    ],
)
def test_what_cannot_be_run_is_one_line(run: Run, methods: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(mmbench.UserError) as raised:
        run(methods, **options)
    assert words in raised.value.line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('task = "side"', 'task = "sides"', "short: --task: no task 'sides'"),
        ("epochs = 1", "epoch = 1", "short: --training: no setting 'epoch'"),
        ('facts = "raw"', 'facts = "row"', "short: no encoder 'row'"),
        ('"balanced_accuracy"', '"balanced"', "no metric 'balanced'"),
        ('"elsewhere"', '"eegmatt"', "eegmatt: no dataset 'eegmatt' — did you mean 'eegmat'"),
        ('task = "state"', 'task = "stat"', "eegmat: --task: no task 'stat'"),
        ('task = "state"', 'task = "state"\nmetric = "maee"', "eegmat: no metric 'maee'"),
        (
            'task = "state"',
            'task = "state"\nencoders = { eeg = "rawe" }',
            "eegmat: no encoder 'rawe' — did you mean 'raw'",
        ),
    ],
)
def test_a_setting_that_a_dataset_does_not_have_is_named_with_the_dataset(
    run: Run, old: str, new: str, words: str
) -> None:
    with pytest.raises(mmbench.UserError) as raised:
        run(METHODS, (old, new))
    assert words in raised.value.line


def test_a_dataset_that_no_missing_distribution_can_have_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "describe_missing_distributions", str)
    with pytest.raises(SpecError, match="elsewhere: no dataset 'elsewhere'"):
        run()


def test_damaged_files_stop_a_suite_before_anything_is_trained(run: Run, toy_people: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_people, tmp_path / "damaged")
    (tmp_path / "damaged" / "s1.txt").write_text("")
    with pytest.raises(DataError, match=r"short: .*s1\.txt: holds nothing"):
        run(data={"short": tmp_path / "damaged", "toy": toy_people})
    assert not (tmp_path / "runs").exists()


def test_a_dataset_that_fails_leaves_the_others(run: Run, toy_people: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_people, tmp_path / "damaged")
    (tmp_path / "damaged" / "s1.txt").write_text("t0 x\nt1 y\n")
    result = run(data={"short": tmp_path / "damaged", "toy": toy_people})
    assert states(result)["short"] == "failed"
    assert "trial t0 is damaged" in result.datasets[0].listed.reason
    assert states(result)["facts alone"] == "run"
    assert result.failed == ("short",)
    assert run().failed == ()
