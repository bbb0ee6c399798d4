"""Inner folds of estimators."""

import numpy as np

from mmbench import EstimatorContext, Task


def context(groups: list[int]) -> EstimatorContext:
    return EstimatorContext(Task("class", ("a", "b")), np.array(groups), {}, seed=0)


def test_inner_folds_keep_groups_whole_and_test_every_sample_once() -> None:
    groups = np.repeat(np.arange(7), [1, 2, 3, 4, 5, 6, 7])
    folds = context(groups.tolist()).folds(3)
    assert len(folds) == 3
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(28))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == 28


def test_there_are_no_more_inner_folds_than_groups() -> None:
    assert len(context([0, 0, 1, 1]).folds(5)) == 2
    assert context([0, 0, 0]).folds(5) == []
