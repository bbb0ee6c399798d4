"""The scripts that are run by hand still run, each on tiny data; no figure is looked at but those of injected leaks."""

import runpy
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import audio_settings
import audit_power
import calibration
import faces
import fuzz
import inherited
import libraries
import memory
import numpy as np
import presets
import pytest
import reference_scores

import mmbench
from mmbench_datasets.fsdd import Fsdd
from mmbench_datasets.mosi import Mosi
from mmbench_datasets.utd_mhad import UtdMhad

FOLDER = Path(__file__).parents[2] / "benchmarks"
WITH_OPTIONS = [path for path in sorted(FOLDER.glob("*.py")) if "import argparse" in path.read_text(encoding="utf-8")]


@pytest.fixture
def call(monkeypatch, capsys):
    """Calls the main function of a script with options; returns what it prints."""

    def call_main(script, *options):
        monkeypatch.setattr(sys, "argv", [script.__file__, *map(str, options)])
        script.main()
        return capsys.readouterr().out

    return call_main


@pytest.fixture
def people():
    """Features of eight people with 40 samples each."""
    draws = np.random.default_rng(0)
    person = np.repeat(np.arange(8), 40)
    x = draws.normal(size=(320, 10)) + 3 * draws.normal(size=(8, 10))[person]
    return replace(audit_power._make_data(x), people=np.char.mod("s%d", person))


@pytest.mark.parametrize("path", WITH_OPTIONS, ids=lambda path: path.stem)
def test_help_is_printed(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(path), run_name="__main__")
    assert stop.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_audit_power_prints_a_row(call):
    table = call(audit_power, "--draws", 1, "--rows", "5 normal features, as it is")
    assert table.splitlines()[1].split()[-5:] == ["1", "0.00", "0.00", "0.00", "0.00"]


def test_audit_power_finds_what_was_put_in(people):
    draws = np.random.default_rng(0)
    nobody = replace(people, people=None)
    assert audit_power._audit(audit_power._drop_at_random(people, draws), draws) == (False,) * 4
    assert audit_power._audit(audit_power.copy_with_noise(0.1, 0.3)(nobody, draws), draws) == (
        True,
        False,
        False,
        False,
    )
    assert audit_power._audit(audit_power.drop_by_class(0.95)(people, draws), draws) == (False, False, True, False)
    assert audit_power._audit(audit_power.split_people(people, draws), draws)[3]


def test_audio_settings_trains_speakers_held_out(call, tmp_path, monkeypatch):
    Fsdd().simulate(tmp_path / "fsdd", subjects=3, takes=1)
    settings = {name: ("logmel", {"epochs": epochs}) for name, epochs in (("one", 1), ("two", 2))}
    monkeypatch.setattr(audio_settings, "SETTINGS", settings)
    lines = call(audio_settings, tmp_path / "fsdd", "--out", tmp_path / "runs").splitlines()
    assert [line.split()[0] for line in lines] == ["one", "two", "chosen"]


def test_inherited_settings_that_train_nothing_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(inherited, "SETTINGS", ({"lr": 1e-6},))
    found = list(inherited.judge("vectors[strength=0.5]", tmp_path / "runs"))
    assert found == [(".20 and more", True)] * 2


@pytest.mark.shared
def test_presets_tries_every_pair_of_encoders(call, shared, tmp_path, monkeypatch):
    units = ["s00", "s01", "s02", "s03"]
    monkeypatch.setattr(mmbench, "run", partial(mmbench.run, training={"epochs": 1}, folds=2, units=units))
    table = call(presets, "eegmat", "--data", shared / "eegmat", "--out", tmp_path / "runs")
    assert len(table.splitlines()) == 1 + len(presets.CANDIDATES["eegmat"])


def test_reference_scores_of_every_dataset(call, tmp_path):
    UtdMhad().simulate(tmp_path / "utd-mhad", subjects=2)
    Mosi().simulate(tmp_path / "mosi", subjects=20)
    Fsdd().simulate(tmp_path / "fsdd", subjects=3, takes=1)
    lines = call(reference_scores, tmp_path).splitlines()
    assert {line.split()[0] for line in lines} == {"utd-mhad", "mosi", "fsdd", "icons"}


def test_faces_are_detected_at_both_sizes(tmp_path, capsys):
    clips = faces.simulate_clips(tmp_path)[:1]
    frames = faces.load_frames(clips[0])[:2]
    faces.time_detection(frames, 1)
    faces.time_videos(clips, 1)
    faces.compare("clips", frames)
    printed = capsys.readouterr().out
    assert printed.count("frames/s") == 6
    assert "clips: 2 frames, a face in 2 at full size, 2 at 256 px" in printed


def test_libraries_are_compared(call, monkeypatch):
    for name, value in (("SHAPE", (2, 2, 8)), ("N_DAMAGED", 5), ("N_RUNS", 1)):
        monkeypatch.setattr(libraries, name, value)
    printed = call(libraries)
    assert "download, mmbench            1.00 times the size of the file" in printed
    assert "ModuleNotFoundError" not in printed


def test_memory_is_measured_in_each_stage(tmp_path):
    found = memory.measure_in_process(20, tmp_path / "20")
    assert list(found) == list(memory.STAGES)
    assert all(stage["all"] > stage["own"] > 0 for stage in found.values())


def test_rows_of_other_tasks_are_calibrated():
    rows = calibration.metric_rows("labels", 10, 1)
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 4


def test_fuzzer_reads_and_reports(tmp_path, monkeypatch, capsys):
    options = ["--only", "ratings", "--inputs", "20", "--jobs", "1", "--keep", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [fuzz.__file__, *options])
    with pytest.raises(SystemExit) as stop:
        fuzz.main()
    assert stop.value.code == 0
    assert "20 inputs by chance, seed 0" in capsys.readouterr().out
