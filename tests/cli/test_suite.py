"""``mmbench suite`` on the command line."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.cli import main

Write = Callable[..., Path]
Shell = Callable[..., tuple[int, str, str]]
ORDER = ["first", "second", "third"]
TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
TEXT = """
name = "small"
version = 1
title = "One simulated dataset"
[settings]
protocol = "subject"
task = "side"
metric = "balanced_accuracy"
folds = 2
seeds = 1
[[datasets]]
name = "toy"
modalities = ["facts"]
training = { epochs = 1 }
[[datasets]]
name = "absent"
dataset = "eegmat"
task = "state"
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The program in an empty folder: its exit code and what it prints on stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBENCH_DATA", raising=False)

    def run(*arguments: str, command: str = "suite") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mmbench", command, *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def test_a_suite_is_run_shown_and_reported(shell: Shell, toy_people: Path) -> None:
    Path("small.toml").write_text(TEXT)
    options = ["--methods", "concat,prior", "--data", f"toy={toy_people}", "--plugin", TOY, "--jobs", "1"]
    code, out, err = shell("run", "small.toml", *options)
    assert (code, "small-v1: toy" in err) == (0, True)
    assert "1 of 2 datasets is not in these results:" in out
    assert shell("show", "runs")[1] == out
    code, printed, _ = shell("show", "runs", "--json", "--plugin", TOY)
    plain = json.loads(printed)
    assert (code, plain["suite"], plain["methods"]) == (0, "small-v1", ["concat", "prior"])
    assert plain["command"] == (
        "mmbench suite run small.toml --methods concat,prior --data toy=DIR --plugin toy_plugin.py"
    )
    code, out, err = shell("report", "runs", "--out", "page")
    assert (code, out.strip()) == (0, "page/index.html")
    assert "works offline" in err


def test_show_takes_results_of_a_suite(shell: Shell, write_suite_results: Write) -> None:
    path = write_suite_results(Path("runs"), {"a": ORDER, "b": ORDER})
    shown = shell("show", str(path))[1]
    code, out, err = shell(str(path), command="show")
    assert (code, out, err) == (0, shown, "")
    assert json.loads(shell(str(path), "--json", command="show")[1])["suite"] == "made-v1"
    code, out, err = shell("runs", command="show")
    assert code == 0
    assert "first" in out
    assert err.splitlines() == [f"runs has results of a suite: mmbench suite show {path}"]
    code, _, err = shell(str(path), "--explain", command="show")
    assert (code, err.count("\n")) == (2, 1)
    assert "a suite has no explanations" in err


def test_show_of_a_folder_with_results_of_a_suite_alone_shows_them(shell: Shell, write_suite_results: Write) -> None:
    path = write_suite_results(Path("runs"), {}, absent={"b": ("failed", "why")})
    assert shell("runs", command="show")[:2] == (0, shell("show", str(path))[1])


def test_a_suite_of_which_nothing_can_be_run_ends_with_one(shell: Shell) -> None:
    Path("small.toml").write_text(TEXT)
    code, out, err = shell("run", "small.toml", "--methods", "concat,prior", "--only", "absent")
    assert (code, out) == (2, "")
    absent, closing = err.splitlines()
    assert "small-v1: absent not at hand: give its files with --data absent=DIR; to get them: mmbench data" in absent
    assert "no dataset can be run" in closing
    assert not Path("runs").exists()


def test_of_several_results_in_a_folder_the_newest_is_shown_and_the_others_are_named(
    shell: Shell, write_suite_results: Write
) -> None:
    older = write_suite_results(Path("runs"), {"a": ORDER})
    newer = write_suite_results(Path("runs"), {"a": ORDER, "b": ORDER}, methods=ORDER[:2])
    os.utime(older, (1, 1))
    _, out, err = shell("show", "runs")
    assert f"runs: {newer.name} is the newest of 2 results of suites; the others: {older.name}" in err
    assert "third" not in out


def test_a_suite_without_results_is_shown_with_its_datasets_and_the_way_to_run_it(shell: Shell) -> None:
    code, out, _ = shell("show", "affect-v1")
    assert code == 0
    assert "dataset    protocol task     metric" in out
    assert "deap       subject  quadrant" in out
    assert "tuning trials 10" in out
    assert "mmbench suite run affect-v1 --methods METHOD,METHOD --data NAME=DIR" in out
    assert json.loads(shell("show", "affect-v1", "--json")[1])["datasets"]["wesad"]["task"] == "state"
    Path("small.toml").write_text(TEXT)
    assert "mmbench suite run small.toml" in shell("show", "small.toml")[1]


def test_suites_are_listed_with_their_datasets(shell: Shell) -> None:
    _, out, _ = shell("list")
    assert "quick-v1: " in out
    assert "(mfeat, utd-mhad, " in out
    plain = json.loads(shell("list", "--json")[1])
    assert [each["suite"] for each in plain] == ["affect-v1", "quick-v1", "quick-v2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "quick-v", "--methods", "concat,prior"], ["no suite 'quick-v'", "mean 'quick-v1' or 'quick-v2'?"]),
        (["run", "nowhere.toml", "--methods", "concat,prior"], ["nowhere.toml", "cannot be read"]),
        (["run", "quick-v1", "--methods", "concat"], ["--methods", "fewer than two methods"]),
        (["run", "quick-v1", "--methods", "concat,prier"], ["no method 'prier'", "did you mean 'prior'"]),
        (["run", "quick-v1", "--methods", "concat,prior", "--data", "mosi"], ["--data", "'mosi' is not NAME=VALUE"]),
        (["run", "quick-v1", "--methods", "concat,prior", "--only", "mosy"], ["--only", "did you mean 'mosi'"]),
        (["run", "affect-v1", "--methods", "concat,prior", "--require-all"], ["--require-all", "deap", "not at hand"]),
        (["show", "."], ["holds no results of a suite"]),
        (["show", "nowhere"], ["nowhere", "no such file or folder"]),
    ],
)
def test_user_errors_are_one_line(shell: Shell, arguments: list[str], words: list[str]) -> None:
    code, out, err = shell(*arguments)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    for word in words:
        assert word in err
