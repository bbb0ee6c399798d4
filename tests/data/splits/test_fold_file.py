"""The file of folds holds every id once, whatever the number of folds, and files of earlier versions are read."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench.data.splits.fold import PARTS, Fold, split_fingerprint
from mmbench.data.splits.fold_file import FoldFile, make_fold_file, read_fold_file, write_fold_file
from mmbench.storage import digest


def people(n: int, windows: int) -> tuple[np.ndarray, list[Fold]]:
    """Leave one person out, with the next person for validation."""
    ids = np.array([f"s{person:03}-é{window}" for person in range(n) for window in range(windows)])
    person = np.arange(n * windows) // windows
    folds = []
    for tested in range(n):
        held = (tested + 1) % n
        train = np.flatnonzero((person != tested) & (person != held))
        folds.append(Fold(f"s{tested}", train, np.flatnonzero(person == held), np.flatnonzero(person == tested)))
    return ids, folds


def parts_of(file: FoldFile) -> list[list[object]]:
    return [[name, *(list(file.samples(name, part)) for part in PARTS)] for name in file.ranges]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folds.json"


def test_what_is_written_is_read(path: Path) -> None:
    ids, folds = people(7, 5)
    write_fold_file(path, make_fold_file(ids, folds))
    file = read_fold_file(path)
    assert parts_of(file) == [[fold.name, *(ids[getattr(fold, part)].tolist() for part in PARTS)] for fold in folds]
    assert all((file.rows(fold.name, "train") == fold.train).all() for fold in folds)
    assert file.overlapping == []


def test_samples_of_no_fold_are_left_out(path: Path) -> None:
    ids, (first, *_) = people(7, 5)
    short = Fold(first.name, first.train[1:], first.validation, first.test)
    write_fold_file(path, make_fold_file(ids, [short]))
    assert ids[first.train[0]] not in read_fold_file(path).ids
    assert parts_of(read_fold_file(path))[0][1] == ids[short.train].tolist()


def test_empty_parts_and_scattered_samples_are_kept(path: Path) -> None:
    ids = np.array(list("abcdef"))
    rows = np.array
    fold = Fold("0", rows([0, 2, 4]), np.zeros(0, dtype=np.int64), rows([1, 5]))
    write_fold_file(path, make_fold_file(ids, [fold]))
    assert parts_of(read_fold_file(path)) == [["0", ["a", "c", "e"], [], ["b", "f"]]]


def test_the_size_grows_with_the_samples_not_with_the_folds(path: Path) -> None:
    ids, folds = people(200, 10)
    write_fold_file(path, make_fold_file(ids, folds))
    assert path.stat().st_size < 2 * len(json.dumps(ids.tolist()))


def test_the_fingerprint_is_the_digest_of_the_sorted_ids_of_each_part() -> None:
    ids, folds = people(5, 3)
    ids = ids[np.random.default_rng(0).permutation(len(ids))]
    listed = [[fold.name, *(sorted(ids[getattr(fold, part)].tolist()) for part in PARTS)] for fold in folds]
    assert split_fingerprint(folds, ids) == digest(listed)[:12]
    assert make_fold_file(ids, folds).fingerprint == digest(listed)[:12]
    assert split_fingerprint([], ids) == digest([])[:12]


def test_lists_of_earlier_versions_are_read(path: Path) -> None:
    ids, folds = people(5, 3)
    listed = [{"name": fold.name, **{part: ids[getattr(fold, part)].tolist() for part in PARTS}} for fold in folds]
    path.write_text(json.dumps(listed))
    file = read_fold_file(path)
    assert parts_of(file) == [[fold["name"], *(fold[part] for part in PARTS)] for fold in listed]
    assert file.fingerprint == split_fingerprint(folds, ids)


def test_samples_in_two_parts_are_found(path: Path) -> None:
    ids, folds = people(4, 2)
    first = Fold("twice", folds[0].train, folds[0].train[:1], folds[0].test)
    assert make_fold_file(ids, [*folds[1:], first]).overlapping == ["twice"]


FOLD = {"name": "0", "train": [[0, 1]], "validation": [], "test": [[1, 2]]}


@pytest.mark.parametrize(
    "plain",
    [
        3,
        {},
        {"format": 3, "ids": ["a", "b"], "folds": [FOLD]},
        {"format": 2, "ids": ["a", "a"], "folds": [FOLD]},
        {"format": 2, "ids": ["a", 1], "folds": [FOLD]},
        {"format": 2, "ids": ["a"], "folds": [FOLD]},
        {"format": 2, "ids": ["a", "b"], "folds": {}},
        {"format": 2, "ids": ["a", "b"], "folds": [{**FOLD, "name": 0}]},
        {"format": 2, "ids": ["a", "b"], "folds": [{**FOLD, "test": [[1, 1]]}]},
        {"format": 2, "ids": ["a", "b"], "folds": [{**FOLD, "test": [[-1, 2]]}]},
        {"format": 2, "ids": ["a", "b"], "folds": [{**FOLD, "test": [[False, True]]}]},
        {"format": 2, "ids": ["a", "b"], "folds": [{**FOLD, "test": [1, 2]}]},
        {"format": 2, "ids": ["a", "b"], "folds": [{"name": "0", "train": [], "test": []}]},
        [{"name": "0", "train": ["a"], "validation": [], "test": [3]}],
        ["a"],
    ],
    ids=str,
)
def test_what_holds_no_folds_is_refused(path: Path, plain: object) -> None:
    path.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match="does not hold folds"):
        read_fold_file(path)
