"""Wrong tables of predictions are refused with one line that names file and row."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.errors import DataError, SpecError, UserError
from mmbench.workflows.predictions.assignment import assign_rows
from mmbench.workflows.predictions.outputs import read_outputs
from mmbench.workflows.predictions.table import read_table


@pytest.fixture
def folds(shared_place: Any) -> Any:
    return shared_place.folds(labels=True)


def write(path: Path, columns: dict[str, Any]) -> Path:
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def check(source: Any, folds: Any, wanted: Any = "auto") -> None:
    table = read_table(source, folds.names)
    assign_rows(table, folds)
    read_outputs(table, folds.kind, folds.names, wanted)


def spoil(columns: dict[str, Any], row: int, **cells: Any) -> dict[str, Any]:
    """The columns with other cells in one row."""
    changed = {name: list(column) for name, column in columns.items()}
    for name, cell in cells.items():
        changed[name][row] = cell
    return changed


def test_the_columns_are_right_before_they_are_spoilt(folds: Any, predict: Any, tmp_path: Path) -> None:
    check(write(tmp_path / "p.csv", predict(folds)), folds)


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ({"id": "nobody"}, "line 5: the id 'nobody' is no sample of these folds"),
        ({"fold": "9"}, "line 5: there is no fold '9'"),
        ({"seed": "-1"}, "line 5: '-1' is not a seed"),
        ({"seed": "1.5"}, "line 5: '1.5' is not a seed"),
        ({"low": "nan"}, "line 5: 'nan' in column low is not a finite number"),
        ({"low": ""}, "line 5: '' in column low is not a finite number"),
        ({"low": "inf"}, "line 5: 'inf' in column low is not a finite number"),
        ({"low": "1.7"}, "line 5: its probabilities are not from 0 to 1: 1.7 for low"),
        ({"low": 0.0, "middle": 0.0, "high": 0.5}, "line 5: its probabilities sum to 0.5, not to 1"),
    ],
)
def test_a_wrong_cell_is_named_with_its_row(
    folds: Any, predict: Any, tmp_path: Path, cells: dict[str, Any], line: str
) -> None:
    path = write(tmp_path / "p.csv", spoil(predict(folds), 3, **cells))
    with pytest.raises(UserError, match=re.escape(f"p.csv, {line}")):
        check(path, folds)


def test_samples_of_other_parts_are_refused(folds: Any, predict: Any, tmp_path: Path) -> None:
    first = folds.folds[0]
    for part, called in (("train", "training"), ("validation", "validation")):
        path = write(tmp_path / "p.csv", spoil(predict(folds), 0, id=first[part][0]))
        with pytest.raises(DataError, match=f"is in the {called} part of fold 0, not in its test part"):
            check(path, folds)


def test_a_sample_is_predicted_once(folds: Any, predict: Any, tmp_path: Path) -> None:
    columns = predict(folds)
    path = write(tmp_path / "p.csv", spoil(columns, 1, id=columns["id"][0]))
    with pytest.raises(DataError, match=r"p.csv, line 3: .* a second time in fold 0, seed 0 \(first in line 2\)"):
        check(path, folds)


def test_missing_samples_and_folds_are_counted(folds: Any, predict: Any, tmp_path: Path) -> None:
    columns = predict(folds, seeds=2)
    n = len(folds.folds[0]["test"])
    short = {name: column[1:] for name, column in columns.items()}
    with pytest.raises(DataError, match=f"no prediction for 1 of {n} test samples of fold 0, seed 0, the first"):
        check(write(tmp_path / "p.csv", short), folds)
    keep = [at for at in range(len(columns["id"])) if (columns["fold"][at], columns["seed"][at]) != ("0", 1)]
    without = {name: [column[at] for at in keep] for name, column in columns.items()}
    with pytest.raises(DataError, match=f"no prediction for {n} of {n} test samples of fold 0, seed 1"):
        check(write(tmp_path / "p.csv", without), folds)


def test_unknown_classes_are_refused(folds: Any, predict: Any, tmp_path: Path) -> None:
    columns = predict(folds, kind="labels")
    path = write(tmp_path / "p.csv", spoil(columns, 3, prediction="Low"))
    with pytest.raises(DataError, match=r"p.csv, line 5: unknown class 'Low' — did you mean 'low'"):
        check(path, folds)


def test_missing_columns_are_named(folds: Any, predict: Any, tmp_path: Path) -> None:
    for name, line in (("id", "has no column 'id'"), ("middle", "has no column 'middle'")):
        columns = predict(folds)
        del columns[name]
        with pytest.raises(DataError, match=line):
            check(write(tmp_path / "p.csv", columns), folds)


@pytest.mark.parametrize(
    ("factor", "digits", "line"),
    [
        (
            100,
            1,
            "line 2: its numbers sum to 100, as in 100% of the rows, and none is negative: are these percentages?",
        ),
        (10, 6, "line 2: its numbers sum to 10, as in 100% of the rows, and none is negative: are these shares?"),
    ],
)
def test_percentages_are_not_read_as_logits(
    folds: Any, predict: Any, tmp_path: Path, factor: int, digits: int, line: str
) -> None:
    columns = predict(folds)
    for name in folds.names:
        columns[name] = [round(factor * float(value), digits) for value in columns[name]]
    path = write(tmp_path / "p.csv", columns)
    for wanted in ("auto", "probabilities"):
        with pytest.raises(DataError, match=re.escape(line) + " — divide them by .*, or say --outputs logits"):
            check(path, folds, wanted)
    check(path, folds, "logits")


def test_percentages_of_labels_are_not_read_as_logits(tmp_path: Path) -> None:
    table = read_table({"id": ["a", "b"], "red": [12.5, 0], "round": [80, 99]}, ("red", "round"))
    with pytest.raises(DataError, match="row 1: has 80, and no number of any row is negative: are these percentages"):
        read_outputs(table, "labels", ("red", "round"))
    assert read_outputs(table, "labels", ("red", "round"), "logits").kind == "logits"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_the_index_of_pandas_are_read(
    folds: Any, predict: Any, tmp_path: Path, delimiter: str
) -> None:
    text = write(tmp_path / "p.csv", predict(folds)).read_text()
    lines = ["," + text.splitlines()[0], *(f"{at},{row}" for at, row in enumerate(text.splitlines()[1:]))]
    for name in ("q.csv", "q.tsv") if delimiter == "\t" else ("q.csv",):
        (tmp_path / name).write_text("\n".join(lines).replace(",", delimiter))
        check(tmp_path / name, folds)


def test_a_decimal_comma_is_named(folds: Any, predict: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", predict(folds))
    path.write_text(path.read_text().replace(",", ";").replace("0.", "0,"))
    with pytest.raises(DataError, match=r"line 2: '0,\d+' in column low has a decimal comma — write a point"):
        check(path, folds)


def test_what_the_columns_hold_can_be_said(folds: Any, predict: Any, tmp_path: Path) -> None:
    logits = write(tmp_path / "p.csv", predict(folds, kind="logits"))
    check(logits, folds)
    with pytest.raises(DataError, match="its probabilities"):
        check(logits, folds, "probabilities")
    with pytest.raises(SpecError, match="--outputs: invalid value 'values'"):
        check(logits, folds, "values")
    scores = predict(folds)
    scores["low"] = [value / 2 for value in scores["low"]]
    with pytest.raises(DataError, match="say --outputs logits if they are logits"):
        check(write(tmp_path / "p.csv", scores), folds)


@pytest.mark.parametrize("content", [b"", b"id,low\n", b"\xff\xfe\x00", b"id,id\na,b\n", b"id,low\na\n", b'id\n"a\n'])
def test_damaged_tables_are_refused(folds: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path))):
        check(path, folds)


def test_other_files_are_refused(folds: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"unknown kind of file '\.xlsx'"):
        check(tmp_path / "p.xlsx", folds)
    with pytest.raises(DataError, match="cannot be read"):
        check(tmp_path / "missing.csv", folds)
    (tmp_path / "p.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="is not a NumPy file"):
        check(tmp_path / "p.npz", folds)
    np.savez(tmp_path / "p.npz", id=np.array(["a", None], dtype=object))
    with pytest.raises(DataError, match="is not a NumPy file without pickled objects"):
        check(tmp_path / "p.npz", folds)
    np.savez(tmp_path / "p.npz", id=np.array(["a", "b"]), outputs=np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"outputs has the shape \(2, 2\) — it must be \(n, 3\)"):
        check(tmp_path / "p.npz", folds)
    np.savez(tmp_path / "p.npz", id=np.array(["a", "b"]), low=np.zeros(3))
    with pytest.raises(DataError, match="its columns differ in length"):
        check(tmp_path / "p.npz", folds)
    with pytest.raises(SpecError, match="int is no table of predictions"):
        check(3, folds)
