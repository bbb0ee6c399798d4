"""Limits of a comparison are reported before training, and 3 seeds are the default."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mmbench
from mmbench.results.statistics import Outcomes, make_verdicts, smallest_significant_difference
from mmbench.storage.progress import SilentReporter, use_reporter
from mmbench.workflows import forecast

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")


def outcomes_of(n_people, seeds, labels=None, n_folds=5):
    unit = np.repeat(np.arange(n_people), 10)
    labels = np.tile([0, 1], 5 * n_people) if labels is None else np.repeat(labels, 10)
    return Outcomes(labels, np.zeros((seeds, len(unit)), dtype=np.int64), unit, unit % n_folds, 2)


def test_few_people_show_large_differences_only():
    by_people = [smallest_significant_difference(outcomes_of(n, 3), 5) for n in (6, 20, 100)]
    assert by_people == sorted(by_people, reverse=True)
    assert by_people[0] == pytest.approx(0.19, abs=0.01)
    assert smallest_significant_difference(outcomes_of(6, 3), 1) < by_people[0]
    assert smallest_significant_difference(outcomes_of(20, 1), 5) > by_people[1]


def test_smallest_significant_difference_is_significant():
    random = np.random.default_rng(0)
    labels, unit = np.tile([0, 1], 200 * 12), np.repeat(np.arange(12), 400)
    least, found = smallest_significant_difference(outcomes_of(12, 3, n_folds=12), 1), []
    for gain in (0.5, 1.0, 1.5):
        own = random.normal(0.75 - gain * least, 0.1, (40, 12))
        significant = []
        for people in own:
            right = random.random((3, len(unit))) < 0.75
            fewer = random.random((3, len(unit))) < people[unit]
            one, other = (
                Outcomes(labels, np.where(each, labels, 1 - labels), unit, unit, 2) for each in (right, fewer)
            )
            significant.append(make_verdicts(one, {"other": other})[0].word == "significantly better")
        found.append(np.mean(significant))
    assert found[0] < 0.4 < 0.8 < found[2]
    assert 0.3 < found[1] < 0.8


def test_a_class_of_one_person_shows_nothing():
    assert smallest_significant_difference(outcomes_of(6, 3, labels=[0, 1, 1, 1, 1, 1]), 1) is None


class Heard(SilentReporter):
    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


def test_warning_is_printed_before_training(toy_people, tmp_path):
    heard = Heard()
    with use_reporter(heard):
        comparison = mmbench.run(
            "concat", "toy", ["late", "prior"], plugins=(TOY,), data=toy_people, out=tmp_path / "out", jobs=1, seeds=1,
            modalities=["facts"], encoders={"facts": "raw"}, protocol="subject", training={"epochs": 1},
        )  # fmt: skip
    (line,) = [line for line in heard.lines if "will be significant" in line]
    assert "2 baselines" in line
    assert "1 seed and" in line
    assert "more seeds" in line
    assert comparison.verdicts


def test_a_difference_beyond_the_largest_possible_is_not_named(toy_people, tmp_path, monkeypatch):
    heard = Heard()
    monkeypatch.setattr(forecast, "smallest_significant_difference", lambda outcomes, comparisons: 4.78)
    with use_reporter(heard):
        mmbench.run(
            "concat", "toy", ["prior"], plugins=(TOY,), data=toy_people, out=tmp_path / "out", jobs=1, seeds=1,
            modalities=["facts"], encoders={"facts": "raw"}, protocol="subject", training={"epochs": 1},
        )  # fmt: skip
    (line,) = [line for line in heard.lines if "will be significant" in line]
    assert "no difference of balanced accuracy will be significant" in line


def test_nothing_is_forecast_of_another_metric(toy_people, tmp_path):
    heard = Heard()
    with use_reporter(heard):
        mmbench.run(
            "concat", "toy", ["prior"], plugins=(TOY,), data=toy_people, out=tmp_path / "out", jobs=1, metric="mcc",
            modalities=["facts"], encoders={"facts": "raw"}, protocol="subject", training={"epochs": 1}, folds=2,
        )  # fmt: skip
    assert not [line for line in heard.lines if "significant" in line]


def test_one_unit_in_the_test_part_is_told_of_any_metric(tmp_path):
    random = np.random.default_rng(0)
    data = mmbench.from_arrays(
        {"left": random.normal(size=(60, 4)), "right": random.normal(size=(60, 4))},
        random.normal(size=60),
        groups={"subject": ["a"] * 30 + ["b"] * 30},
        split=["train"] * 24 + ["validation"] * 6 + ["test"] * 30,
        cache=tmp_path / "cache",
    )
    heard = Heard()
    with use_reporter(heard):
        mmbench.run(
            "concat", data, ["prior"], out=tmp_path / "out", jobs=1, protocol="official", training={"epochs": 1}
        )
    assert "with 1 subject in the test parts no difference can be significant; add subjects" in heard.lines


def test_the_default_number_of_seeds():
    code = "from mmbench.registry.settings import make_run_settings; print(make_run_settings({}, {}, '').seeds, end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "3"
