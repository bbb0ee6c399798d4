import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.mosi import Mosi

FEATURES = ("text_features", "audio_features", "video_features")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six videos, of which four train."""
    folder = tmp_path / "mosi"
    Mosi().simulate(folder, subjects=6)
    return folder


def read(root: Path, **params: str) -> list[Sample]:
    dataset = Mosi(**params)  # type: ignore[arg-type]
    return [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]


def score(samples: list[Sample], *names: str) -> float:
    """Accuracy of a logistic regression on vectors, official split."""
    x = np.concatenate([np.concatenate([sample.data[name] for sample in samples]) for name in names], axis=1)
    y = np.array([sample.labels["sentiment"] for sample in samples])
    is_train = np.array([sample.split == "train" for sample in samples])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(x[is_train], y[is_train])
    return float(model.score(x[~is_train], y[~is_train]))


def change(path: Path, edit: Callable[[list[list[str]]], object]) -> None:
    """Edit the rows of a file in place."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("transcripts", ["text", "audio_features", "video_features"]),
        ("features", ["text_features", "audio_features", "video_features"]),
        ("both", ["text", "text_features", "audio_features", "video_features"]),
    ],
)
def test_the_words_come_as_text_or_as_features(root: Path, text: str, names: list[str]) -> None:
    schema = Mosi(text=text).schema()  # type: ignore[arg-type]
    assert [modality.name for modality in schema.modalities] == names
    for sample in read(root, text=text):
        assert list(sample.data) == names
        for modality in schema.modalities:
            (value,) = sample.data[modality.name]
            is_text = modality.kind == "text"
            assert isinstance(value, str) if is_text else (value.shape, value.dtype) == (modality.shape, np.float32)


def test_samples_come_in_the_order_of_the_tables(root: Path) -> None:
    samples = read(root)
    assert [sample.split for sample in samples] == ["train"] * 48 + ["test"] * 24
    assert samples[0].id == "video000_1"
    assert samples[-1].id == "video005_12"
    assert samples[-1].groups == {"video": "video005"}


def test_rows_of_transcripts_are_found_by_number(root: Path) -> None:
    """The tables of a part may name the transcripts in any order."""
    before = read(root, text="both")
    for name in ("text_train.csv", "text_train0.csv", "audio_train0.csv", "video_train0.csv"):
        change(root / name, list.reverse)
    assert Mosi().check(root) == []
    after = read(root, text="both")
    for left, right in zip(before[:48], reversed(after[:48]), strict=True):
        assert (left.id, left.labels, left.data["text"]) == (right.id, right.labels, right.data["text"])
        np.testing.assert_array_equal(left.data["video_features"], right.data["video_features"])


def test_a_file_that_is_missing_is_named(root: Path) -> None:
    (root / "audio_test0.csv").unlink()
    (problem,) = Mosi().check(root)
    assert (problem.path, problem.message) == (str(root / "audio_test0.csv"), "is missing")
    assert "github.com" in problem.remedy


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    (problem,) = Mosi().check(tmp_path / "nowhere")
    assert problem.message == "no such folder"
    assert {Path(problem.path).name for problem in Mosi().check(tmp_path)} >= {"transcripts.csv", "video_train0.csv"}


