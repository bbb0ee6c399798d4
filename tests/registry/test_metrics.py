"""Metrics are found by name, chosen for a task, and checked when they are registered."""

from pathlib import Path

import numpy as np
import pytest

from mmbench import PluginError, SpecError, Task
from mmbench.registry.metrics import choose_metric, find_metric, find_recorded_metric, orient
from mmbench.registry.plugins import Registry, load_registry

OWN = """
from mmbench import Metric, hookimpl
import numpy as np

class Own(Metric):
    \"\"\"Share of targets within a tolerance.\"\"\"
    name = "within"
    title = "within"
    kinds = ("values",)
    {line}
    def __init__(self, *, tolerance: float = 1.0) -> None:
        self.tolerance = tolerance

    def tally(self, target, outputs):
        return np.column_stack([np.ones(len(target)), (np.abs(target - outputs) <= self.tolerance).all(axis=1)])

    def from_sums(self, sums):
        return sums[..., 1] / sums[..., 0]

@hookimpl
def register_metrics(register):
    register(Own)
"""


def write(folder: Path, line: str = "") -> str:
    path = folder / "own.py"
    path.write_text(OWN.format(line=line))
    return str(path)


def test_a_plugin_adds_a_metric_with_parameters(tmp_path: Path) -> None:
    plugins = (write(tmp_path),)
    target, outputs = [[1.0], [2.0]], [[1.5], [4.5]]
    found = [
        find_metric(f"within{text}", plugins).score(np.array(target), np.array(outputs))
        for text in ("", "[tolerance=3]")
    ]
    assert found == [0.5, 1.0]
    assert choose_metric(Task("values", ("x",)), "within", plugins) == "within"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kinds = ('class', 'words')", "kinds of 'within' names the unknown kind 'words'"),
        ("kinds = ('values')", r"kinds of 'within' is 'values', not a tuple — write \('values',\) with a comma"),
        ("kinds = ()", "kinds of 'within' is empty"),
        ("title = ''", "has no title"),
        ("bounds = (1.0, 1.0)", r"has the bounds \(1.0, 1.0\)"),
        ("additive = False", "is not additive and does not implement score"),
    ],
)
def test_what_scoring_needs_is_checked_at_registration(tmp_path: Path, line: str, message: str) -> None:
    registry = Registry([write(tmp_path, line)])
    assert "within" not in registry.metrics
    assert len(registry.failures) == 1
    with pytest.raises(SpecError, match=message):
        registry.find("metrics", "within")


def test_a_misspelt_metric_has_a_remedy() -> None:
    with pytest.raises(SpecError, match=r"^no metric 'acuracy' — did you mean 'accuracy'\?$"):
        choose_metric(Task("class", ("a", "b")), "acuracy")


def test_a_metric_of_another_kind_of_task_is_refused_in_one_line() -> None:
    with pytest.raises(SpecError) as caught:
        choose_metric(Task("labels", ("a", "b")), "mae")
    assert caught.value.line == (
        "--metric: mae does not apply to a task of the kind 'labels' — choose from auroc, exact_match, macro_f1, "
        "mean_average_precision, micro_f1, weighted_f1"
    )


def test_a_task_that_names_a_wrong_metric_is_refused() -> None:
    task = Task("values", ("x",), metric="accuracy")
    with pytest.raises(SpecError, match=r"^Task.metrics: accuracy does not apply"):
        choose_metric(task, "mae")


def test_the_task_names_its_metric() -> None:
    assert choose_metric(Task("class", ("a", "b")), None) == "balanced_accuracy"
    assert choose_metric(Task("class", ("a", "b"), metric="mcc"), None) == "mcc"
    assert choose_metric(Task("class", ("a", "b"), metric="mcc"), "auroc") == "auroc"


def test_the_largest_is_the_best_after_orientation() -> None:
    assert orient(find_metric("mae"), 2.0) == -2.0
    assert orient(find_metric("r2"), 2.0) == 2.0


def test_a_record_finds_its_metric_in_a_plugin_that_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN.format(line="").replace('"within"', '"within_recorded"'))
    with pytest.raises(SpecError, match=r"^no metric 'within_recorded', which the records name — give the file of"):
        find_recorded_metric("within_recorded")
    broken = tmp_path / "broken.py"
    broken.write_text(path.read_text().replace('name = "within_recorded"', ""))
    load_registry((str(path),))
    with pytest.raises(PluginError, match="has no name"):
        choose_metric(Task("values", ("x",)), "mae", (str(broken),))
    found = find_recorded_metric("within_recorded[tolerance=3]")
    assert found.score(np.array([[1.0], [2.0]]), np.array([[1.5], [4.5]])) == 1.0
    with pytest.raises(SpecError, match=r"^no metric 'within_recorded'"):
        choose_metric(Task("values", ("x",)), "within_recorded")
