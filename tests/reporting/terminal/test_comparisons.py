"""Tables of comparisons of any kind of task: they fit into 80 columns, and name metrics, targets and directions."""

import json
import re

import numpy as np
import pytest

from mmbench.registry.metrics import find_metric
from mmbench.reporting.terminal.comparisons import comparison_table
from mmbench.reporting.terminal.layout import render
from mmbench.results.loading import load_comparison
from mmbench.results.records import find_records

LONG = ("first", "only[modality=left]", "another[dim=256,dropout=0.5]")


def table_of(path, details=True):
    return render(comparison_table(load_comparison(path), details))


@pytest.mark.parametrize("details", [False, True])
@pytest.mark.parametrize("kind", ["class", "labels", "values"])
def test_a_table_of_any_kind_of_task_fits_into_80_columns(write_task, widest, tmp_path, kind, details):
    assert widest(table_of(write_task(tmp_path, kind, LONG), details)) <= 80


@pytest.mark.parametrize("kind", ["labels", "values"])
def test_labels_and_values_are_called_so(write_task, tmp_path, kind):
    text = table_of(write_task(tmp_path, kind)).partition("records: ")[0].lower()
    assert "class" not in text
    assert "accuracy" not in text


def test_of_errors_the_smallest_is_the_best(write_task, tmp_path):
    lines = table_of(write_task(tmp_path, "values")).splitlines()
    assert "significantly better than second." in " ".join(lines)
    assert "set of best methods (95 % model confidence set): first" in lines
    # The difference of the first minus the second is negative, and better.
    assert " -" in next(line for line in lines if line.startswith("second "))
    assert "difference: first minus the method of the row, paired; lower MAE is better" in lines
    assert "scores: mean over 2 targets, each in its own units" in lines


def test_nothing_is_said_of_the_direction_where_higher_is_better(write_task, tmp_path):
    assert "is better" not in table_of(write_task(tmp_path, "labels"))


def test_a_missing_label_is_no_class(write_task, tmp_path):
    text = table_of(write_task(tmp_path, "labels", lacking={"validation": {"red": 1}}))
    line = "MISSING LABEL: the validation part of 1 of 2 folds has no sample of red: the epoch is chosen without it."
    assert line in " ".join(text.split())


def test_a_constant_below_chance_is_explained(write_task, tmp_path):
    path = write_task(tmp_path, "class", ("first", "prior"), metric="auroc", metrics=["auroc"])
    for file in sorted((tmp_path / "run1").glob("*.json")):
        record = json.loads(file.read_text())
        record["run"]["encoders"] = {}
        # What a fold tests often, its training part has seldom.
        constant = (-np.bincount(record["labels"], minlength=3).astype(float)).tolist()
        record["logits"] = [constant for _ in record["labels"]]
        score = find_metric("auroc").score(np.array(record["labels"]), np.array(record["logits"]))
        record["scores"] = {epoch: {"auroc": score} for epoch in record["scores"]}
        file.write_text(json.dumps(record))
    text = " ".join(table_of(path).split())
    assert "prior is below chance: it predicts another constant in each of 2 folds, and AUROC is over the" in text


def test_one_fold_is_singular(write_task, tmp_path):
    assert "between subjects (1 fold); --seeds 3" in " ".join(table_of(write_task(tmp_path, "values", folds=1)).split())


def test_the_statement_says_whether_fusing_helps_and_how_the_others_compare(write_task, tmp_path):
    path = write_task(
        tmp_path, "values", ("fusion", "only[modality=left]", "only[modality=right]", "late"), n_units=30, folds=6
    )
    for number, reads in ((1, ["left"]), (2, ["right"])):
        set_encoders(tmp_path / f"run{number}", reads)
    text = " ".join(table_of(path, details=False).split())
    score = r"[\d.]+ \[[\d.]+, [\d.]+\]"
    statement = (
        rf"Fusing helps: MAE of fusion {score} against [\d.]+ for the best single modality \(left\), "
        r"difference -[\d.]+ \[-[\d.]+, -[\d.]+\], p <?\.\d+\. fusion is significantly better than late\."
    )
    assert re.search(statement, text)
    assert "only[modality=left] ²" in text


def test_where_single_modalities_are_missing_nothing_is_said_of_fusing(write_task, tmp_path):
    path = write_task(tmp_path, "class", ("fusion", "only[modality=left]"))
    set_encoders(tmp_path / "run1", ["left"])
    text = " ".join(table_of(path, details=False).split())
    assert "Fusing" not in text
    assert "² best of the single modalities that were run" in text


def set_encoders(folder, names):
    for path in find_records(folder):
        plain = json.loads(path.read_text())
        plain["run"]["encoders"] = {name: plain["run"]["encoders"][name] for name in names}
        plain["run"]["modalities"] = names
        path.write_text(json.dumps(plain))


def test_notes_on_the_data_stand_above_every_table(write_comparison, widest, tmp_path):
    notes = ["EEG features were smoothed over whole trials.", "Films are the same for everybody."]
    path = write_comparison(tmp_path, card={"access": "open", "title": "Made up", "notes": notes})
    for text in (table_of(path), table_of(path, details=False)):
        assert "DATA: EEG features were smoothed over whole trials." in text
        assert "DATA: Films are the same for everybody." in text
        assert widest(text) <= 80
    assert load_comparison(path).to_json()["data_notes"] == notes


@pytest.mark.parametrize("notes", [None, "one text", 5, {}])
def test_notes_of_another_kind_in_a_record_are_none(write_comparison, tmp_path, notes):
    path = write_comparison(tmp_path, card={"access": "open", "title": "Made up", "notes": notes})
    assert "DATA:" not in table_of(path)
