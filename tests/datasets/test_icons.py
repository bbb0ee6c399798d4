import io
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.icons import Icons
from mmbench_datasets.icons.archive import ARCHIVE, Catalogue
from mmbench_datasets.icons.dataset import CATEGORIES, WEIGHTS
from mmbench_datasets.icons.families import find_families


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Icons().locate(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def regular(root: Path) -> list[Sample]:
    return list(Icons().read(root, "regular"))


def decode(sample: Sample) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(sample.data["image"][0])) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def test_the_bundle_is_whole_and_credited(root: Path) -> None:
    assert Icons().check(root) == []
    assert Icons().sources(root, "thin") == [root / ARCHIVE]
    assert Icons().units(root) == list(WEIGHTS)
    assert Icons().left_out(root) == {}
    assert "Permission is hereby granted" in (root / "LICENSE").read_text()
    for credit in ("Phosphor Icons", "MIT", "2.1.1", "Changes"):
        assert credit in (root / "ATTRIBUTION.txt").read_text()


def test_the_first_icon(regular: list[Sample]) -> None:
    first = regular[0]
    assert first.id == "acorn/regular"
    assert first.groups == {"family": "acorn", "icon": "acorn"}
    assert first.data["text"] == ["acorn, savings, nut, vegetable, veggies, food, groceries, market"]
    named = {name for name, label in zip(CATEGORIES, first.labels["category"], strict=True) if label}
    assert named == {"finances", "nature"}


def test_every_icon_has_a_picture_words_and_one_to_four_categories(regular: list[Sample]) -> None:
    assert len({sample.id for sample in regular}) == 1512
    for sample in regular:
        assert sample.data["text"][0]
        assert 1 <= sum(sample.labels["category"]) <= 4
    pictures = np.stack([decode(sample) for sample in regular])
    assert pictures.shape == (1512, 32, 32, 3)
    assert (pictures.min(axis=(1, 2, 3)) < 100).all(), "something is drawn in each"
    assert np.stack([sample.labels["category"] for sample in regular]).sum(axis=0).min() >= 35


def test_no_word_names_a_category(regular: list[Sample]) -> None:
    telling = [word.removesuffix("s") for name in CATEGORIES for word in re.findall(r"\w+", name)]
    words = {word for sample in regular for word in sample.data["text"][0].lower().replace(",", " ").split()}
    assert [word for word in words if word.startswith(tuple(telling))] == []


def test_weights_and_number_of_icons_can_be_chosen(root: Path) -> None:
    dataset = Icons(weights="bold, thin", icons=10)
    assert dataset.units(root) == ["thin", "bold"]
    names = [sample.id.rpartition("/")[0] for sample in dataset.read(root, "bold")]
    assert (names[0], names[-1], len(set(names))) == ("acorn", "youtube-logo", 10)
    assert names == [sample.groups["icon"] for sample in dataset.read(root, "thin")]
    assert set(dataset.left_out(root)) == {"light", "regular", "fill", "duotone", "1502 of 1512 icons"}


def test_families_keep_near_copies_together(regular: list[Sample]) -> None:
    families = {sample.groups["icon"]: sample.groups["family"] for sample in regular}
    sizes = Counter(families.values())
    assert (len(sizes), sizes.most_common(1)) == (468, [("arrow-arc-left", 120)])
    for one, other in (
        ("arrow-left", "arrow-right"),  # the first word
        ("arrow-left", "caret-left"),  # words
        ("briefcase", "suitcase"),
        ("high-definition", "standard-definition"),
        ("eyeglasses", "sunglasses"),  # some words, and the picture
    ):
        assert families[one] == families[other]
    assert len({families[name] for name in ("acorn", "arrow-left", "file", "chat", "number-one", "bell")}) == 6


def test_families_do_not_depend_on_what_is_chosen(root: Path, regular: list[Sample]) -> None:
    families = {sample.groups["icon"]: sample.groups["family"] for sample in regular}
    for sample in Icons(weights="bold", icons=50).read(root, "bold"):
        assert sample.groups["family"] == families[sample.groups["icon"]]


def test_a_family_shares_a_first_word_or_words_or_words_and_the_picture() -> None:
    """Each name is its picture: ``b`` and ``c`` correlate, the others do not."""
    pictures = np.zeros((1, 5, 32, 32), np.uint8)
    for at, part in enumerate((np.s_[:8], np.s_[8:16], np.s_[8:17], np.s_[20:24], np.s_[26:])):
        pictures[0, at][part] = 255

    def of(*texts: str, names: str = "a b c d e") -> list[str]:
        return list(find_families(Catalogue(pictures, names.split(), list(texts), [[1]] * 5, ["regular"])))

    assert of("k", "l", "m", "n", "o") == ["a", "b", "c", "d", "e"]
    assert of("k", "l", "m", "n", "o", names="a-1 b d a-2 a") == ["a-1", "b", "d", "a-1", "a-1"]
    assert of("k, L m", "l k", "n", "o", "p") == ["a", "a", "c", "d", "e"], "two words of three"
    assert of("k l", "m n o", "m p q", "k r s", "t") == ["a", "b", "c", "d", "e"], "one word of five, and the picture"
    assert of("k l", "m n", "m o p", "k r s", "t") == ["a", "b", "b", "d", "e"], "one word of four, and the picture"
    assert of("k l", "l m", "m n", "k r s", "t m") == ["a", "b", "b", "d", "e"], "one of three without the picture"


@pytest.mark.parametrize(
    ("params", "named"), [({"weights": "heavy"}, "'heavy'"), ({"weights": ""}, "''"), ({"icons": 1}, "icons is 1")]
)
def test_options_that_make_no_sense(params: dict[str, object], named: str) -> None:
    with pytest.raises(SpecError, match=named):
        Icons(**params)  # type: ignore[arg-type]


def test_a_flipped_byte_is_found(root: Path, tmp_path: Path) -> None:
    content = bytearray((root / ARCHIVE).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / ARCHIVE).write_bytes(content)
    (problem,) = Icons().check(tmp_path)
    assert "SHA-256" in problem.message
    with pytest.raises(DataError, match=r"icons\.npz: is damaged.*reinstall mmbench-datasets"):
        list(Icons().read(tmp_path, "thin"))


def test_another_folder_holds_no_archive(tmp_path: Path) -> None:
    (problem,) = Icons().check(tmp_path)
    assert problem.message == "is missing"
    assert "leave out --data" in problem.remedy


def test_a_split_over_single_pictures_leaks(root: Path) -> None:
    """The nearest picture is the same icon in another weight, unless whole icons are held out."""
    dataset = Icons(icons=300)
    samples = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    x = np.stack([decode(sample)[..., 0].reshape(-1) / 255 for sample in samples])
    y = np.array([sample.labels["category"] for sample in samples])
    icons = [sample.groups["icon"] for sample in samples]
    nearest = KNeighborsClassifier(1)
    pooled = cross_val_predict(nearest, x, y, cv=KFold(5, shuffle=True, random_state=0))
    held_out = cross_val_predict(nearest, x, y, groups=icons, cv=GroupKFold(5))
    assert f1_score(y, pooled, average="macro") > 0.8
    assert f1_score(y, held_out, average="macro") < 0.4
