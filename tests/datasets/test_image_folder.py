"""A folder for each class: what is found, who is held out, what is refused. The images are drawn."""

import errno
import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mmbench
from mmbench import DataError, SpecError, Task, conformance
from mmbench.data.inventory import take_inventory
from mmbench.data.preparation import Preparation, prepare
from mmbench.registry.specs import Spec
from mmbench.reporting.terminal.warnings import find_warnings
from mmbench.results.comparison import describe_run
from mmbench.storage.progress import SilentReporter, use_reporter
from mmbench_datasets.image_folder import ImageFolder
from mmbench_datasets.image_folder import dataset as module
from mmbench_datasets.image_folder.decode import read_square

QUICK = {"epochs": 1}


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def draw(path: Path, size: tuple[int, int] = (40, 32), shade: int = 128, mode: str = "RGB", **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(str(path))).integers(0, 40, (size[1], size[0], 3))
    Image.fromarray((noise + shade).clip(0, 255).astype(np.uint8)).convert(mode).save(path, **options)
    return path


def pixels(coded: object) -> np.ndarray:
    assert isinstance(coded, bytes)
    return np.asarray(Image.open(io.BytesIO(coded)))


def test_transparency_reaches_the_host_which_composites_it(tmp_path: Path) -> None:
    draw(tmp_path / "opaque.png")
    clear = Image.new("RGBA", (40, 32), (0, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    modes = {
        name: Image.open(io.BytesIO(read_square(tmp_path / f"{name}.png", 8))).mode for name in ("opaque", "clear")
    }
    assert modes == {"opaque": "RGB", "clear": "RGBA"}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Six people, each neutral and smiling; smiles are brighter."""
    root = tmp_path / "people"
    for name in ("ann", "bob", "cem", "dan", "eva", "fay"):
        draw(root / "neutral" / f"{name}.jpg", shade=30)
        draw(root / "smiling" / f"{name}.png", shade=200)
    return root


def made(root: Path, names: list[str]) -> Path:
    for name in names:
        draw(root / name)
    return root


def test_conformance(people: Path) -> None:
    outcomes = [check.run() for check in conformance.check_dataset(ImageFolder, people, size=32)]
    assert len(outcomes) > 10
    assert [outcome for outcome in outcomes if not outcome.ok or outcome.skipped] == []


def test_folders_are_classes_and_names_that_recur_are_people(people: Path) -> None:
    schema = ImageFolder(size=32).schema_of(people)
    assert schema.tasks == {"class": Task("class", ("neutral", "smiling"))}
    assert schema.groups == ("subject",)
    (sample, *_) = ImageFolder(size=32).read(people, "smiling/0")
    assert (sample.id, sample.labels, sample.groups) == ("smiling/ann.png", {"class": 1}, {"subject": "ann"})


def test_without_files_only_the_images_are_known() -> None:
    schema = ImageFolder(size=48).schema()
    assert schema.modality("image").shape == (3, 48, 48)
    assert schema.tasks == {"class": Task("class", ())}
    assert schema.groups == ()
    assert ImageFolder(person="^(.)").schema().groups == ("subject",)


def test_parts_are_put_together(tmp_path: Path) -> None:
    made(tmp_path, ["train/sad/Training_1.png", "test/sad/Test_1.png", "train/happy/Training_7.png"])
    dataset = ImageFolder(size=32)
    assert dataset.check(tmp_path) == []
    assert dataset.units(tmp_path) == ["happy/0", "sad/0"]
    ids = [sample.id for unit in dataset.units(tmp_path) for sample in dataset.read(tmp_path, unit)]
    assert ids == ["train/happy/Training_7.png", "test/sad/Test_1.png", "train/sad/Training_1.png"]
    assert dataset.schema_of(tmp_path).groups == ()


def test_numbered_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    made(tmp_path, ["10/a.jpg", "2/b.jpg", "1/c.jpg"])
    assert ImageFolder().schema_of(tmp_path).tasks == {"class": Task("class", ("1", "2", "10"))}


@pytest.mark.parametrize(
    ("person", "names", "found"),
    [
        ("auto", ["a/001.jpg", "a/007.jpg", "b/001.jpg", "b/007.jpg"], ["001", "007", "001", "007"]),
        ("auto", ["a/001.jpg", "a/002.jpg", "b/001.jpg", "b/002.jpg"], None),
        ("auto", ["a/9.jpg", "a/10.jpg", "b/9.jpg", "b/11.jpg", "b/10.jpg"], None),
        ("(.*)", ["a/001.jpg", "a/002.jpg", "b/001.jpg", "b/002.jpg"], ["001", "002", "001", "002"]),
        ("auto", ["a/im0.jpg", "a/im1.jpg", "b/im0.jpg", "b/im1.jpg", "b/im2.jpg"], None),
        ("auto", ["a/im0.jpg", "a/im1.jpg", "b/x0.jpg", "b/x1.jpg"], None),
        ("^(S[0-9]+)", ["a/S005_1.jpg", "a/S011_1.jpg", "b/S005_2.jpg"], ["S005", "S011", "S005"]),
        ("^[A-B]([FM][0-9]{2})", ["a/AF01HA.jpg", "b/BF01SA.jpg"], ["F01", "F01"]),
        (None, ["a/001.jpg", "b/001.jpg"], None),
    ],
    ids=[
        "recurring",
        "numbered-alike",
        "numbered-from-nine",
        "numbers-said-to-be-people",
        "counted",
        "never-again",
        "first-part",
        "sessions",
        "none",
    ],
)
def test_who_is_on_an_image(tmp_path: Path, person: str | None, names: list[str], found: list[str] | None) -> None:
    dataset = ImageFolder(size=16, person=person)
    made(tmp_path, names)
    assert dataset.check(tmp_path) == []
    assert dataset.schema_of(tmp_path).groups == (("subject",) if found else ())
    samples = [sample for unit in dataset.units(tmp_path) for sample in dataset.read(tmp_path, unit)]
    assert [sample.groups.get("subject") for sample in samples] == (found or [None] * len(names))


def test_file_name_without_a_person_is_reported(tmp_path: Path) -> None:
    made(tmp_path, ["a/S1_x.jpg", "b/S2_x.jpg", "b/stray.jpg"])
    (problem,) = ImageFolder(person="^(S[0-9]+)").check(tmp_path)
    assert problem.path.endswith("stray.jpg")
    assert "person=none" in problem.remedy


@pytest.mark.parametrize("person", ["S[0-9]+", "(a)(b)", "(a"])
def test_pattern_without_matches_is_refused(person: str) -> None:
    with pytest.raises(SpecError, match="image-folder\\[person\\]"):
        ImageFolder(person=person)


def test_the_middle_is_cut_out_upright(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), dtype=np.uint8)
    wide[:, 40:80] = 255
    wide[20:, 40:80, 1:] = 0  # the lower half of the middle is red
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    for folder in "ab":
        (tmp_path / folder).mkdir()
        Image.fromarray(wide).save(tmp_path / folder / "x.jpg", quality=95, exif=exif)
    (sample,) = ImageFolder(size=20).read(tmp_path, "a/0")
    image = pixels(sample.data["image"][0])
    assert image.shape == (20, 20, 3)
    assert image[:8, :, 0].min() > 200 > image[:8, :, 1].max() + 100, "red is above once it is turned"
    assert image[12:].min() > 200


def test_a_crop_keeps_the_inner_part(tmp_path: Path) -> None:
    framed = np.zeros((64, 96, 3), dtype=np.uint8)
    framed[16:48, 32:64] = 255
    (tmp_path / "a").mkdir()
    Image.fromarray(framed).save(tmp_path / "a" / "x.png")
    means = []
    for crop in (1.0, 0.5):
        (sample,) = ImageFolder(size=32, crop=crop).read(tmp_path, "a/0")
        means.append(pixels(sample.data["image"][0]).mean())
    assert means == pytest.approx([255 / 4, 255], abs=3)
    with pytest.raises(SpecError, match="crop is 0"):
        ImageFolder(crop=0.0)


@pytest.mark.parametrize(
    ("suffix", "mode"), [("png", "L"), ("png", "RGBA"), ("bmp", "RGB"), ("webp", "RGB"), ("gif", "P")]
)
def test_every_image_mode_becomes_rgb(tmp_path: Path, suffix: str, mode: str) -> None:
    made(tmp_path, ["b/y.jpg"])
    draw(tmp_path / "a" / f"x.{suffix}", mode=mode, shade=100)
    dataset = ImageFolder(size=16)
    assert dataset.check(tmp_path) == []
    (sample,) = dataset.read(tmp_path, "a/0")
    image = pixels(sample.data["image"][0])
    assert image.shape == (16, 16, 3)
    assert 90 < image.mean() < 150


def break_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400])


def sixteen_bits(path: Path) -> None:
    Image.fromarray(np.full((20, 20), 40000, dtype=np.uint16)).save(path, "PNG")


@pytest.mark.parametrize("damage", [break_off, sixteen_bits])
def test_a_damaged_image_is_named(tmp_path: Path, damage: object) -> None:
    made(tmp_path, ["a/x.jpg", "b/y.jpg"])
    damage(tmp_path / "a" / "x.jpg")  # type: ignore[operator]
    (error,) = ImageFolder().read(tmp_path, "a/0")
    assert isinstance(error, DataError)
    assert re.search(r"a/x\.jpg: cannot be read as an image", error.line)


@pytest.mark.parametrize("limit", [1000, 100])
def test_an_image_that_would_fill_the_memory_is_refused(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, ["a/x.jpg", "b/y.jpg"])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    (error,) = ImageFolder().read(tmp_path, "a/0")
    assert isinstance(error, DataError)
    assert re.search(r"a/x\.jpg: .*DecompressionBomb", error.line)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no folder"),
        (["happy/x.jpg"], "holds only the class 'happy'"),
        (["happy/ann/x.jpg", "happy/z.jpg", "sad/y.jpg"], "is a folder within a class folder"),
        (["happy/x.jpg", "sad/notes.txt"], "class 'sad' has no image"),
        (["happy/x.jpg", "Happy/y.jpg"], "the classes 'Happy' and 'happy' differ only in case"),
        (["train/sad/x.jpg", "train/joy/x.jpg", "test/Sad/y.jpg"], "the classes 'Sad' and 'sad' differ only in case"),
        (["a b/x.jpg", "a  b/y.jpg"], "differ only in case, spaces"),
        (["caf\u00e9/x.jpg", "cafe\u0301/y.jpg"], "Unicode normalisation"),
    ],
)
def test_check_describes_problems(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        if name.endswith(".txt"):
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).write_text("nothing")
        else:
            draw(tmp_path / name)
    problems = ImageFolder().check(tmp_path)
    assert [message in problem.message for problem in problems] == [True]
    assert all(problem.remedy for problem in problems)


def test_every_file_with_an_image_in_it_is_read_or_left_out_with_a_reason(people: Path) -> None:
    neutral = people / "neutral"
    for name in ("gus.JPG", "hal.jfif", "ida.jpe", "joe (1).jpg"):
        draw(neutral / name, format="JPEG")
    draw(neutral / "kim.jpg.part", format="JPEG")
    draw(people / "loose.png")
    shutil.copy(neutral / "ann.jpg", neutral / "ann (1).jpg")
    shutil.copy(neutral / "ann.jpg", neutral / "ann - Copy.jpg")
    for name in ("bob.heic", "notes.txt", ".DS_Store"):
        (neutral / name).write_bytes(b"x")
    dataset = ImageFolder(size=16)
    assert dataset.check(people) == []
    assert dataset.contents(people) == {"neutral": 6 + 4, "smiling": 6}
    left_out = dataset.left_out(people)
    assert {path: reason.split(":")[0].split(",")[0] for path, reason in left_out.items()} == {
        "loose.png": "is not in the folder of a class",
        "neutral/ann (1).jpg": "is a copy of another image",
        "neutral/ann - Copy.jpg": "is a copy of another image",
        "neutral/bob.heic": ".heic is an unsupported image format",
        "neutral/kim.jpg.part": "is an image without the suffix of one",
        "neutral/notes.txt": "has no suffix of an image",
    }
    assert take_inventory(dataset, people).unread == ["neutral/.DS_Store"]


def test_assumptions_about_people_are_reported(tmp_path: Path) -> None:
    for names, message in {
        ("a/ann.jpg", "a/bob.jpg", "b/ann.jpg", "b/bob.jpg"): "people: 2, assumed from file names",
        ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"): "the numbers 1-2 recur",
        ("a/P1_0.jpg", "b/P2_0.jpg"): "people: unknown, so images of one person may be in training and test",
    }.items():
        root = made(tmp_path / message[:20], list(names))
        (line,) = ImageFolder().assumptions(root)
        assert message in line
        assert "image-folder[person=" in line
        assert ImageFolder(person=None).assumptions(root) == []


def test_a_link_to_nothing_stops_a_run_or_is_dropped(people: Path, tmp_path: Path) -> None:
    (people / "neutral" / "gus.jpg").symlink_to("nowhere.jpg")
    what = Preparation(Spec("image-folder", {"size": 16}), people, tmp_path / "cache")
    with pytest.raises(DataError, match=r"gus\.jpg: is a link to nowhere\.jpg, which does not exist.*--bad drop"):
        prepare(what)
    store = prepare(replace(what, bad="drop"))
    assert len(store) == 12
    (line,) = store.attributes["dropped"]
    assert "gus.jpg: is a link to nowhere.jpg" in line


def test_a_pipe_is_no_image(people: Path, tmp_path: Path) -> None:
    os.mkfifo(people / "neutral" / "gus.jpg")
    (problem,) = ImageFolder().check(people)
    assert problem.message == "is a device or pipe, not a file"
    store = prepare(Preparation(Spec("image-folder", {"size": 16}), people, tmp_path / "cache", bad="drop"))
    assert (len(store), len(store.attributes["dropped"])) == (12, 1)


def test_damaged_images_are_dropped_one_by_one(people: Path, tmp_path: Path) -> None:
    break_off(people / "neutral" / "ann.jpg")
    sixteen_bits(people / "smiling" / "bob.png")
    (people / "smiling" / "cem.png").write_text("<html>not found</html>")
    (people / "smiling" / "dan.png").write_bytes(b"")
    store = prepare(Preparation(Spec("image-folder", {"size": 16}), people, tmp_path / "cache", bad="drop"))
    assert len(store) == 12 - 4
    message = [line.partition(f"{people}/")[2] for line in store.attributes["dropped"]]
    assert [line[:60] for line in message] == [
        "neutral/ann.jpg: cannot be read as an image (OSError: Trunca",
        "smiling/bob.png: cannot be read as an image (ValueError: its",
        "smiling/cem.png: is an HTML page, perhaps the response of a ",
        "smiling/dan.png: is empty — get this file again",
    ]


def test_check_detects_non_images_without_decoding(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (people / "neutral" / "gus.jpg").write_text("<html>not found</html>")
    (people / "neutral" / "hal.jpg").touch()
    monkeypatch.setattr(Image, "open", None)
    assert [Path(problem.path).stem for problem in ImageFolder().check(people)] == ["gus", "hal"]


def test_check_finds_images_that_were_cut_off(people: Path) -> None:
    cut = [people / "neutral" / "ann.jpg", people / "smiling" / "bob.png"]
    for path in cut:
        path.write_bytes(path.read_bytes()[:-300])
    longer = people / "neutral" / "cem.jpg"
    longer.write_bytes(longer.read_bytes() + bytes(100))  # as some cameras do: complete, and decoded as such
    found = ImageFolder().check(people)
    assert [problem.path for problem in found] == [str(path) for path in cut]
    assert all(problem.concerns == "sample" and "cannot be read as an image" in problem.message for problem in found)


def test_check_says_why_an_image_cannot_be_read(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = Path.open

    def fail_on_ann(path: Path, *arguments: object) -> object:
        if path.name == "ann.jpg":
            raise OSError(errno.EIO, "Input/output error")
        return open_file(path, *arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", fail_on_ann)
    (problem,) = ImageFolder().check(people)
    assert (problem.message, problem.concerns) == ("cannot be read (Input/output error)", "sample")


def test_many_images_are_units_of_hundreds(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PER_UNIT", 4)
    dataset = ImageFolder(size=16)
    assert dataset.units(people) == ["neutral/0", "neutral/1", "smiling/0", "smiling/1"]
    read = [sample.id for unit in dataset.units(people) for sample in dataset.read(people, unit)]
    assert len(set(read)) == 12
    assert [len(dataset.sources(people, unit)) for unit in dataset.units(people)] == [4, 2, 4, 2]


def test_an_added_file_is_prepared_and_another_folder_is_another(people: Path, tmp_path: Path) -> None:
    what = Preparation(Spec("image-folder", {"size": 16}), people, tmp_path / "cache")
    before = prepare(what)
    assert prepare(what).key == before.key
    draw(people / "neutral" / "gus.jpg")
    after = prepare(what)
    assert (len(before), len(after)) == (12, 13)
    draw(people / "angry" / "ann.jpg")
    assert prepare(what).schema.tasks == {"class": Task("class", ("angry", "neutral", "smiling"))}
    other = made(tmp_path / "other", ["neutral/ann.jpg", "smiling/ann.png"])
    assert len(prepare(Preparation(what.dataset, other, what.cache))) == 2


def test_a_run_holds_out_whole_people(people: Path, tmp_path: Path) -> None:
    result = mmbench.run(
        "logistic", "image-folder[size=16]", data=people, out=tmp_path, folds=3, jobs=1, training=QUICK
    )
    assert result.run["protocol"] == "subject"
    assert result.run["classes"] == ["neutral", "smiling"]
    for record in result.methods[0].records:
        assert len(record.ids) == 2 * len(set(record.units)) == 4


def test_warning_for_two_patients_and_six_controls_precedes_training(tmp_path: Path) -> None:
    names = [f"{'patient' if person < 2 else 'control'}/P{person}_{at}.png" for person in range(8) for at in range(2)]
    root = made(tmp_path / "patients", names)
    with use_reporter(listener := Listener()):
        result = mmbench.run(
            "prior", "image-folder[person=(P[0-9]),size=16]", data=root, out=tmp_path / "runs", jobs=1, training=QUICK
        )
    message = "the validation part of 2 of 5 folds has no sample of patient: the epoch is chosen without it"
    assert message in listener.messages
    assert result.run["lacking"] == describe_run(result)["lacking"] == {"validation": {"patient": 2}}
    assert [warning.line for warning in find_warnings(result)] == [f"MISSING CLASS: {message}."]
    for record in result.methods[0].records:
        assert len(set(record.units)) in (1, 2)


def test_a_missing_folder_and_bad_files_are_one_line(people: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give --data DIR"):
        mmbench.run("logistic", "image-folder", out=tmp_path)
    (people / "neutral" / "gus.jpg").write_text("not an image")
    with pytest.raises(DataError, match=r"gus\.jpg: is not an image, by its first bytes"):
        mmbench.run("logistic", "image-folder", data=people, out=tmp_path)


@pytest.mark.shared
def test_people_of_real_photographs_are_found(shared: Path) -> None:
    root = shared / "faces" / "london"
    if not root.is_dir():
        pytest.skip("the photographs are not here")
    dataset = ImageFolder(size=64)
    assert dataset.check(root) == []
    assert dataset.schema_of(root).groups == ("subject",)
    first = next(iter(dataset.read(root, "smiling/0")))
    assert first.groups == {"subject": Path(first.id).stem}


def test_folders_that_are_linked_into_themselves_are_read_once(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    for name in ("happy", "sad"):
        for at in range(3):
            draw(root / name / f"{name}{at}.png")
    plain = ImageFolder(size=16).contents(root)
    (root / "all").symlink_to(root)
    (root / "happy" / "up").symlink_to(root)
    (root / "joyful").symlink_to(root / "happy")
    (root / "sad" / "self.png").symlink_to(root / "sad" / "self.png")
    dataset = ImageFolder(size=16)
    problems = dataset.check(root)
    assert [(problem.path, problem.concerns) for problem in problems] == [(str(root / "sad" / "self.png"), "sample")]
    assert dataset.contents(root) == {**plain, "sad": 4}
    assert dataset.left_out(root) == {
        "all": "is a link to the folder itself",
        "happy/up": "is a link to the folder itself",
        "joyful": "is a link to happy, which is read there",
    }
    assert take_inventory(dataset, root, [problem.path for problem in problems]).unread == []
