"""Files whose rows are matched with those of the table by ids, and those that have none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench import DataError, Sample, SpecError
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.conformance import check_dataset

MAIN = "id,subject,label\n" + "".join(f"00{at},s{at // 2},{'xy'[at % 2]}\n" for at in range(8))
IDS = [f"00{at}" for at in range(8)]


def write(folder: Path, files: Mapping[str, str], **described: Any) -> Path:
    """The folder with these files, and its description if there is nothing to ask."""
    for name, text in {"metadata.csv": MAIN, **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = Folder().describe(folder, **described)
    assert found.questions == []
    found.path.write_text(found.text, encoding="utf-8")
    return folder


def read(folder: Path) -> dict[str, Sample]:
    samples = [each for unit in Folder().units(folder) for each in Folder().read(folder, unit)]
    assert all(isinstance(each, Sample) for each in samples)
    return {sample.id: sample for sample in samples}


def test_tables_are_merged_by_id(tmp_path: Path) -> None:
    rows = "".join(f"{each},{at}\n" for at, each in reversed(list(enumerate(IDS[:6]))))
    write(tmp_path, {"voice.csv": "id,pitch\n" + rows + "009,9\n00x,10\n"})
    for check in check_dataset(Folder, tmp_path):
        check()
    samples = read(tmp_path)
    assert samples["004"].data["voice"] == [{"pitch": 4.0}]
    assert "voice" not in samples["006"].data
    assert Folder().left_out(tmp_path) == {"2 rows of voice.csv (009, 00x)": "no sample has the id"}
    (line,) = Folder().assumptions(tmp_path)
    assert "voice.csv: matched by id, 6 of 8 rows (without: 006, 007)" in line
    assert tmp_path / "voice.csv" in Folder().sources(tmp_path, "s0")


def test_columns_that_two_tables_have(tmp_path: Path) -> None:
    voice = "id,label,f0\n" + "".join(f"{each},{'xy'[at % 2]},{at}\n" for at, each in enumerate(IDS))
    gaze = "id,f0\n" + "".join(f"{each},{at + 100}\n" for at, each in enumerate(IDS))
    write(tmp_path, {"voice.csv": voice, "gaze.csv": gaze})
    samples = read(tmp_path)
    assert samples["003"].data == {"gaze": [{"f0": 103.0}], "voice": [{"voice.f0": 3.0}]}
    (line,) = Folder().assumptions(tmp_path)
    assert "column label of voice.csv: as in metadata.csv, used once" in line
    assert "column f0 of voice.csv: differs from that of gaze.csv, called voice.f0" in line


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "labels",
            "id,label\n001,x\n002,y\n",
            "label differs from that of metadata.csv in 2 of 2 rows: 'x' and 'y' of",
        ),
        ("twice", "id,f0\n001,2\n001,3\n", "the id '001' is there more than once"),
        ("empty", "id,f0\n001,2\n,3\n", "entry 2 has no id"),
        ("other", "id,f0\n1,2\n2,3\n", "none of its ids, such as '1', is in metadata.csv, which has ids such as '000'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        write(tmp_path, {f"{name}s.csv": text})
    assert message in caught.value.message
    assert caught.value.where == str(tmp_path / f"{name}s.csv")
    assert caught.value.remedy
    assert Folder().describe(tmp_path, ignore=(f"{name}s.csv",)).lines[0] == "table: metadata.csv, 8 rows"


def test_most_cells_alike_are_a_conflict(tmp_path: Path) -> None:
    ages = "id,age\n" + "".join(f"{each},3{at}\n" for at, each in enumerate(IDS))
    with pytest.raises(DataError, match=r"age differs from that of a.csv in 1 of 8 rows: '99' and '33' of 003"):
        write(tmp_path, {"a.csv": ages, "b.csv": ages.replace(",33", ",99")})


@pytest.mark.parametrize(
    ("main", "text", "question"),
    [
        (MAIN, "name,f0\n001,2\n", "more.csv has no column of ids to match its rows by"),
        (MAIN.replace("id,", "name,", 1), "id,f0\n001,2\n", "more.csv has ids, but metadata.csv has no column of ids"),
    ],
)
def test_tables_without_ids_are_asked_about(tmp_path: Path, main: str, text: str, question: str) -> None:
    (tmp_path / "metadata.csv").write_text(main)
    (tmp_path / "more.csv").write_text(text)
    assert (question, "--ignore more.csv") in Folder().describe(tmp_path).questions


def test_two_tables_without_a_main_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MAIN)
    (tmp_path / "b.csv").write_text(MAIN)
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "holds 2 tables: a.csv, b.csv"


def test_arrays_are_matched_by_an_array_of_ids(tmp_path: Path) -> None:
    found = np.array([*reversed(IDS[1:]), "zzz"])
    np.savez(tmp_path / "gaze.npz", sample_id=found, x=np.arange(24.0).reshape(8, 3))
    write(tmp_path, {})
    assert Folder().check(tmp_path) == []
    samples = read(tmp_path)
    assert samples["007"].data["gaze"].tolist() == [[0, 1, 2]]
    assert samples["001"].data["gaze"].tolist() == [[18, 19, 20]]
    assert "gaze" not in samples["000"].data
    assert Folder().left_out(tmp_path) == {"1 row of gaze.npz (zzz)": "no sample has the id"}


def test_arrays_are_matched_by_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {each: rng.normal(size=(2, 5 + at)) for at, each in enumerate(IDS[:7])}
    np.savez(tmp_path / "pulse.npz", **arrays, extra=rng.normal(size=(2, 5)))
    write(tmp_path, {})
    for check in check_dataset(Folder, tmp_path):
        check()
    assert Folder().schema_of(tmp_path).modality("pulse").shape == (2, None)
    samples = read(tmp_path)
    assert np.array_equal(samples["002"].data["pulse"][0], arrays["002"].astype(np.float32))
    assert "pulse" not in samples["007"].data
    assert Folder().left_out(tmp_path) == {"1 row of pulse.npz (extra)": "no sample has the id"}


def test_a_number_of_ids_that_is_not_that_of_the_rows_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "gaze.npz", id=IDS, x=np.zeros((8, 3)))
    write(tmp_path, {})
    np.savez(tmp_path / "gaze.npz", id=IDS, x=np.zeros((7, 3)))
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "has 8 ids in id for 7 rows"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no array", "is no file of numpy"),
        (b"PK\3\4cut", "cannot be read"),
        (None, "holds an array of Python objects"),
    ],
)
def test_files_that_are_no_arrays_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is None:
        np.savez(tmp_path / "gaze.npz", x=np.array([1, None]))
    else:
        (tmp_path / "gaze.npz").write_bytes(content)
    with pytest.raises(DataError) as caught:
        write(tmp_path, {})
    assert message in caught.value.message
    assert caught.value.where == str(tmp_path / "gaze.npz")


def test_rows_without_ids_are_in_order_only_if_the_user_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(16.0).reshape(8, 2))
    (tmp_path / "metadata.csv").write_text(MAIN)
    ((question, answer),) = Folder().describe(tmp_path).questions
    assert question == "v.npy has no ids to match its rows by"
    assert answer == "--in-order if its rows are in the order of metadata.csv, or --ignore v.npy"
    assert [problem.message for problem in Folder().check(tmp_path)] == [question]
    write(tmp_path, {}, in_order=True)
    assert read(tmp_path)["003"].data["v"].tolist() == [[6, 7]]
    np.save(tmp_path / "v.npy", np.arange(14.0).reshape(7, 2))
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "has 7 rows, the table 8"


def test_a_table_called_as_a_kind_is_not_encoded_as_one(tmp_path: Path) -> None:
    write(tmp_path, {"audio.csv": "id,f0\n" + "".join(f"{each},1\n" for each in IDS)})
    assert [each.name for each in Folder().schema_of(tmp_path).modalities] == ["audio_features"]


def test_an_ignored_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(MAIN)
    with pytest.raises(SpecError, match=r"has no column 'more.csv'"):
        Folder().describe(tmp_path, ignore=("more.csv",))
