"""What the parts of a split share, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbench.data.splits.fold import Fold
from mmbench.workflows.audit.near_duplicates import find_near_duplicates
from mmbench.workflows.audit.random_labels import Samples
from mmbench.workflows.audit.shared_groups import find_shared_groups, measure_shared

SAMPLES = Samples(
    ids=np.array(list("abcdefg")),
    labels=np.zeros(7, dtype=np.int64),
    groups={"subject": np.array(list("1111122")), "trial": np.array(list("xxxyyxx"))},
    spans=np.array([[0, 4], [2, 6], [4, 8], [0, 4], [4, 8], [0, 4], [np.nan, np.nan]]),
)


def a_fold(train: list[int], validation: list[int], test: list[int]) -> Fold:
    return Fold("0", *(np.array(part, dtype=np.int64) for part in (train, validation, test)))


def test_windows_overlap_in_their_own_recording_only() -> None:
    # c overlaps b, but only touches a; d has its recording to itself but for e, which it touches.
    found = find_shared_groups(SAMPLES, [a_fold([0, 4], [1], [2, 3])], {})
    assert found.overlapping == pytest.approx(1 / 2)
    assert found.straddling["trial"] == 1.0
    apart = find_shared_groups(SAMPLES, [a_fold([0, 4], [6], [2, 3, 5])], {})
    assert apart.overlapping == 0.0
    assert find_shared_groups(SAMPLES, [a_fold([3, 4], [6], [0, 1, 2])], {}).straddling["trial"] == 0.0


def test_windows_of_no_known_time_overlap_with_none() -> None:
    assert find_shared_groups(SAMPLES, [a_fold([0, 5], [1], [6])], {}).overlapping == 0.0


def test_near_duplicates_count_across_parts() -> None:
    pairs = np.array([[0, 2], [1, 2], [3, 4], [5, 6]])
    fold = a_fold([0, 1, 3], [4], [2, 5, 6])
    assert find_shared_groups(SAMPLES, [fold], {"view": pairs}).twins["view"] == pytest.approx(1 / 3)


def test_shares_are_over_all_folds() -> None:
    of = np.array([0, 0, 1, 1, 2, 3, 3])
    folds = [a_fold([0, 2], [4], [1, 5]), a_fold([1, 5], [4], [2, 3])]
    assert measure_shared(of, folds) == pytest.approx(1 / 4)


class Bags:
    lengths = None

    def __init__(self, x: NDArray[np.float32], present: NDArray[np.bool_] | None = None) -> None:
        self.x = x
        self.present = np.ones(x.shape[:2], dtype=bool) if present is None else present

    def read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return self.x[rows], self.present[rows]


ROWS = np.arange(40)


def some_bags() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(40, 2, 3, 16)).astype(np.float32)


def features_of(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x.mean(axis=1).reshape(len(x), -1)


def test_the_same_data_under_another_name_are_found() -> None:
    x = some_bags()
    x[7] = x[3]
    x[30] = x[11] * 1.001
    x[21] = x[20] + 0.1
    assert find_near_duplicates(features_of(x), Bags(x), ROWS).tolist() == [[3, 7], [11, 30]]


def test_other_instances_present_make_another_bag() -> None:
    x = some_bags()
    x[7] = x[3]
    present = np.ones((40, 2), dtype=bool)
    present[7, 1] = False
    assert find_near_duplicates(features_of(x), Bags(x, present), ROWS).size == 0
    # What an absent instance holds is nothing to compare.
    present[3, 1] = False
    x[3, 1] = 99.0
    single = features_of(x[:, :1])
    assert find_near_duplicates(single, Bags(x, present), ROWS).tolist() == [[3, 7]]


def test_features_of_vectors_are_compared_each_in_its_own_unit() -> None:
    x = np.random.default_rng(0).normal(size=(40, 1, 5)).astype(np.float32)
    x[:, :, 0] *= 1e6  # in which all other differences would drown
    x[:, :, 0] = 5e5
    scale = np.array([1.0, 1, 1, 1, 1])
    assert find_near_duplicates(x[:, 0], Bags(x), ROWS, scale).size == 0
    x[9] = x[4]
    assert find_near_duplicates(x[:, 0], Bags(x), ROWS, scale).tolist() == [[4, 9]]


def test_missing_modalities_are_no_near_duplicates() -> None:
    x = some_bags()
    x[5:9] = 0
    present = np.ones((40, 2), dtype=bool)
    present[5:9] = False
    features = features_of(x)
    features[5:9] = np.nan
    assert find_near_duplicates(features, Bags(x, present), ROWS).size == 0


def test_digits_that_are_rotated_copies_have_the_same_zernike_moments(tmp_path: Path) -> None:
    """Of real data: a 6 that is a 9 upside down has the moments of it, which do not change when an image is turned."""
    from mmbench.data.dataset_files import find_dataset_folder
    from mmbench.data.preparation import Preparation, prepare
    from mmbench.data.sources import ArraySource
    from mmbench.registry.plugins import load_registry
    from mmbench.registry.specs import Spec

    registry, spec = load_registry(), Spec("mfeat")
    store = prepare(Preparation(spec, find_dataset_folder(registry, spec, None, tmp_path), tmp_path))
    source, rows = ArraySource(store.path, "zer"), np.arange(len(store))
    x = source.read(rows)[0][:, 0]
    pairs = find_near_duplicates(x, source, rows, x.std(axis=0))
    labels = store.labels("digit")[pairs]
    assert len(pairs) >= 33
    assert np.mean([sorted(pair) == [6, 9] for pair in labels.tolist()]) > 0.5
