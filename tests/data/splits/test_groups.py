"""Groups on both sides of a split, their combinations, and which is the strictest."""

import numpy as np

from mmbench.data.splits.fold import Fold
from mmbench.data.splits.groups import find_group_overlap, rank_groups

GROUPS = {
    "subject": np.array(["a", "a", "b", "b", "c", "c"]),
    "trial": np.array(["1", "2", "1", "2", "1", "2"]),
    "video": np.array(["x", "y", "x", "y", "x", "z"]),
}


def a_fold(train: list[int], test: list[int]) -> Fold:
    return Fold("0", np.array(train), np.array([], dtype=np.int64), np.array(test))


def test_without_subjects_groups_are_those_of_a_subject() -> None:
    assert find_group_overlap([a_fold([0, 1, 2, 3], [4, 5])], GROUPS) == {"trial": 0.0, "video": 0.0}
    assert find_group_overlap([a_fold([0], [1])], GROUPS) == {"trial": 0.0, "video": 0.0}


def test_across_subjects_videos_are_the_same_for_all_and_trials_are_not() -> None:
    found = find_group_overlap([a_fold([0, 1, 2, 3], [4, 5])], GROUPS, across_subjects=True)
    assert found == {"subject": 0.0, "trial": 0.0, "video": 0.5}
    crossed = find_group_overlap([a_fold([0, 1, 2], [3])], GROUPS, across_subjects=True)
    assert crossed == {"subject": 1.0, "trial": 0.0, "video": 1.0, "subject and video": 0.0}
    nested = {"actor": GROUPS["subject"], "clip": np.array(["a1", "a1", "b1", "b2", "c1", "c2"])}
    assert find_group_overlap([a_fold([0, 2, 4], [1, 3])], nested, True) == {"actor": 1.0, "clip": 0.5}


def test_subjects_are_the_strictest_then_the_fewest() -> None:
    assert rank_groups(GROUPS) == ["subject", "video", "trial"]
    assert rank_groups({"clip": np.arange(6).astype(str), "video": GROUPS["video"]}) == ["video", "clip"]
