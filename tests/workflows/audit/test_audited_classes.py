"""Classes that an audit makes from labels and values."""

import numpy as np
import pytest

from mmbench.contract import Task
from mmbench.errors import SpecError
from mmbench.workflows.audit.audited_classes import find_audited_classes


def test_classes_stay_what_they_are() -> None:
    found = find_audited_classes(np.array([0, 2, 1]), Task("class", ("a", "b", "c")))
    assert found.labels.tolist() == [0, 2, 1]
    assert (found.names, found.made_from) == (("a", "b", "c"), "")


def test_values_become_thirds_of_the_first_target() -> None:
    target = np.stack([np.arange(9.0), np.zeros(9)], axis=1)
    found = find_audited_classes(target, Task("values", ("valence", "arousal")))
    assert np.bincount(found.labels).tolist() == [3, 3, 3]
    assert (np.diff(found.labels) >= 0).all()
    assert found.made_from == "thirds of valence"


@pytest.mark.parametrize(("values", "counts"), [([1, 1, 1, 1, 2], [4, 1]), ([1, 1, 2, 2], [2, 2])])
def test_equal_values_stay_together(values: list[float], counts: list[int]) -> None:
    found = find_audited_classes(np.array(values, dtype=float)[:, None], Task("values", ("rate",)))
    assert np.bincount(found.labels).tolist() == counts
    assert found.names == ("low", "high")


def test_the_label_nearest_to_one_half_is_audited() -> None:
    target = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1]])
    found = find_audited_classes(target, Task("labels", ("always", "often", "rare")))
    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.names == ("not often", "often")


@pytest.mark.parametrize("task", [Task("labels", ("a", "b")), Task("values", ("a", "b"))])
def test_targets_that_never_vary_are_refused(task: Task) -> None:
    with pytest.raises(SpecError, match="every sample has the same"):
        find_audited_classes(np.ones((4, 2)), task)
