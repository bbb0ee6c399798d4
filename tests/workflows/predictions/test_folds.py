"""The file of folds has the folds of a run with the same options, and no test labels."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from mmbench.data import read_fold_file
from mmbench.errors import DataError, SpecError
from mmbench.workflows.predictions.folds import read_folds

PARTS = ("train", "validation", "test")


def test_the_folds_are_those_of_a_run_with_the_same_options(shared_place: Any) -> None:
    found = shared_place.folds()
    (home,) = shared_place.out.iterdir()
    file = read_fold_file(home / "folds.json")
    assert [fold["name"] for fold in found.folds] == list(file.ranges)
    assert all(tuple(fold[part]) == file.samples(fold["name"], part) for fold in found.folds for part in PARTS)
    record = json.loads(next(home.glob("concat-*/fold-*.json")).read_text())
    assert found.parts["folds"] == record["run"]["fingerprint"]
    assert found.parts["data"] == record["run"]["prepared"]


@pytest.mark.parametrize("options", [{"protocol": "loso"}, {"stratify": True}, {"units": ["s0", "s1", "s2", "s3"]}])
def test_every_option_that_folds_depend_on_changes_the_fingerprint(shared_place: Any, options: dict[str, Any]) -> None:
    assert shared_place.folds(**options).fingerprint != shared_place.folds().fingerprint


def test_labels_are_those_of_training_and_validation_only(shared_place: Any) -> None:
    assert "labels" not in shared_place.folds().to_json()
    found = shared_place.folds(labels=True)
    for fold in found.folds:
        assert set(found.labels[fold["name"]]) == {*fold["train"], *fold["validation"]}
    assert set(found.labels["0"].values()) == {"low", "middle", "high"}


def test_a_file_is_read_as_it_was_written(shared_place: Any, tmp_path: Path) -> None:
    found = shared_place.folds(out=tmp_path / "folds.json", units=["s0", "s1", "s2"])
    read = read_folds(tmp_path / "folds.json")
    assert (read.request, dict(read.parts), read.folds) == (found.request, dict(found.parts), found.folds)


def test_the_table_has_a_row_for_each_sample_of_each_fold(shared_place: Any, tmp_path: Path) -> None:
    found = shared_place.folds(out=tmp_path / "folds.csv", labels=True)
    rows = list(csv.DictReader((tmp_path / "folds.csv").read_text().splitlines()))
    assert len(rows) == sum(len(fold[part]) for fold in found.folds for part in PARTS)
    assert {row["label"] for row in rows if row["part"] == "test"} == {""}
    assert rows[0]["subject"] == found.groups["subject"][rows[0]["id"]]
    assert read_folds(tmp_path / "folds.csv").fingerprint == found.fingerprint


def test_edited_and_damaged_files_are_refused(shared_place: Any, tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    shared_place.folds(out=path)
    plain = json.loads(path.read_text())
    moved = plain["folds"][0]["train"].pop()
    plain["folds"][0]["test"].append(moved)
    for content in (json.dumps(plain), "{}", "[]", "", json.dumps({"format": 1})):
        path.write_text(content)
        with pytest.raises(
            DataError, match=r"folds\.json: is no file of folds: .* — write it with mmbench folds DATASET"
        ):
            read_folds(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.json", None, r"missing\.json: does not exist"),
        ("missing.csv", None, r"missing\.csv: does not exist"),
        (
            "features.csv",
            "id,a,b",
            r"features\.csv: has no features\.json beside it, which mmbench folds writes together",
        ),
        ("folder.json", "", r"folder\.json: is a folder, not a file of folds"),
        ("x.npz", "", r"x\.npz: is neither the \.json that mmbench folds writes nor the \.csv beside it"),
        (
            "a.json",
            '[{"name": "0"}]',
            "it is the folds.json of a folder of records, which has no fingerprint",
        ),
        ("a.json", '{"format": 2, "ids": [], "folds": []}', "it is the folds.json of a folder of records"),
        ("a.json", '{"a": 1, "b": 2}', "it has no 'format'; it has 'a', 'b'"),
        ("a.json", "{}", "it has no 'format'; it is empty"),
        ("a.json", "3", "it holds one int, not an object"),
        ("a.json", "{", "is no file of folds: Expecting property name"),
    ],
)
def test_a_file_that_is_not_of_folds_is_called_what_it_is(
    tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    path = tmp_path / name
    if name.startswith("folder"):
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        read_folds(path)
    assert "write it with mmbench folds DATASET --out folds.json" in caught.value.remedy


def test_the_format_of_another_version_is_named(shared_place: Any, tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    shared_place.folds(out=path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(DataError, match="its format is 2, of another version of mmbench, not 1"):
        read_folds(path)


def test_another_suffix_is_refused_before_anything_is_prepared(shared_place: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"folds\.txt is neither .json nor .csv"):
        shared_place.folds(out=tmp_path / "folds.txt")
