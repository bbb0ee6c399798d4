"""Simulated recordings in DEAP's own files through the whole program: written, checked, read, compared."""

import json
import sys
from pathlib import Path

import pytest

from mmbench.cli import main


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deap") / "files"
    arguments = ["deap", str(folder), "--subjects", "3", "--option", "fps=1", "--option", "seconds=60"]
    shell("data", "simulate", *arguments)
    return folder


def shell(*arguments: str) -> int:
    before, sys.argv = sys.argv, ["mmbench", *arguments]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


DEAP = "deap[windows=2,frames=2,face_size=64]"
SMALL = ["--encoder", "face=swin[model=nano,pretrained=false,frozen=true]", "--encoder", "eeg=de", "--folds", "3"]
QUICK = [*SMALL, "--training", "epochs=2", "--jobs", "2", "--quiet", "--json"]


def test_deaps_reader_and_milmer_run_on_the_files(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = "milmer[k=1,dim=24,heads=2,ff=32,depth=1]"
    line = ["run", method, DEAP, "--data", str(simulated), "--out", str(tmp_path), "--against", "late,prior", *QUICK]
    assert shell(*line) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["simulated"] is True
    assert document["protocol"] == "subject"
    assert document["n_samples"] == 3 * 40 * 2
    assert [method["name"] for method in document["methods"]][1:] == ["late", "prior"]
    assert document["methods"][0]["encoders"] == {"eeg": "de", "face": "swin"}


def test_a_leaky_split_scores_high_where_an_honest_one_cannot(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels without any trace in the signals, and a fingerprint of each trial."""
    dataset = "deap-sim[subjects=3,strength=0.0,windows=8,video=false]"
    scores = {}
    for protocol in ("pooled-segment", "pooled-trial"):
        line = ["run", "concat", dataset, "--protocol", protocol, "--encoder", "eeg=de", "--out", str(tmp_path)]
        assert shell(*line, "--training", "epochs=40", "--folds", "3", "--quiet", "--json") == 0
        (method,) = json.loads(capsys.readouterr().out)["methods"]
        scores[protocol] = method["scores"]["balanced_accuracy"]["mean"]
    assert scores["pooled-segment"] > 0.6
    assert scores["pooled-trial"] < 0.4


def test_damage_is_one_line(simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(simulated, broken)
    video = broken / "face_video" / "s02" / "s02_trial05.avi"
    video.write_bytes(video.read_bytes()[:5000])
    assert shell("run", "concat", DEAP, "--data", str(broken), "--out", str(tmp_path), *QUICK) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "s02_trial05.avi" in line
    assert shell("data", "check", DEAP, "--data", str(broken)) == 2
    assert "s02_trial05.avi" in capsys.readouterr().err
