"""The demonstration: which commands it runs, what it concludes, and how it ends where one fails."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench_milmer import demo

SMALL = (
    *(
        "milmer[dim=16,heads=2,ff=16,depth=1]",
        "mfeat",
        "--modalities",
        "mor,zer",
        "--folds",
        "2",
        "--training",
        "epochs=1",
        "--jobs",
        "1",
    ),
    *("--seeds", "1", "--diagnose", "no"),
)


def test_the_sentence_has_the_scores_of_both_comparisons(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "HONEST", SMALL)
    monkeypatch.setattr(demo, "SHUFFLED", (*SMALL, "--folds", "3", "--against", "prior"))
    assert demo.main() == 0
    out = capfd.readouterr().out
    held_out, shuffled = demo._load("people"), demo._load("windows")
    assert 0 < held_out.single < 1
    assert held_out.milmer != shuffled.milmer
    assert out.rstrip().endswith(demo.conclude(held_out, shuffled))
    assert f"milmer scores {shuffled.milmer:.2f}" in demo.conclude(held_out, shuffled)
    assert out.count("$ mmbench run 'milmer[dim=16") == 2
    assert out.index("People held out") < out.index("Windows shuffled")


def test_it_ends_with_the_exit_code_of_the_command_that_fails(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "HONEST", ("milmer", "no-such-dataset"))
    assert demo.main() == 2
    printed = capfd.readouterr()
    assert "no dataset 'no-such-dataset'" in printed.err
    assert "Windows shuffled" not in printed.out


def test_the_printed_commands_are_the_ones_that_run(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(demo, "_load", lambda name: demo.Scores(0.5, 0.25, 0.125))
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: calls.append(command) or subprocess.CompletedProcess(command, 0)
    )
    assert demo.main() == 0
    shown = [shlex.split(line[2:]) for line in capsys.readouterr().out.splitlines() if line.startswith("$ ")]
    assert [["mmbench", *command[3:-2]] for command in calls] == shown
    assert {command[:3] for command in calls} == {(sys.executable, "-m", "mmbench")}
    assert [Path(command[-1]).name for command in calls] == ["people", "windows"]


@pytest.mark.parametrize("options", [demo.HONEST, demo.SHUFFLED])
def test_both_are_on_simulated_data(options):
    assert options[:1] == ("milmer",)
    assert options[1].startswith("deap-sim")
