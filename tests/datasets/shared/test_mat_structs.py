import random
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmbench import DataError
from mmbench_datasets.shared.mat_structs import check_mat, find_shape, read_mat
from mmbench_datasets.shared.mat_writer import make_cells, write_mat

MOST = 1 << 24
PEOPLE = [
    {
        "Age": "22",
        "EEG": {"films": make_cells([np.arange(6.0).reshape(3, 2) + person, np.zeros((0, 0))], column=True)},
        "Score": np.array([[1.0], [5.0]]),
    }
    for person in range(3)
]
CONTENT = {"D": {"Data": make_cells(PEOPLE), "rate": 128.0, "names": make_cells(["AF3", "F7"])}, "other": np.eye(2)}


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_mat(tmp_path / "D.mat", CONTENT, compressed=request.param)
    return tmp_path / "D.mat"


def test_structs_cells_texts_and_numbers_keep_their_shapes(path: Path) -> None:
    check_mat(path)
    found = read_mat(path, ("D", "other"), MOST)
    assert set(found) == {"D", "other"}
    np.testing.assert_array_equal(found["other"], np.eye(2))
    data = found["D"]["Data"]
    assert data.shape == (1, 3)
    assert data[0, 2]["Age"] == "22"
    np.testing.assert_array_equal(data[0, 2]["EEG"]["films"][0, 0], PEOPLE[2]["EEG"]["films"][0, 0])
    assert data[0, 2]["EEG"]["films"][1, 0].size == 0
    np.testing.assert_array_equal(data[0, 1]["Score"], [[1.0], [5.0]])
    assert found["D"]["names"].tolist() == [["AF3", "F7"]]


def test_what_is_not_kept_is_none_and_what_is_measured_is_a_shape(path: Path) -> None:
    found = read_mat(
        path, ("D",), MOST, lambda at: len(at) < 3 or at[2] == 1, lambda at: len(at) == 6 and at[4] == "films"
    )
    data = found["D"]["Data"]
    assert data[0, 0] is None
    assert list(data[0, 1]["EEG"]["films"].ravel()) == [(3, 2), (0, 0)]


def test_a_shape_is_found_without_reading_the_array(path: Path) -> None:
    assert find_shape(path, ("D", "Data"), MOST) == (1, 3)
    assert find_shape(path, ("D", "Data", 2, "EEG", "films"), MOST) == (2, 1)
    assert find_shape(path, ("D", "nothing"), MOST) is None
    assert find_shape(path, ("E",), MOST) is None


def test_integers_and_arrays_of_structs(tmp_path: Path) -> None:
    structs = np.array([(1, "a"), (2, "b")], dtype=[("number", object), ("text", object)])
    savemat(tmp_path / "s.mat", {"s": structs, "i": np.array([[1, 300]], np.int16), "u": "\u00b5V"})
    found = read_mat(tmp_path / "s.mat", ("s", "i", "u"), MOST)
    assert [item["text"] for item in found["s"].ravel()] == ["a", "b"]
    assert found["i"].dtype == np.int16
    assert found["i"].tolist() == [[1, 300]]
    assert found["u"] == "\u00b5V"


def test_a_truncated_file_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    for read in (check_mat, lambda it: read_mat(it, ("D", "other"), MOST)):
        with pytest.raises(DataError, match=r"D\.mat: is truncated or damaged"):
            read(path)


def test_a_file_that_unpacks_to_more_than_expected_is_refused(tmp_path: Path) -> None:
    write_mat(tmp_path / "D.mat", {"D": np.zeros((1000, 1000))}, compressed=True)
    with pytest.raises(DataError, match="larger than the published file"):
        read_mat(tmp_path / "D.mat", ("D",), 1 << 20)


@pytest.mark.parametrize("content", [b"", b"<html>", b"MATLAB 7.3 MAT-file" + bytes(200), b"something else" * 30])
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "D.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"D\.mat"):
        read_mat(tmp_path / "D.mat", ("D",), MOST)


def test_a_file_of_format_7_3_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "D.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b"\0"))
    for read in (check_mat, lambda path: read_mat(path, ("D",), MOST)):
        with pytest.raises(DataError, match=r"is in MATLAB's format 7\.3, which is not read here — save it with -v7"):
            read(tmp_path / "D.mat")


def test_damaged_bytes_never_do_more_than_raise_an_error_about_the_file(path: Path) -> None:
    whole, chance = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(128, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read_mat(path, ("D", "other"), MOST)
        except DataError as error:
            refused += error.where == str(path)
    assert refused > 100
