"""What a comparison cannot show: too small differences, one subject, too few units for a test against chance."""

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from mmbench.registry.metrics import find_metric
from mmbench.reporting.terminal.comparisons import comparison_table
from mmbench.reporting.terminal.layout import render
from mmbench.reporting.terminal.limits import half_width
from mmbench.reporting.terminal.run_description import chance_line
from mmbench.results.loading import load_comparison
from mmbench.results.records import read_record, record_path, write_record
from mmbench.results.statistics import Interval, Verdict

BELOW = re.compile(r"differences below about ([\d.]+)(?: to ([\d.]+), depending on the row,)? cannot be significant")


def text_of(path):
    return " ".join(render(comparison_table(load_comparison(path), True)).split())


@pytest.mark.parametrize("kind", ["values", "class"])
def test_no_significant_difference_is_below_the_smallest_that_could_be(write_task, tmp_path, kind):
    path = write_task(tmp_path, kind, ("first", "second", "third", "fourth"), n_units=30, folds=6)
    verdicts = load_comparison(path).verdicts
    least, largest = map(float, BELOW.search(text_of(path)).groups())
    significant = [abs(each.difference.mean) for each in verdicts if each.p < 0.05]
    assert significant
    assert least < min(significant)
    assert least < largest
    assert least <= min(map(half_width, verdicts))
    assert largest == pytest.approx(max(map(half_width, verdicts)), abs=0.0101)


def test_one_width_is_one_number(write_task, tmp_path):
    path = write_task(tmp_path, "values", ("first", "second"), n_units=30, folds=6)
    assert BELOW.search(text_of(path)).group(2) is None


def test_rows_that_no_difference_separates_are_named(write_task, tmp_path, monkeypatch):
    path = write_task(tmp_path, "values", ("first", "second", "third"), n_units=30, folds=6)
    comparison = load_comparison(path)
    one, other = comparison.verdicts
    unlimited = replace(other, difference=Interval(0.1, -sys.float_info.max, sys.float_info.max))
    comparison.__dict__["verdicts"] = (one, unlimited)
    text = " ".join(render(comparison_table(comparison, True)).split())
    assert BELOW.search(text).group(2) is None
    assert "cannot be significant here, and none from third" in text


def test_one_unit_shows_no_difference(write_task, tmp_path):
    text = text_of(write_task(tmp_path, "values", ("first", "second"), n_units=1, folds=1))
    assert "1 subject: no interval and no test; add subjects" in text
    assert "differences below" not in text


@pytest.mark.parametrize(
    ("interval", "width"),
    [
        (Interval(0.2, 0.1, 0.3), 0.1),
        (Interval(0.9, 0.5, 1.0), 0.4),  # cut off at the largest difference
        (Interval(0.2, 0.2, 0.2), 0.2),  # the same in all units
    ],
)
def test_half_widths(interval, width):
    verdict = Verdict("other", "significantly better", interval, 0.01, 0.01, 0.05, 9.0, None)
    assert half_width(verdict) == pytest.approx(width)


