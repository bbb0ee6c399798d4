"""Baselines that do not learn under inherited settings are found, and no others."""

import json
from dataclasses import replace
from math import log
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

import mmbench
from mmbench.reporting.terminal import comparison_table
from mmbench.reporting.terminal.layout import render
from mmbench.results.comparison import Comparison
from mmbench.results.inherited_settings import changed_settings, has_learnt
from mmbench.results.loading import load_comparison

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
METHODS = """
from mmbench import Method, Training, hookimpl

@hookimpl
def register_methods(register):
    register(Method("slow", "gated", training=Training(lr=1e-7, epochs=15)))
    register(Method("usual", "gated", training=Training(epochs=15)))
    register(Method("plain", "gated"))
    register(Method("other", "late", {"vector": "raw"}, training=Training(lr=1e-7, epochs=15)))
"""


def history(train: list[float], validation: list[float]) -> list[dict[str, float]]:
    return [{"train_loss": one, "validation_loss": two} for one, two in zip(train, validation, strict=True)]


@pytest.mark.parametrize(
    ("train", "validation", "learnt"),
    [
        ([0.69, 0.69, 0.68], [0.69, 0.69, 0.69], False),
        ([0.69, 0.50, 0.10], [0.69, 0.69, 0.70], True),
        ([9e4, 80.0, 0.70], [9e4, 80.0, 0.70], False),
        ([1.40, 1.39, 1.38], [0.70, 0.70, 0.69], False),
        ([1.40, 1.39, 1.38], [0.70, 0.50, 0.40], True),
        ([], [], True),
    ],
    ids=["flat", "overfitted", "fell to chance", "own loss", "own loss, learnt", "not recorded"],
)
def test_learning_is_measured_from_the_loss_at_chance(
    train: list[float], validation: list[float], learnt: bool
) -> None:
    assert has_learnt(history(train, validation), 0.0, log(2)) is learnt


def test_label_smoothing_is_no_lack_of_learning() -> None:
    losses = history([0.693, 0.689], [0.65, 0.64])
    assert has_learnt(losses, 0.688, log(2))
    assert not has_learnt(losses, 0.0, log(2))


@pytest.fixture(scope="module")
def compared(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("inherited")
    (folder / "methods.py").write_text(METHODS)
    plugins = (TOY, str(folder / "methods.py"))

    def run(method: str, against: str, **options: Any) -> Comparison:
        options = {
            "data": toy_people,
            "cache": folder / "cache",
            "out": folder / "runs",
            "jobs": 1,
            "folds": 2,
            **options,
        }
        options |= {"plugins": plugins, "modalities": ["facts"], "diagnose": "no"}
        return mmbench.run(method, "toy", against.split(","), **options)

    return run


def text(comparison: Comparison) -> str:
    return " ".join(render(comparison_table(comparison)).split())


def test_a_baseline_that_does_not_learn_is_reported(compared: Any, tmp_path: Path) -> None:
    comparison = compared("slow", "concat,prior,other")
    (found,) = comparison.untrained
    assert (found.method, found.settings, found.trainings, found.of) == ("concat", {"lr": 1e-7, "epochs": 15}, 2, 2)
    assert (
        "UNTRAINED: concat did not learn in 2 of 2 trainings with the settings of slow: "
        "epochs 15 (default 40), lr 1e-07 (default 0.001). The difference may be due to training: run concat"
        in text(comparison)
    )
    document = json.loads(json.dumps(comparison.to_json()))
    assert [each["method"] for each in document["untrained"]] == ["concat"]
    assert document["methods"][1]["training"]["lr"] == 1e-7
    assert load_comparison(comparison.path).untrained == comparison.untrained
    records = tmp_path / "records"
    copytree(comparison.path.parent, records, ignore=ignore_patterns("comparison-*.json"))
    assert load_comparison(records).untrained == ()


def test_a_baseline_that_learns_by_inherited_settings_is_not(compared: Any) -> None:
    comparison = compared("usual", "concat,prior")
    assert comparison.untrained == ()
    assert "training: epochs 15 (default 40)" in text(comparison)


def test_settings_of_the_shell_line_are_inherited_too(compared: Any) -> None:
    comparison = compared("plain", "concat", training={"lr": 1e-7, "epochs": 15})
    assert [each.method for each in comparison.untrained] == ["concat"]


def test_inherited_settings_are_reported(compared: Any) -> None:
    table = text(compared("usual", "concat,prior,other"))
    assert "training of usual, concat, prior: epochs 15 (default 40)" in table
    assert "training of other: epochs 15 (default 40), lr 1e-07 (default 0.001)" in table


def test_default_settings_are_not_reported(compared: Any) -> None:
    comparison = compared("plain", "prior")
    assert changed_settings(comparison.run) == {}
    assert "training of" not in text(comparison)


def test_tuning_of_other_parameters_changes_nothing(compared: Any) -> None:
    (found,) = compared("slow", "concat", tune=1).untrained
    assert found.method == "concat"


def test_the_best_method_is_not_called_untrained(compared: Any) -> None:
    comparison = compared("slow", "concat,prior,other")
    (found,) = comparison.untrained
    fresh = replace(comparison)
    fresh.__dict__["leaders"] = (found.method, "slow")  # a cached property
    assert [each.method for each in fresh.untrained] == ["slow"]


def test_the_first_method_is_reported_like_its_baselines(compared: Any) -> None:
    comparison = replace(compared("slow", "concat,prior,other"))
    comparison.__dict__["leaders"] = ("prior",)  # a cached property
    assert [each.method for each in comparison.untrained] == ["slow", "concat"]
    assert (
        "UNTRAINED: slow did not learn in 2 of 2 trainings with epochs 15 (default 40), lr 1e-07 (default 0.001): "
        "differences may be due to training."
    ) in text(comparison)
