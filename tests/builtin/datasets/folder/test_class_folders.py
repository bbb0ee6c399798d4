"""Folders of classes: labels, parts, groups from names, and trees that are not plain."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmbench import DataError, Sample, SpecError
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.conformance import check_dataset

CLASSES = [f"{name}/s{at}_{name}.png" for name in ("cat", "dog") for at in range(3)]


def write(folder: Path, paths: Iterable[str]) -> Path:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".png":
            Image.new("RGB", (8, 8), (len(path), 0, 0)).save(file)
        elif file.suffix == ".wav":
            soundfile.write(file, np.random.default_rng(len(path)).normal(0, 0.1, 400), 8000)
        else:
            file.write_text(path)
    return folder


def describe(folder: Path, groups: Mapping[str, str]) -> Path:
    found = Folder().describe(folder, groups=groups)
    assert found.questions == []
    found.path.write_text(found.text, encoding="utf-8")
    return folder


def read(folder: Path) -> list[Sample]:
    samples = [each for unit in Folder().units(folder) for each in Folder().read(folder, unit)]
    assert all(isinstance(each, Sample) for each in samples)
    return samples


def test_labels_are_names_of_folders(tmp_path: Path) -> None:
    describe(write(tmp_path, CLASSES), {"subject": r"file_name:(s\d+)_"})
    for check in check_dataset(Folder, tmp_path):
        check()
    assert Folder().schema_of(tmp_path).tasks["label"].names == ("cat", "dog")
    samples = {sample.id: sample for sample in read(tmp_path)}
    assert samples["dog/s1_dog.png"].labels == {"label": 1}
    assert samples["dog/s1_dog.png"].groups == {"subject": "s1"}
    assert samples["dog/s1_dog.png"].data["image"] == [(tmp_path / "dog" / "s1_dog.png").read_bytes()]
    assert samples["dog/s1_dog.png"].split is None


@pytest.mark.parametrize("names", [("train", "val", "test"), ("training", "dev", "evaluation")])
def test_parts_are_names_of_the_upper_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    describe(write(tmp_path, [f"{part}/{path}" for part in names for path in CLASSES]), {})
    parts = {sample.id.partition("/")[0]: sample.split for sample in read(tmp_path)}
    assert parts == dict(zip(names, ("train", "validation", "test"), strict=True))
    assert (
        "official split: column split (train 6, validation 6, test 6), with --protocol official"
        in Folder().describe(tmp_path).lines
    )


def test_who_is_a_subject_is_asked(tmp_path: Path) -> None:
    found = Folder().describe(write(tmp_path, CLASSES))
    ((question, answer),) = found.questions
    assert question == "no column says who or what must stay in one part"
    assert answer == "--group subject=COLUMN, --group 'subject=file_name:PATTERN', or --group none"
    assert len(Folder().check(tmp_path)) == 1


def test_a_name_in_which_the_pattern_finds_nothing_is_a_problem(tmp_path: Path) -> None:
    describe(write(tmp_path, [*CLASSES, "cat/nobody.png"]), {"subject": r"file_name:(s\d+)_"})
    (problem,) = Folder().check(tmp_path)
    assert "1 row in whose file_name the pattern (s\\d+)_ finds nothing" in problem.message
    assert "cat/nobody.png" in problem.message
    assert problem.concerns == "sample"
    errors = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    assert [each.message for each in errors if isinstance(each, DataError)] == ["cat/nobody.png has no subject"]


@pytest.mark.parametrize("pattern", ["(s", "s1", "(s)(1)"])
def test_a_pattern_needs_one_group(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SpecError) as caught:
        Folder().describe(write(tmp_path, CLASSES), groups={"subject": f"file_name:{pattern}"})
    assert caught.value.where == "--group"
    assert pattern in caught.value.message


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([*CLASSES, "train/cat/a.png"], "has files in cat and in train/cat"),
        ([f"{part}/{path}" for part in ("train", "more") for path in CLASSES], "has the folder more with folders"),
        ([*CLASSES, "cat/a.wav"], "files of several kinds in folders of classes: 1 of audio, 6 of image"),
        (["train/a.png", "test/b.png"], "has files in test and train, which are parts"),
        (["notes.txt"], "holds no table of samples"),
    ],
)
def test_trees_that_are_not_plain_are_refused(tmp_path: Path, paths: list[str], message: str) -> None:
    (problem,) = Folder().check(write(tmp_path, paths))
    assert message in problem.message
    assert problem.remedy


def test_what_is_no_sample_is_told(tmp_path: Path) -> None:
    describe(write(tmp_path, [*CLASSES, "cat/a.webp", "cat/.hidden", "cat/deep/deeper/a.txt"]), {})
    left = Folder().left_out(tmp_path)
    assert left.keys() == {"cat/a.webp", "cat/deep"}
    assert left["cat/a.webp"].startswith("is not one of .png, .jpg")
    assert left["cat/deep"] == "is a folder in that of a class"


def test_recordings_and_classes_called_as_a_part(tmp_path: Path) -> None:
    describe(write(tmp_path, [f"{name}/{at}.wav" for name in ("train", "car") for at in range(3)]), {})
    schema = Folder().schema_of(tmp_path)
    assert [(each.kind, each.rate) for each in schema.modalities] == [("audio", 8000)]
    assert schema.tasks["label"].names == ("car", "train")


def test_features_are_matched_by_the_names_of_files(tmp_path: Path) -> None:
    write(tmp_path, CLASSES)
    np.savez(tmp_path / "embedding.npz", id=CLASSES[::-1], x=np.arange(12.0).reshape(6, 2))
    describe(tmp_path, {})
    samples = {sample.id: sample for sample in read(tmp_path)}
    assert samples[CLASSES[0]].data["embedding"].tolist() == [[10, 11]]


def test_a_new_file_is_found(tmp_path: Path) -> None:
    describe(write(tmp_path, CLASSES), {})
    assert Folder().contents(tmp_path) == {"cat": 3, "dog": 3}
    write(tmp_path, ["cat/new.png"])
    assert Folder().contents(tmp_path) == {"cat": 4, "dog": 3}


def test_a_folder_that_is_linked_into_itself_has_its_classes_once(tmp_path: Path) -> None:
    plain = {sample.id for sample in read(describe(write(tmp_path / "plain", CLASSES), {}))}
    root = write(tmp_path / "linked", CLASSES)
    (root / "again").symlink_to(root)
    (root / "cat" / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    assert {sample.id for sample in read(describe(root, {}))} == plain


@pytest.mark.parametrize(("link", "target"), [("kitten", "cat"), ("cat/inner", "dog")])
def test_a_class_that_is_another_by_a_link_is_refused(tmp_path: Path, link: str, target: str) -> None:
    root = write(tmp_path, CLASSES)
    (root / link).symlink_to(root / target)
    with pytest.raises(DataError, match="which are the same by a link — remove the link"):
        Folder().describe(root)