def write_trials(write_task, tmp_path, n_units, **about):
    """Records whose units are trials of one class each."""
    metrics = ["balanced_accuracy"]
    about = {"metric": metrics[0], "metrics": metrics, "unit": "trial", **about}
    path = write_task(tmp_path, "class", ("first", "second"), n_units=n_units, **about)
    for file in sorted(tmp_path.glob("run*/*.json")):
        record = json.loads(file.read_text())
        record["labels"] = [int(unit[1:]) // 2 % 3 for unit in record["units"]]
        record["logits"] = [np.eye(3)[label].tolist() for label in record["labels"]]
        scores = {"balanced_accuracy": find_metric("balanced_accuracy").score(*map(np.array, scored_of(record)))}
        record["scores"] = dict.fromkeys(record["scores"], scores)
        file.write_text(json.dumps(record))
    return path


def scored_of(record):
    return record["labels"], record["logits"]


def test_few_trials_of_one_person_are_not_tested_against_chance(write_task, tmp_path):
    path = write_trials(write_task, tmp_path, 8, protocol="trial")
    assert load_comparison(path).above_chance == {}
    text = text_of(path)
    assert "above chance: not tested with 8 trials of one class each; 10 or more are needed" in text
    assert "1 subject: intervals and tests are over its trials, and hold for this subject only" in text
    assert "significantly above chance" not in text


def test_more_trials_of_one_person_are_tested(write_task, tmp_path):
    path = write_trials(write_task, tmp_path, 12, protocol="trial")
    assert set(load_comparison(path).above_chance) == {"first", "second"}
    text = text_of(path)
    assert "not tested" not in text
    assert "hold for this subject only" in text


def test_several_people_need_no_such_words(write_task, tmp_path):
    text = text_of(write_trials(write_task, tmp_path, 12, unit="subject", protocol="subject"))
    assert "hold for this subject only" not in text
    assert "not tested" not in text


def test_methods_with_one_seed_beside_others_with_several_are_named(write_task, tmp_path):
    path = write_task(tmp_path, "values", ("first", "second"), n_units=30, folds=6)
    assert " 1 seed: variation between trainings" in text_of(path)
    for file in sorted((tmp_path / "run0").glob("*.json")):
        record = json.loads(file.read_text())
        write_record(record_path(tmp_path / "run0", record["fold"], 1), replace(read_record(file), seed=1))
    path.write_text(path.read_text().replace('"seeds": 1', '"seeds": 2'))
    text = text_of(path)
    assert "1 seed of second: variation between trainings cannot be separated from variation between subjects" in text
    assert "--seeds 3 measures it; equal predictions of several seeds have other intervals" in text


def write_people(write_task, home, protocol, **about):
    """Records of people, three quarters of whose samples are of one class each, and predictions of that class."""
    metrics = [about.get("metric", "balanced_accuracy")]
    about = {"metric": metrics[0], "metrics": metrics, "classes": ["no", "yes"], "protocol": protocol, **about}
    path = write_task(home, "class", ("first", "second"), n_units=20, **about)
    for file in sorted(home.glob("run*/*.json")):
        record = json.loads(file.read_text())
        record["labels"] = [(int(unit[1:]) // 2 + (at % 4 == 0)) % 2 for at, unit in enumerate(record["units"])]
        record["logits"] = [np.eye(2)[int(unit[1:]) // 2 % 2].tolist() for unit in record["units"]]
        scores = {metrics[0]: find_metric(metrics[0]).score(*map(np.array, scored_of(record)))}
        record["scores"] = dict.fromkeys(record["scores"], scores)
        file.write_text(json.dumps(record))
    return load_comparison(path)


@pytest.mark.parametrize(
    ("protocol", "straddling", "knows"),
    [
        ("subject", {}, False),
        ("loso", {}, False),
        ("trial", {}, True),
        ("pooled-trial", {}, True),
        ("pooled-segment", {"trial": 1.0}, True),
        ("official", {"subject": 0.3}, True),
        ("official", {"subject": 0.0}, False),
        ("group:session", {"subject": 1.0}, True),
    ],
)
def test_where_subjects_are_in_both_parts_knowing_their_frequent_class_is_chance(
    write_task, tmp_path, protocol, straddling, knows
):
    found = write_people(write_task, tmp_path, protocol, straddling=straddling)
    assert found.methods[0].score.mean == pytest.approx(0.75)
    assert found.chance == pytest.approx(0.625 if knows else 0.5)
    assert chance_line(found).startswith(
        "chance level 0.625 from knowing each subject's classes, 0.500 without, " if knows else "chance level 0.500, "
    )
    assert (found.above_chance["first"] > 0.05) is knows
    assert found.above_chance_reason == found.to_json()["above_chance_reason"] == ""


def test_a_metric_without_a_chance_level_gives_the_reason(write_task, tmp_path):
    known = write_people(write_task, tmp_path / "a", "pooled-trial", metric="mcc")
    reason = "MCC has no chance level for subjects that a model was trained on, whose frequencies it may know"
    assert (known.chance, known.above_chance, known.above_chance_reason) == (None, {}, f"not tested: {reason}")
    assert f"above chance: not tested: {reason}" in " ".join(render(comparison_table(known, True)).split())
    unseen = write_people(write_task, tmp_path / "b", "subject", metric="mcc")
    assert (unseen.chance, unseen.above_chance_reason) == (0.0, "")
    errors = load_comparison(write_task(tmp_path / "c", "values", ("first", "second")))
    assert errors.to_json()["above_chance_reason"] == "not tested: MAE has no chance level"
    assert "above chance" not in render(comparison_table(errors, True))


@pytest.mark.parametrize(
    ("protocol", "group", "line"),
    [
        (
            "trial",
            "session",
            "SHARED: 100% of the test samples share their session with the training part; scores do not",
        ),
        (
            "pooled-trial",
            "run",
            "SHARED: 100% of the test samples share their run with the training part; scores do not",
        ),
        ("trial", "trial", "LEAK: 100% of the test samples share their trial with the training part; scores are"),
        ("segment", "session", "LEAK: 100% of the test samples share their session with the training part; scores are"),
        ("group:video", "session", "LEAK: 100% of the test samples share their session with the training part; scores"),
    ],
)
def test_a_session_in_both_parts_is_no_leak_where_trials_are_held_out(write_task, tmp_path, protocol, group, line):
    about = {"straddling": {group: 1.0}, "unit": "trial", "protocol": protocol}
    assert line in text_of(write_task(tmp_path, "class", ("first", "second"), **about))
