"""Frames of pandas, polars and plain columns become a folder that is understood as a table of the user is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench import MmbenchError, Sample, from_frame
from mmbench.registry import Spec, load_registry

N = 8
COLUMNS = {
    "id": [f"r{at}" for at in range(N)],
    "pulse": [60.0, float("nan"), *range(62, 62 + N - 2)],
    "sex": ["f", "m"] * 4,
    "person": ["ann", "bob", "cy", "di"] * 2,
    "comment": [f"comment number {at}" for at in range(N)],
    "mood": ["calm", "tense"] * 4,
}


def frames() -> list[Any]:
    found: list[Any] = [COLUMNS]
    for module, name in (("pandas", "DataFrame"), ("polars", "DataFrame")):
        try:
            found.append(getattr(__import__(module), name)(COLUMNS))
        except ImportError:
            continue
    return found


def read(dataset: Any) -> list[Sample]:
    component, folder = load_registry().dataset(Spec("folder")), Path(dataset)
    assert component.check(folder) == []
    return [
        each for unit in component.units(folder) for each in component.read(folder, unit) if isinstance(each, Sample)
    ]


@pytest.mark.parametrize("frame", frames(), ids=lambda frame: type(frame).__module__)
def test_columns_become_modalities(tmp_path: Path, frame: Any) -> None:
    dataset = from_frame(frame, target="mood", groups={"subject": "person"}, text="comment", cache=tmp_path)
    assert list(dataset.lines) == [
        "frame: 8 rows",
        "comment: text",
        "table: table (2): pulse, sex (2 levels)",
        "target mood: class, 2 names",
        "groups: subject = person",
        "samples: 8 (calm 4, tense 4)",
        "table: levels of sex: f, m",
        "table: empty cells in 1 of 2 columns: pulse 1",
    ]
    samples = {sample.id: sample for sample in read(dataset)}
    assert samples["r1"].data["comment"] == ["comment number 1"]
    assert samples["r1"].data["table"] == [{"pulse": None, "sex": "m"}]
    assert samples["r1"].groups == {"subject": "bob"}


def test_a_column_that_is_not_used_is_told(tmp_path: Path) -> None:
    dataset = from_frame(COLUMNS, target="mood", groups={"subject": "person"}, cache=tmp_path)
    assert "left out: column comment: not used" in str(dataset)


def test_dates_become_texts(tmp_path: Path) -> None:
    days = np.arange("2020-01-01", "2020-01-09", dtype="datetime64[D]").astype("datetime64[ns]")
    dataset = from_frame(COLUMNS | {"day": days}, target="mood", groups={"session": "day"}, cache=tmp_path)
    assert "2020-01-02T00:00:00.000000000" in {sample.groups["session"] for sample in read(dataset)}


def test_files_are_found_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(N):
        np.save(tmp_path / f"{at}.npy", np.full(3, at))
    monkeypatch.chdir(tmp_path)
    frame = {"x_file_name": [f"{at}.npy" for at in range(N)], "mood": COLUMNS["mood"]}
    dataset = from_frame(frame, target="mood", groups={}, cache=tmp_path / "cache")
    monkeypatch.chdir("/")
    assert sorted(float(sample.data["x"][0][0]) for sample in read(dataset)) == [*range(N)]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"target": "mod"}, "no column 'mod' — did you mean 'mood'?"),
        ({}, {"target": "mood", "groups": "person"}, 'write groups={"subject": "person"}'),
        ({}, {"groups": ["person"]}, 'write groups={"subject": "person"}'),
        ({}, {"groups": {"subject": ["a"] * N}}, "groups['subject']: list is no name of a column"),
        ({}, {"target": ["mood"]}, "target: list is no name of a column — write target=COLUMN"),
        ({}, {"target": None}, "target: NoneType is no name of a column"),
        ({}, {"split": ["train"] * N}, "split: list is no name of a column"),
        ({}, {"split": "sex"}, "from_frame: column sex names no part: row 1 has 'f' — use train, validation or test"),
        ({}, {"ignore": "mood"}, "ignore: column 'mood' is also target — name it once"),
        ({}, {"groups": {"subject": "person"}, "text": ["person"]}, "column 'person' is also groups['subject']"),
        ({}, {"task": "classification"}, "task: no kind of task 'classification' — write task=\"class\""),
        ({"id": ["a", "a", "b", "b", *"cdef"]}, {}, "from_frame: several rows have the id 'a' and 1 more"),
        ({"mood": ["calm"] * N}, {}, "from_frame: every row has the class 'calm' of mood"),
        ({"mood": [None] * N}, {}, "no row has a target"),
        ({"pulse": ["1,5"] * N}, {}, "decimal comma"),
        ({"pulse": [{"a": 1}] * N}, {}, "a cell holds a dict"),
        ({"x_file_name": [None] * N}, {}, 'x_file_name names no file — add ignore=["x_file_name"]'),
        (
            {"x_file_name": ["/none/a.png"] * N},
            {},
            "from_frame: x_file_name names no file that exists, such as /none/a.png — put the files there, or add ign",
        ),
        ({"pulse": [*range(N - 1), "high"]}, {}, "'high' in row 8 — add ignore=[\"pulse\"], or correct it"),
        (
            {},
            {"groups": None, "text": "person"},
            "from_frame: column person cannot be text: it is the target, the id, a",
        ),
        ({"mood": "calm"}, {}, "column 'mood' is one text"),
        ({"mood": [1, 2] * 4}, {}, 'add task="class" or task="values"'),
        ({"mood": [1]}, {}, "columns differ in length"),
        ({"pulse": [np.ones(3)] * N}, {}, "a cell holds an array — give arrays as modalities"),
        ({"pulse": [float("inf")] * N}, {}, "column 'pulse': a cell is infinite"),
        ({"x_file_name": ["a.doc"] * N}, {}, 'add ignore=["x_file_name"]'),
    ],
)
def test_what_is_not_plain_is_an_error_that_says_what_to_write(
    tmp_path: Path, change: Any, options: Any, words: str
) -> None:
    with pytest.raises(MmbenchError) as caught:
        from_frame(COLUMNS | change, **{"target": "mood", "groups": {}, "cache": tmp_path} | options)
    assert words in str(caught.value)


def test_lists_of_one_length_are_a_vector_and_others_are_not_used(tmp_path: Path) -> None:
    lists = {"x": [[1, 2]] * N, "z": [[1, 2], [1]] * (N // 2)}
    dataset = from_frame(COLUMNS | lists, target="mood", cache=tmp_path)
    assert "x: vector (2)" in dataset.lines
    assert "left out: column z: not used" in dataset.lines


def test_a_text_such_as_na_is_a_value(tmp_path: Path) -> None:
    dataset = from_frame(COLUMNS | {"mood": ["NA", "calm"] * 4}, target="mood", groups={}, cache=tmp_path)
    assert "samples: 8 (NA 4, calm 4)" in dataset.lines


def test_a_frame_with_a_target_alone_has_no_modality(tmp_path: Path) -> None:
    with pytest.raises(MmbenchError, match="no column or array is a modality — add columns other than the target"):
        from_frame({"mood": COLUMNS["mood"]}, target="mood", groups={}, cache=tmp_path)


def test_a_missing_file_concerns_its_sample(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(3))
    frame = COLUMNS | {"x_file_name": ["a.npy"] * (N - 1) + ["b.npy"]}
    dataset = from_frame(frame, target="mood", root=tmp_path, cache=tmp_path / "cache")
    assert f"missing: 1 file, such as {tmp_path / 'b.npy'}" in str(dataset)


@pytest.mark.parametrize("frame", ["data.csv", Path("data.csv")])
def test_a_path_is_given_to_the_run(frame: Any) -> None:
    with pytest.raises(MmbenchError, match=r"give the path to mmbench\.run"):
        from_frame(frame, target="a", groups={})


@pytest.mark.parametrize("frame", [[1, 2], np.ones((3, 2)), None, {}, {"a": []}])
def test_what_is_no_frame_is_refused(tmp_path: Path, frame: Any) -> None:
    with pytest.raises(MmbenchError, match="from_frame"):
        from_frame(frame, target="a", groups={}, cache=tmp_path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[1, 2, "a"]], columns=["x", "x", "y"])
    with pytest.raises(MmbenchError, match="several columns are called 'x'"):
        from_frame(frame, target="y", groups={}, cache=tmp_path)


def test_who_belongs_together_is_asked_unless_a_column_says_it(tmp_path: Path) -> None:
    assert "groups: subject = person" in str(from_frame(COLUMNS, target="mood", cache=tmp_path))
    nameless = {"who" if name == "person" else name: cells for name, cells in COLUMNS.items() if name != "sex"}
    with pytest.raises(MmbenchError) as caught:
        from_frame(nameless, target="mood", cache=tmp_path)
    assert 'add groups={"subject": "who"}, or groups={}' in str(caught.value)
    nobody = {name: cells for name, cells in nameless.items() if name != "who"} | {"x_file_name": ["a.png"] * N}
    with pytest.raises(MmbenchError) as caught:
        from_frame(nobody, target="mood", cache=tmp_path)
    assert str(caught.value).endswith('add groups={"subject": "COLUMN"}, or groups={}')