def replace(row: int, column: int, cell: str) -> Callable[[list[list[str]]], object]:
    def edit(rows: list[list[str]]) -> None:
        rows[row][column] = cell

    return edit


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("audio_train0.csv", lambda rows: rows.pop(), "has 47 rows, where text_train0.csv has 48"),
        ("text_test.csv", lambda rows: rows.pop(), "has 23 rows, where text_test0.csv has 24"),
        ("video_test0.csv", lambda rows: rows[2].pop(), "row 3 has 100 columns, not 101"),
        ("video_test0.csv", replace(1, 7, "much"), "row 2 has 'much', not a number"),
        ("audio_test0.csv", replace(1, 7, "nan"), "row 2 has NaN or infinite values"),
        ("audio_test0.csv", replace(1, -1, "2"), "row 2 has the label 2, where transcripts.csv has another"),
        ("text_train.csv", replace(3, 0, "99"), "row 4 names the utterance 99, not one of the 72 of transcripts.csv"),
        ("text_train.csv", replace(3, 0, "2.5"), "row 4 names the utterance 2.5, not one of the 72"),
        ("text_train.csv", replace(3, 0, "0"), "row 4 names the utterance 0, again"),
        ("text_train.csv", replace(3, 1, "9.5"), "row 4 has other features than text_train0.csv"),
        ("transcripts.csv", replace(1, 3, "1.4"), "row 2 has the label '1.4', not 0 or 1"),
        ("transcripts.csv", replace(1, 0, "clip"), "row 2 has the id 'clip', not VIDEO_NUMBER"),
        ("transcripts.csv", replace(1, 0, "video000_1"), "row 2 has the id 'video000_1', again"),
    ],
)
def test_a_damaged_table_is_named(root: Path, name: str, edit, message: str) -> None:
    change(root / name, edit)
    (problem,) = Mosi().check(root)
    assert problem.path == str(root / name)
    assert problem.message.startswith(message)
    assert problem.remedy
    with pytest.raises(DataError, match=name):
        read(root)


def test_an_utterance_of_both_parts_is_a_problem(root: Path) -> None:
    for name in ("text_{}.csv", "text_{}0.csv", "audio_{}0.csv", "video_{}0.csv"):
        (root / name.format("test")).write_bytes((root / name.format("train")).read_bytes())
    (problem,) = Mosi().check(root)
    assert problem.path == str(root / "text_test.csv")
    assert problem.message == "48 of its utterances are in the training part, too, such as video000_1"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), ("é".encode("latin1"), "is not UTF-8"), (b'"a","b', "is not a CSV file")],
)
def test_a_file_of_something_else_is_named(root: Path, content: bytes, message: str) -> None:
    (root / "transcripts.csv").write_bytes(content)
    (problem,) = Mosi().check(root)
    assert problem.message.startswith(message)


def test_what_is_to_know_of_the_features_is_told(root: Path) -> None:
    learnt, speakers = Mosi(text="features").assumptions(root)
    assert learnt.startswith("text and video features were learnt on the labels of the training part")
    assert Mosi().assumptions(root)[0].startswith("video features")
    assert speakers.startswith("speakers: unknown")


def test_the_simulated_modalities_add_up(tmp_path: Path) -> None:
    Mosi().simulate(tmp_path, subjects=90)
    assert Mosi().card_of(tmp_path).access == "simulated"
    assert Mosi().left_out(tmp_path)
    samples = read(tmp_path, text="both")
    scores = {name: score(samples, name) for name in FEATURES}
    assert min(scores.values()) > 0.6
    assert score(samples, *FEATURES) > max(scores.values())
    happy = [any(word in sample.data["text"][0] for word in ("GOOD", "GREAT", "HAPPY")) for sample in samples]
    positive = np.array([sample.labels["sentiment"] for sample in samples])
    assert positive[happy].mean() > 0.7


def test_without_strength_nothing_tells_the_simulated_sentiment(tmp_path: Path) -> None:
    Mosi().simulate(tmp_path, subjects=90, strength=0)
    samples = read(tmp_path, text="features")
    assert 0.4 < score(samples, *FEATURES) < 0.6


def test_one_video_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="subjects is 1"):
        Mosi().simulate(tmp_path, subjects=1)


@pytest.mark.shared
def test_the_real_tables(shared: Path) -> None:
    root = shared / "mosi"
    assert Mosi().check(root) == []
    samples = read(root, text="both")
    assert [sum(sample.split == part for sample in samples) for part in ("train", "test")] == [1447, 752]
    videos = [{sample.groups["video"] for sample in samples if sample.split == part} for part in ("train", "test")]
    assert [len(part) for part in videos] == [62, 31]
    assert not videos[0] & videos[1]
    assert samples[0].id == "1DmNV9C1hbY_10"
    scores = {name: score(samples, name) for name in FEATURES}
    assert scores == pytest.approx(dict(zip(FEATURES, (0.757, 0.557, 0.515), strict=True)), abs=0.003)
    assert score(samples, *FEATURES) == pytest.approx(0.767, abs=0.003)
