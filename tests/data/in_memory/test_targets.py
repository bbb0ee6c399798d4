"""Targets in memory: their kinds where they are plain, what to write where they are not."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from mmbench import DataError
from mmbench.data.in_memory.targets import read_tasks


@pytest.mark.parametrize(
    ("y", "task", "names", "expected"),
    [
        (["b", "a", "b"], None, None, ("class", ("a", "b"), [["b"], ["a"], ["b"]])),
        ([True, False, None], None, None, ("class", ("False", "True"), [["True"], ["False"], None])),
        ([10, 9, 2], None, None, ("class", ("2", "9", "10"), [["10"], ["9"], ["2"]])),
        ([1, 0, 1], None, ["sad", "glad"], ("class", ("sad", "glad"), [["glad"], ["sad"], ["glad"]])),
        (["b", "a", "a"], None, ["c", "b", "a"], ("class", ("c", "b", "a"), [["b"], ["a"], ["a"]])),
        (np.array([[1], [0], [1]]), None, None, ("class", ("0", "1"), [["1"], ["0"], ["1"]])),
        (np.array([0.5, 1.5, np.nan]), None, None, ("values", ("target",), [[0.5], [1.5], None])),
        ([1.0, 2.0, np.nan], "class", None, ("class", ("1", "2"), [["1"], ["2"], None])),
        ([1, 2, 3], "values", ["score"], ("values", ("score",), [[1.0], [2.0], [3.0]])),
        (np.array([[1, 1], [0, 1], [0, 0]]), None, None, ("labels", ("label0", "label1"), [[1, 1], [0, 1], [0, 0]])),
        (np.eye(3), "labels", list("xyz"), ("labels", ("x", "y", "z"), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])),
        ([["b", "a"], [], ["b"]], None, None, ("labels", ("a", "b"), [[1, 1], [0, 0], [0, 1]])),
        (
            np.array([[0.5, 2], [1, 2], [1, np.nan]]),
            None,
            None,
            ("values", ("value0", "value1"), [[0.5, 2], [1, 2], None]),
        ),
    ],
)
def test_kinds_follow_from_targets_or_are_stated(y: Any, task: Any, names: Any, expected: Any) -> None:
    (found,) = read_tasks(y, task, names)
    assert (found.kind, found.names, found.rows) == expected
    assert all(len(column) == 3 for column in found.columns.values())


@pytest.mark.parametrize(
    ("y", "task", "names", "words"),
    [
        (
            [0.0, 1.0, np.nan],
            None,
            None,
            '2 distinct whole numbers as floats may be classes or values — write task="class"',
        ),
        (list(range(21)), None, None, '21 distinct whole numbers may be classes or values — write task="class"'),
        (np.eye(3), None, None, "one-hot"),
        (["a", 1], None, None, "texts and numbers"),
        ([None, None], None, None, "no sample has a target"),
        ([], None, None, "is empty"),
        (np.float64(3), None, None, "float64 is no sequence"),
        ([date(2020, 1, at) for at in (1, 2)], None, None, "holds dates or times"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[ns]"), None, None, "holds dates or times"),
        (["a", "a"], None, None, "every sample has the class 'a' — give two classes or more"),
        ([[1, 0], [1]], None, None, "rows of unequal length"),
        ([0, 1], None, {0: "no", 1: "yes"}, "is a mapping — write names=[...]"),
        ([1, 2], "classification", None, 'write task="class"'),
        ([1, 2], "clas", None, "did you mean 'class'?"),
        ("calm", None, None, "str is no sequence"),
        (np.ones((2, 2, 2)), None, None, "has the shape"),
        ([1.0, np.inf], None, None, "infinite"),
        ([1, 2], "regression", None, 'write task="values"'),
        ([0, 1, 2], None, ["a", "b"], "do not name class '2'"),
        ([0, 1], None, ["a", "a"], "twice"),
        ([0, 1], None, "ab", "is one text"),
        (["x", "y"], "values", None, "no number"),
        (np.array([[1, 2], [0, 1]]), "labels", None, "other than 0 and 1"),
        ([[1, 2], [0, 1, 2]], "values", None, "unequal length"),
        ([[1, 2], [0, 1]], "class", None, "several columns"),
        (np.array([[1, 1], [0, 1]]), None, ["a"], "1 name for 2 columns"),
        ([["a"], ["b", "c"]], None, ["a", "b"], "has the label 'c'"),
        ({"a": [1, 0]}, "class", None, "several targets"),
        ({"a": [1, 0]}, {"b": "class"}, None, "no target 'b'"),
        ({"a": [1, 0], "b": [1.5]}, None, None, "differ in length"),
        ({}, None, None, "is empty"),
    ],
)
def test_what_is_not_plain_is_an_error_that_says_what_to_write(y: Any, task: Any, names: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_tasks(y, task, names)
    assert words in caught.value.line
    assert caught.value.remedy


def test_several_tasks_are_kept_in_order() -> None:
    emotion, valence = read_tasks(
        {"emotion": [0, 1, 1], "valence": [0.0, 2.0, 1.0]}, {"valence": "values"}, {"emotion": ["sad", "glad"]}
    )
    assert (emotion.name, emotion.kind, emotion.names) == ("emotion", "class", ("sad", "glad"))
    assert (valence.name, valence.kind, valence.names) == ("valence", "values", ("valence",))
    assert [*emotion.columns, *valence.columns] == ["target:emotion", "target:valence:valence"]


def test_lines_count_classes_labels_and_missing_targets() -> None:
    assert (
        read_tasks(["a", "b", "b", None], None, None)[0].line == "target: class, 2 names (a 1, b 2); 1 sample without"
    )
    assert read_tasks([["a"], ["a", "b"]], None, None)[0].line == "target: labels (a 2, b 1)"
    many = read_tasks([f"c{at:02}" for at in range(25)], None, None)[0].line
    assert many.endswith("c18 1, c19 1, and 5 more)")
    assert read_tasks([0.5, 2.5], None, None)[0].line == "target: values (target 0.5 to 2.5)"
