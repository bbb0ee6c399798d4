"""Folders with a table for each part of the official split, and a table whose files are in folders of parts."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmbench import DataError, Sample
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.builtin.datasets.folder.layout import open_layout
from mmbench.conformance import check_dataset


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.new("RGB", (8, 8), (len(text), 0, 0)).save(path)
        else:
            path.write_text(text, encoding="utf-8")
    return root


def describe(root: Path) -> list[str]:
    found = Folder().describe(root)
    assert found.questions == []
    found.path.write_text(found.text, encoding="utf-8")
    assert Folder().check(root) == []
    return list(found.lines)


def read(root: Path) -> dict[str, Sample]:
    samples = [each for unit in Folder().units(root) for each in Folder().read(root, unit)]
    assert all(isinstance(each, Sample) for each in samples)
    return {each.id: each for each in samples if isinstance(each, Sample)}


def pictures(part: str) -> dict[str, str]:
    names = [f"{part[0]}{at}.png" for at in range(4)]
    rows = [f"{name},{part}{at // 2},{'xy'[at % 2]}" for at, name in enumerate(names)]
    return {f"{part}/metadata.csv": "\n".join(["file_name,subject,label", *rows]), **{f"{part}/{n}": n for n in names}}


def features(column: str = "pulse", first: int = 0) -> str:
    rows = [f"a{at},s{at // 2},{at}.5,{'xy'[at % 2]}" for at in range(first, first + 4)]
    return "\n".join([f"id,subject,{column},label", *rows])


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("training", "dev", "eval"), ("Train", "valid")])
def test_names_of_files_start_from_the_table_of_their_part(tmp_path: Path, names: tuple[str, ...]) -> None:
    root = write(tmp_path, {name: text for part in names for name, text in pictures(part).items()})
    lines = describe(root)
    assert lines[0] == f"table: {', '.join(f'{name}/metadata.csv' for name in names)}, {4 * len(names)} rows"
    for check in check_dataset(Folder, root):
        check()
    samples = read(root)
    parts = {key.partition("/")[0]: sample.split for key, sample in samples.items()}
    assert parts == dict(zip(names, ("train", "validation", "test"), strict=False))
    first = f"{names[0]}/{names[0][0]}0.png"
    assert samples[first].data["image"] == [(root / first).read_bytes()]


def test_tables_of_several_formats_are_read_as_one(tmp_path: Path) -> None:
    write(tmp_path, pictures("train") | pictures("test"))
    rows = [f'{{"file_name": ["t{at}.png"], "subject": "z{at // 2}", "label": "{"xy"[at % 2]}"}}' for at in range(4)]
    (tmp_path / "test" / "metadata.csv").unlink()
    write(tmp_path, {"test/metadata.jsonl": "\n".join(rows)})
    describe(tmp_path)
    assert sum(sample.split == "test" for sample in read(tmp_path).values()) == 4


def test_tables_beside_one_another_are_parts(tmp_path: Path) -> None:
    write(tmp_path, {"train.csv": features(), "test.csv": features(first=4).replace(",", ";")})
    lines = describe(tmp_path)
    assert "official split: column split (train 4, test 4), with --protocol official" in lines
    assert read(tmp_path)["a5"].split == "test"


def test_another_table_is_matched_with_those_of_the_parts(tmp_path: Path) -> None:
    voice = "\n".join(["id,pitch", *(f"a{at},{at}.25" for at in range(8))])
    write(tmp_path, {"train/metadata.csv": features(), "test/metadata.csv": features(first=4), "voice.csv": voice})
    describe(tmp_path)
    assert read(tmp_path)["a6"].data["voice"] == [{"pitch": 6.25}]


def test_a_changed_table_of_a_part_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, {"train/metadata.csv": features(), "test/metadata.csv": features(first=4)})
    assert len(open_layout(tmp_path).rows) == 8
    write(tmp_path, {"validation/metadata.csv": features(first=8)})
    assert len(open_layout(tmp_path).rows) == 12


def test_a_column_that_one_table_lacks_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"train/metadata.csv": features(), "test/metadata.csv": features("rate", 4)})
    lines = describe(tmp_path)
    assert "column pulse: not in test/metadata.csv, empty in their rows" in lines
    assert "column rate: not in train/metadata.csv, empty in their rows" in lines


def test_one_part_alone_has_no_other(tmp_path: Path) -> None:
    write(tmp_path, {"train/metadata.csv": features()})
    assert "official split: column split (train 4)" in describe(tmp_path)
    assert {sample.split for sample in read(tmp_path).values()} == {"train"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"train/metadata.csv": features(), "test/metadata.csv": features()},
            r"several rows have the id 'a0' and 3 more \(train/metadata.csv row 2, test/metadata.csv row 2\)",
        ),
        (
            {"train/metadata.csv": features(), "test/1.png": ""},
            "has train/metadata.csv, but no table in test; add test/metadata.csv",
        ),
        (
            {"dev/metadata.csv": features(), "valid/metadata.csv": features(first=4)},
            "has dev/metadata.csv and valid/metadata.csv, which are both the part validation",
        ),
        (
            {"metadata.csv": features(), "train/metadata.csv": features(first=4)},
            "holds metadata.csv and train/metadata.csv, which may both be the table of samples",
        ),
        (
            {"train/metadata.csv": features(), "train/metadata.jsonl": "{}"},
            "holds metadata.csv and metadata.jsonl, which may both be the table of samples",
        ),
        (
            {"train.csv": features().replace("pulse", "split"), "test.csv": features(first=4)},
            "row 2 has '0.5' in column split, but the table is that of the part train",
        ),
        ({"train/cat/1.png": "", "training/cat/2.png": ""}, "train and training, which are both the part train"),
        ({"train/1.png": "", "test/2.png": ""}, "no folders of classes in these; move .* or write test/metadata.csv"),
    ],
)
def test_conflicts_are_problems(tmp_path: Path, files: dict[str, str], message: str) -> None:
    problems = Folder().check(write(tmp_path, files))
    assert any(re.search(message, f"{problem.message}; {problem.remedy}") for problem in problems)


def test_folders_of_parts_in_names_of_files_are_the_split(tmp_path: Path) -> None:
    write(tmp_path, pictures("train") | pictures("test"))
    tables = [tmp_path / part / "metadata.csv" for part in ("train", "test")]
    rows = [f"{path.parent.name}/{row}" for path in tables for row in path.read_text().splitlines()[1:]]
    for path in tables:
        path.unlink()
    write(tmp_path, {"metadata.csv": "\n".join(["file_name,subject,label", *rows])})
    lines = describe(tmp_path)
    assert "official split: file_name:^([^/]+)/ (train 4, test 4), with --protocol official" in lines
    assert {key.partition("/")[0]: sample.split for key, sample in read(tmp_path).items()} == {
        "train": "train",
        "test": "test",
    }


def test_a_pattern_finds_the_parts(tmp_path: Path) -> None:
    text = features().replace("a0", "train_0").replace("a1", "train_1").replace("a2", "test_2").replace("a3", "dev_3")
    write(tmp_path, {"metadata.csv": text})
    found = Folder().describe(tmp_path, split="id:([a-z]+)_")
    found.path.write_text(found.text, encoding="utf-8")
    assert [sample.split for sample in read(tmp_path).values()] == ["train", "train", "test", "validation"]


def test_a_part_that_is_gone_is_an_error(tmp_path: Path) -> None:
    describe(write(tmp_path, {"train/metadata.csv": features(), "test/metadata.csv": features(first=4)}))
    for part in ("train", "test"):
        (tmp_path / part / "metadata.csv").unlink()
    with pytest.raises(DataError, match="has no tables of parts"):
        Folder().units(tmp_path)


def save_parts(root: Path, change: Mapping[str, object] | None = None, name: str = "{}.npz") -> Path:
    """Features of eight samples in the files of two parts; ``change`` replaces arrays of the second."""
    for at, part in enumerate(("train", "test")):
        ids = [f"a{4 * at + row}" for row in range(4)]
        arrays: dict[str, object] = {
            "id": ids,
            "subject": [f"s{each[1]}" for each in ids],
            "label": ["x", "y"] * 2,
            "voice": np.arange(12.0).reshape(4, 3) + 100 * at,
            "motion": np.arange(40.0).reshape(4, 2, 5) + 100 * at,
        }
        arrays |= (change or {}) if at else {}
        path = root / name.format(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{key: each for key, each in arrays.items() if each is not None})  # type: ignore[arg-type]
    return root


@pytest.mark.parametrize("name", ["{}.npz", "{}/features.npz"])
def test_features_of_each_part_are_joined_row_by_row(tmp_path: Path, name: str) -> None:
    save_parts(tmp_path, name=name)
    before = {key: sample.data["voice"].tolist() for key, sample in read(tmp_path).items()}
    lines = describe(tmp_path)
    assert "official split: column split (train 4, test 4), with --protocol official" in lines
    assert "voice: vector (3)" in lines
    assert "motion: timeseries (2, 5)" in lines
    samples = read(tmp_path)
    assert {key: sample.data["voice"].tolist() for key, sample in samples.items()} == before
    assert samples["a1"].data["voice"].tolist() == [[3.0, 4.0, 5.0]]
    assert samples["a5"].data["voice"].tolist() == [[103.0, 104.0, 105.0]]
    assert samples["a7"].data["motion"][0].tolist() == (np.arange(30.0, 40.0).reshape(2, 5) + 100).tolist()
    assert {key: sample.split for key, sample in samples.items()} == {
        f"a{at}": "train" if at < 4 else "test" for at in range(8)
    }
    for check in check_dataset(Folder, tmp_path):
        check()


def test_features_that_differ_in_shape_between_parts_are_refused(tmp_path: Path) -> None:
    save_parts(tmp_path, {"voice": np.ones((4, 2))})
    (problem,) = Folder().check(tmp_path)
    assert problem.path == str(tmp_path / "test.npz")
    assert problem.message == "voice has rows of (2,), that of train.npz of (3,)"


def test_features_that_a_part_lacks_are_asked_for(tmp_path: Path) -> None:
    save_parts(tmp_path, {"voice": None})
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "test.npz has no array voice, which another part has"


def test_features_of_parts_beside_a_table_are_its_arrays(tmp_path: Path) -> None:
    """They are matched with the table by their ids, as arrays of any other name."""
    save_parts(tmp_path)
    rows = "\n".join(f"a{at},s{at},{'xy'[at % 2]}" for at in range(8))
    write(tmp_path, {"metadata.csv": f"id,subject,label\n{rows}"})
    layout = open_layout(tmp_path)
    assert layout.described.table == "metadata.csv"
    assert {stream.file for stream in layout.described.streams.values()} == {"train.npz", "test.npz"}


def test_the_table_of_a_folder_and_of_a_part_is_found_in_any_case(tmp_path: Path) -> None:
    write(tmp_path, {"Metadata.csv": features(), "other.csv": "id,more\na0,1"})
    assert open_layout(tmp_path).table.path.name == "Metadata.csv"
    write(tmp_path / "two", {"train/Labels.csv": features(), "train/b.csv": "id\n1", "test/x.csv": features(first=4)})
    assert [path.name for path in open_layout(tmp_path / "two").table.files] == ["Labels.csv", "x.csv"]


def test_a_part_that_is_linked_into_itself_is_read(tmp_path: Path) -> None:
    root = write(tmp_path, pictures("train") | pictures("test"))
    (root / "train" / "loop").symlink_to(root)
    (root / "test" / "self").symlink_to(root / "test" / "self")
    (root / "validation").mkdir()
    (root / "validation" / "up").symlink_to(root)
    assert len(read(root)) == 8
