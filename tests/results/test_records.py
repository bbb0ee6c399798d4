"""Records are read as they were written, or refused with the reason."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench import RecordError
from mmbench.results.records import Record, describe_environment, find_records, read_record, record_path, write_record
from mmbench.storage.hashing import slug

SCORES = {"accuracy": 0.5, "balanced_accuracy": 0.5, "macro_f1": 1 / 3}
RECORD = Record(
    run={"method": "late", "classes": ["a", "b"]},
    fold="s01/0",
    seed=1,
    ids=("x", "ü"),
    labels=(0, 1),
    units=("s01", "s01"),
    logits=((0.1, -0.30000001192092896), (1e-30, 2.0)),
    scores={"chosen": SCORES, "last": SCORES, "oracle": SCORES},
    epochs={"chosen": 0, "last": 1, "oracle": 0},
    history=({"train_loss": 1.0, "validation_loss": 0.7, "validation_score": 0.5},),
    parameters={"total": 3, "trainable": 3},
    seconds=0.25,
    environment=dict(describe_environment()),
)


def test_a_record_is_read_back(tmp_path: Path) -> None:
    path = record_path(tmp_path / "run", RECORD.fold, RECORD.seed)
    write_record(path, RECORD)
    assert read_record(path) == RECORD
    assert list(find_records(tmp_path / "run")) == [path]
    assert read_record(path).predictions.tolist() == [0, 1]


def test_outputs_keep_their_bits(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    columns = {"ids": tuple(map(str, range(50))), "labels": (0,) * 50, "units": ("s",) * 50}
    write_record(tmp_path / "r.json", replace(RECORD, **columns, logits=tuple(map(tuple, logits.tolist()))))
    assert np.array_equal(np.array(read_record(tmp_path / "r.json").logits, dtype=np.float32), logits)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_truncated_record_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "fold-0-seed-0.json"
    write_record(path, RECORD)
    text = path.read_text()
    path.write_text(text[: int(share * len(text))])
    with pytest.raises(RecordError, match="is not a record") as caught:
        read_record(path)
    assert caught.value.where == str(path)
    assert "run the same command again" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 99}, "format 99"),
        ({"labels": [0]}, "differ in length"),
        ({"logits": [[0, 1]]}, "differ in length"),
        ({"logits": 3}, "not iterable"),
        ({"taste": 1}, "taste"),
        ({"seed": None}, None),
    ],
)
def test_a_record_of_another_shape_is_refused(tmp_path: Path, change: dict, says: str | None) -> None:
    path = tmp_path / "r.json"
    write_record(path, RECORD)
    plain = {**json.loads(path.read_text()), **change}
    if says is None:
        del plain["seed"]
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match=says or "seed"):
        read_record(path)


@pytest.mark.parametrize("text", ["[]", '"text"', "3", "null"])
def test_other_documents_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(RecordError):
        read_record(tmp_path / "r.json")


def test_a_record_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"gone\.json"):
        read_record(tmp_path / "gone.json")


@given(st.lists(st.text(min_size=1, max_size=200), min_size=2, max_size=2, unique=True))
def test_two_folds_never_share_a_file(names: list[str]) -> None:
    one, two = (record_path(Path("run"), name, 0) for name in names)
    assert one != two
    assert one.parent == two.parent == Path("run")
    assert len(one.name.encode()) < 200


@pytest.mark.parametrize(("one", "two"), [("ä", "ö"), ("s 1", "s_1"), ("a/1", "a_1"), ("_a", "a")])
def test_similar_names_have_distinct_file_names(one: str, two: str) -> None:
    assert record_path(Path("run"), one, 0) != record_path(Path("run"), two, 0)


def test_plain_names_stay_readable() -> None:
    assert record_path(Path("run"), "s01", 2).name == "fold-s01-seed-2.json"
    assert "s01_0" in record_path(Path("run"), "s01/0", 2).name
    assert slug("only[modality=eeg]") == "only_modality=eeg"


def test_environment_lists_relevant_versions() -> None:
    found = describe_environment()
    assert {"mmbench", "torch", "numpy"} <= set(found["packages"])
    assert {"mmbench-milmer", "mmbench-datasets", "timm", "mne", "opencv-python-headless"} <= found["packages"].keys()
    assert json.loads(json.dumps(found)) == found
