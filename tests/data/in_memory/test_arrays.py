"""Arrays and frames in memory become folders that the dataset ``folder`` reads back."""

from pathlib import Path

import numpy as np
import pytest

import mmbench
from mmbench.registry import Spec, load_registry

N = 12
SUBJECTS = [f"p{at % 4}" for at in range(N)]
TEXTS = [None if at == 2 else f"words {at}" for at in range(N)]


def read_back(folder: Path) -> list[mmbench.Sample]:
    dataset = load_registry().dataset(Spec("folder"))
    assert dataset.check(folder) == []
    found = {sample.id: sample for unit in dataset.units(folder) for sample in dataset.read(folder, unit)}
    return [found[f"row-{at + 1:06d}"] for at in range(N) if f"row-{at + 1:06d}" in found]


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    signals, facts = random(N, 3, 16), random(N, 5)
    facts[4] = np.nan
    pictures = np.random.default_rng(1).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)
    uneven = [None if at == 1 else random(2, 5 + at) for at in range(N)]
    data = mmbench.from_arrays(
        {"eeg": signals, "facts": facts, "face": pictures, "text": TEXTS, "a/b": uneven},
        [at % 3 for at in range(N)],
        groups={"subject": SUBJECTS},
        rates={"eeg": 8, "a/b": 4},
        cache=tmp_path,
    )
    samples = read_back(data.path)
    assert [sample.groups["subject"] for sample in samples] == SUBJECTS
    for at, sample in enumerate(samples):
        np.testing.assert_array_equal(np.asarray(sample.data["eeg"]).reshape(3, 16), signals[at])
        assert ("facts" in sample.data and sample.data["facts"] is not None) == (at != 4)
        assert ("text" in sample.data and sample.data["text"] is not None) == (at != 2)
    dataset = load_registry().dataset(Spec("folder"))
    schema = dataset.schema_of(data.path)
    assert {each.name: each.kind for each in schema.modalities} == {
        "eeg": "timeseries",
        "facts": "vector",
        "face": "image",
        "text": "text",
        "a/b": "timeseries",
    }
    assert schema.modality("a/b").is_open
    assert schema.modality("eeg").rate == 8
    assert schema.tasks["target"].names == ("0", "1", "2")
    assert "facts: vector 5, missing in 1 of 12 samples" in str(data)


def test_the_same_content_is_one_folder(tmp_path: Path) -> None:
    def make(x: np.ndarray) -> Path:
        return mmbench.from_arrays({"x": x}, [0, 1] * 6, groups={}, cache=tmp_path).path

    x = random(N, 2)
    assert make(x) == make(x.copy()) != make(x + 1)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["a", "b"] * 6, "class"),
        ([True, False] * 6, "class"),
        (np.arange(N) / 7, "values"),
        (np.eye(N)[:, :3].astype(int), "labels"),
        (random(N, 2), "values"),
    ],
)
def test_the_kind_of_the_task_follows_from_the_targets(tmp_path: Path, y: object, kind: str) -> None:
    data = mmbench.from_arrays({"x": random(N, 2)}, y, groups={}, cache=tmp_path)
    task = load_registry().dataset(Spec("folder")).schema_of(data.path).tasks["target"]
    assert task.kind == kind
    assert len(read_back(data.path)) == N


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modalities": {"x": random(N, 3, 4)}}, 'write rates={"x": 128}'),
        ({"modalities": {"x": random(N - 1, 3)}}, "has 11 samples, but y has 12"),
        ({"modalities": {"x": [1, 2] * 6}}, "neither of str nor of arrays"),
        ({"modalities": {"x": np.where(np.eye(N) > 0, np.inf, 0.0)}}, "sample 0 has a value that is not finite"),
        ({"groups": {"subject": ["a"]}}, "groups['subject']: has 1 entries"),
        ({"split": ["train"] * 11 + ["dev"]}, "sample 11 has the part 'dev'"),
        ({"task": "sorting"}, "no kind of task 'sorting'"),
        ({"y": [None] * N}, "no sample has a target"),
        ({"rates": {"z": 1.0}}, "there is no modality 'z'"),
    ],
)
def test_what_is_not_plain_is_one_line(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"modalities": {"x": random(N, 3)}, "y": [0, 1] * 6, "groups": {}, **arguments}
    with pytest.raises(mmbench.UserError) as caught:
        mmbench.from_arrays(given.pop("modalities"), given.pop("y"), cache=tmp_path, **given)  # type: ignore[arg-type]
    assert message in caught.value.line


def test_a_sample_without_a_target_is_left_out_and_told(tmp_path: Path) -> None:
    data = mmbench.from_arrays({"x": random(N, 2)}, [None, *["a", "b"] * 5, "a"], groups={}, cache=tmp_path)
    assert len(read_back(data.path)) == N - 1
    assert "1 without a target" in str(data)


def test_columns_are_a_dataset(tmp_path: Path) -> None:
    columns = {"age": list(range(N)), "words": TEXTS, "who": SUBJECTS, "label": ["x", "y"] * 6}
    data = mmbench.from_frame(
        columns, target="label", groups={"subject": "who"}, ignore=["words"], name="ages", cache=tmp_path
    )
    dataset = load_registry().dataset(Spec("folder"))
    assert dataset.name_of(data.path) == "ages"
    assert dataset.schema_of(data.path).tasks["label"].names == ("x", "y")
    assert sum(1 for unit in dataset.units(data.path) for _ in dataset.read(data.path, unit)) == N


def test_a_column_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(mmbench.SpecError, match="no column 'labl'"):
        mmbench.from_frame({"label": [0, 1]}, target="labl", groups={}, cache=tmp_path)


def test_a_setting_of_training_as_an_option_says_what_to_write() -> None:
    with pytest.raises(mmbench.SpecError) as caught:
        mmbench.run("concat", "mfeat", epochs=3)
    assert 'write training={"epochs": 3}' in caught.value.line


def test_a_misspelt_option_is_named() -> None:
    with pytest.raises(mmbench.SpecError) as caught:
        mmbench.run("concat", "mfeat", sed=3)
    assert "did you mean 'seeds'" in caught.value.line
