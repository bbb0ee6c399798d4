"""Identical samples count where they are in other parts, in every modality, with the same label."""

from pathlib import Path

import numpy as np
import pytest

import mmbench
from mmbench.data.splits.fold import Fold
from mmbench.integrity.duplicates import has_few_values, measure_copied_share
from mmbench.reporting.terminal import comparison_table, render

LABELS = np.array([0, 0, 1, 1, 0, 1])
FOLDS = [Fold("0", np.array([0, 1]), np.array([2]), np.array([3, 4, 5]))]
NONE = {"one": np.zeros(6, dtype=bool), "other": np.zeros(6, dtype=bool)}
NO_PAIRS = np.zeros((0, 2), dtype=np.int64)


def share(one, other=NO_PAIRS, missing=NONE, labels=LABELS):
    return measure_copied_share({"one": np.array(one), "other": np.array(other)}, missing, labels, FOLDS)


def test_a_copy_is_one_in_every_modality() -> None:
    assert share([[0, 4]], [[0, 4]]) == pytest.approx(1 / 3)
    assert share([[0, 4]]) == 0.0
    lacking = {**NONE, "other": np.array([True, False, False, False, True, False])}
    assert share([[0, 4]], missing=lacking) == pytest.approx(1 / 3)
    assert share([[0, 4]], missing={**NONE, "other": np.array([True, *[False] * 5])}) == 0.0
    assert share(NO_PAIRS, missing={"one": np.ones(6, dtype=bool), "other": np.ones(6, dtype=bool)}) == 0.0


def test_copies_of_copies_count_and_those_within_a_part_do_not() -> None:
    assert share([[0, 1], [1, 4]], [[0, 4], [4, 1]]) == pytest.approx(1 / 3)
    assert share([[3, 5]], [[3, 5]]) == 0.0


def test_a_copy_of_the_validation_part_counts_and_other_labels_do_not() -> None:
    assert share([[2, 3]], [[2, 3]]) == pytest.approx(1 / 3)
    assert share([[0, 3]], [[0, 3]]) == 0.0


def test_few_distinct_values_are_distinguished_from_measurements() -> None:
    random = np.random.default_rng(0)
    assert has_few_values(random.integers(0, 3, (500, 6)).astype(np.float32))
    assert not has_few_values(random.integers(0, 16, (500, 64)).astype(np.float32))
    assert not has_few_values(random.normal(size=(500, 4)).astype(np.float32))
    wide = np.zeros((500, 4000), np.float32)
    assert has_few_values(wide)
    wide[:, :4] = random.normal(size=(500, 4))
    assert not has_few_values(wide), "columns that say nothing take nothing away"
    wide[:100, 0] = np.nan  # missing samples
    assert not has_few_values(wide)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Of each class twenty pictures of noise, and fourteen of them again under another name."""
    from PIL import Image

    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for at in range(20):
            picture = Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8))
            picture.save(folder / f"{name}{at}a.png")
            if at < 14:
                picture.save(folder / f"{name}{at}b.png")
    return tmp_path / "pictures"


def test_copied_pictures_warn_in_a_run_and_leak_in_an_audit(pictures: Path, tmp_path: Path) -> None:
    options = {"data": pictures, "out": tmp_path, "cache": tmp_path, "jobs": 1, "encoders": {"image": "pixels[side=8]"}}
    dataset = "image-folder[size=16,person=none]"
    comparison = mmbench.run("linear", dataset, training={"epochs": 1}, folds=4, **options)
    copied = comparison.run["copies"]
    assert 0.5 < copied < 0.9
    text = " ".join(render(comparison_table(comparison)).split())
    assert f"LEAK: {copied:.0%} of the test samples are copies of training samples under other ids" in text
    (audit,) = mmbench.audit("linear", dataset, folds=4, **options).protocols
    assert audit.leaks is True
    assert audit.lookalikes.copies == pytest.approx(copied)
    assert audit.causes[0] == f"{copied:.0%} of the test samples are copies of training samples, with their labels"


def test_few_copies_are_recorded_and_raise_no_alarm(tmp_path: Path) -> None:
    """In mfeat 12 of 2,000 digits stand twice; 9 % have the moments of another, most a 6 of a 9: no copies."""
    options = {"out": tmp_path, "cache": tmp_path, "jobs": 1, "folds": 2, "training": {"epochs": 1}}
    found = mmbench.run("prior", "mfeat", modalities=["mor", "zer"], **options)
    assert found.run["copies"] == pytest.approx(12 / 2000)
    assert "LEAK" not in render(comparison_table(found))


def test_copies_are_found_whether_coarse_or_continuous_vectors_stand_first(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    coarse = np.zeros((2000, 64))
    coarse[:, :24] = random.integers(0, 2, (2000, 24))
    copied = np.tile(random.normal(size=(500, 64)), (2, 1))
    labels = {"coarse": random.integers(0, 2, 2000), "copied": np.tile(random.integers(0, 2, 500), 2)}
    parts = {"coarse": coarse, "copied": copied}
    shares = []
    for order in (("coarse", "copied"), ("copied", "coarse")):
        x, y = (np.concatenate([each[name] for name in order]) for each in (parts, labels))
        data = mmbench.from_arrays({"a": x.astype(np.float32)}, y, groups={})
        done = mmbench.run("prior", data, out=tmp_path, cache=tmp_path, jobs=1, folds=2, seeds=1, diagnose="no")
        shares.append(done.run["copies"])
    assert min(shares) > 0.1
