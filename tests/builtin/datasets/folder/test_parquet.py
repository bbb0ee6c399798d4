"""Parquet files as tables of samples and of features."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench import Sample
from mmbench.builtin.datasets.folder.dataset import Folder

IDS = ["a", "b", "c", "d"]
ROLES = {"id": IDS, "subject": ["s", "s", "t", "t"], "label": ["x", "y", "x", "y"]}


def write(path: Path, columns: dict[str, object]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)
    return path


def read(root: Path) -> dict[str, Sample]:
    assert Folder().check(root) == []
    samples = [each for unit in Folder().units(root) for each in Folder().read(root, unit)]
    assert all(isinstance(each, Sample) for each in samples)
    return {sample.id: sample for sample in samples}


def test_a_single_file_with_numbers_and_embeddings(tmp_path: Path) -> None:
    embeddings = [[at + 0.5, 1.0] for at in range(4)]
    path = write(tmp_path / "data.parquet", {**ROLES, "pulse": [1.5, None, 3.5, 4.5], "emb": embeddings})
    samples = read(path)
    assert samples["b"].data["emb"].tolist() == [[1.5, 1.0]]
    assert "table" not in samples["b"].data
    assert samples["c"].data["table"] == [{"pulse": 3.5}]
    assert "table: empty cells in 1 of 1 columns: pulse 1" in Folder().describe(path).lines


def test_metadata_and_features_keyed_by_id(tmp_path: Path) -> None:
    write(tmp_path / "metadata.parquet", {**ROLES, "file_name": [f"{each}.txt" for each in IDS]})
    write(tmp_path / "voice.parquet", {"id": ["d", "b", "z"], "f0": np.array([4.0, 2.0, 9.0])})
    for each in IDS:
        (tmp_path / f"{each}.txt").write_text(f"words of {each}")
    samples = read(tmp_path)
    assert samples["d"].data == {"text": ["words of d"], "voice": [{"f0": 4.0}]}
    assert "voice" not in samples["a"].data
    assert Folder().left_out(tmp_path) == {"1 row of voice.parquet (z)": "no sample has the id"}


def test_values_that_are_no_features_are_told(tmp_path: Path) -> None:
    days = np.arange(4).astype("datetime64[D]")
    columns = {**ROLES, "f0": [1.0, 2.0, 3.0, 4.0], "day": days, "raw": [b"1", b"2", b"3", b"4"]}
    path = write(tmp_path / "data.parquet", {**columns, "__index_level_0__": [3, 5, 8, 9]})
    assert Folder().left_out(path) == dict.fromkeys(
        ("column day", "column raw", "column __index_level_0__"), "not used"
    )


def test_a_damaged_file_is_a_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "data.parquet", ROLES)
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = Folder().check(path)
    assert problem.message.startswith("cannot be read as Parquet")


def test_without_pyarrow_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metadata.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (problem,) = Folder().check(tmp_path)
    assert (problem.message, problem.remedy) == (
        "Parquet needs the package pyarrow",
        'pip install "mmbench[parquet]"',
    )
