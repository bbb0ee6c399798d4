"""Runs with estimators beside networks, on the toy dataset."""

from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.errors import JobError, PluginError, SpecError, TrainingError
from mmbench.results.records import find_records, read_record
from mmbench.workflows.explanations import can_explain
from mmbench.workflows.request import RetrainOptions
from mmbench.workflows.retrain import retrain_fold

PLUGINS = tuple(str(Path(__file__).parents[1] / "plugins" / name) for name in ("toy_plugin.py", "estimator_plugin.py"))
ENCODERS = {"signal": "spectrum", "facts": "raw"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(people: Path, cache: Path, out: Path, method: str, *against: str, **options: Any) -> Any:
    options = {"folds": 2, "encoders": ENCODERS, "training": {"epochs": 1}, "diagnose": "no", **options}
    return mmbench.run(
        method, "toy", data=people, cache=cache, out=out, plugins=PLUGINS, jobs=1, against=list(against), **options
    )


@pytest.fixture(scope="module")
def comparison(toy_people: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run(toy_people, cache, tmp_path_factory.mktemp("out"), "concat", "pipeline", "near")


def test_an_estimator_is_scored_on_the_samples_of_the_networks(comparison: Any) -> None:
    network, pipeline, near = comparison.methods
    assert network.run["fusion"]["name"] == "concat"
    assert pipeline.run["estimator"]["params"] == {"c": 1.0}
    assert near.run["estimator"]["name"] == "centroid"
    assert "fusion" not in pipeline.run
    for one, other in zip(network.records, pipeline.records, strict=True):
        assert (one.ids, one.labels) == (other.ids, other.labels)
        assert (other.epochs, other.weights) == ({"chosen": 0, "last": 0, "oracle": 0}, None)
        assert len(other.history) == 1
    assert pipeline.scores["balanced_accuracy"].mean > 0.6
    assert pipeline.varies  # by its seed, though it has no parameters that are trained


def test_it_takes_frozen_encoders_of_the_first_method_and_else_its_own(
    toy_people: Path, cache: Path, tmp_path: Path
) -> None:
    encoders = {"signal": "spectrum", "facts": "mlp"}
    found = run(toy_people, cache, tmp_path, "concat", "pipeline", encoders=encoders)
    network, pipeline = (method.run for method in found.methods)
    assert {name: each["name"] for name, each in network["encoders"].items()} == encoders
    assert {name: each["name"] for name, each in pipeline["encoders"].items()} == ENCODERS
    assert (network["own_encoders"], pipeline["own_encoders"]) == (False, True)


def test_a_trained_encoder_is_refused(toy_people: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is trained, but the estimator pipeline trains no encoders"):
        run(toy_people, cache, tmp_path, "pipeline", encoders={"signal": "conv1d"})


def test_it_does_not_apply_to_a_kind_of_task(toy_people: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="logistic predicts classes and labels, but the task is of values"):
        mmbench.run(
            "sklearn",
            "three-tasks",
            task="rates",
            cache=cache,
            out=tmp_path,
            plugins=(str(Path(PLUGINS[0]).with_name("tasks_plugin.py")),),
        )


def test_its_model_is_fitted_again_for_a_diagnosis(comparison: Any, cache: Path) -> None:
    path = comparison.methods[1].folder
    found = mmbench.diagnose(path, cache=cache, plugins=PLUGINS)
    assert found.methods[0].diagnosis is not None


def test_it_gives_no_explanations(comparison: Any) -> None:
    assert [can_explain(method, PLUGINS) for method in comparison.methods] == [False, False, False]


def test_a_record_is_repeated_bit_by_bit(comparison: Any, toy_people: Path, cache: Path, tmp_path: Path) -> None:
    path = next(iter(find_records(comparison.methods[1].folder)))
    assert retrain_fold(path, RetrainOptions(toy_people, cache, 1, PLUGINS), tmp_path).is_same


def test_tuning_searches_the_parameters_of_the_estimator_alone(toy_people: Path, cache: Path, tmp_path: Path) -> None:
    found = run(toy_people, cache, tmp_path, "pipeline", tune=3)
    record = read_record(next(iter(find_records(found.methods[0].folder))))
    assert record.tuning is not None
    assert record.run["tuning"]["space"].keys() == {"estimator.c"}
    assert record.tuning["chosen"].keys() == {"estimator.c"}


def test_parameters_of_an_estimator_are_ablated(toy_people: Path, cache: Path, tmp_path: Path) -> None:
    found = mmbench.ablate(
        "near",
        "toy",
        only=["power"],
        data=toy_people,
        cache=cache,
        out=tmp_path,
        plugins=PLUGINS,
        jobs=1,
        folds=2,
        encoders=ENCODERS,
        diagnose="no",
    )
    assert [row.run["estimator"]["params"]["power"] for row in found.comparison.methods] == [2, 1]  # the default first


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("raises", TrainingError, "cannot be fitted .ValueError: an oversight"),
        ("names", TrainingError, "cannot predict .ValueError: could not convert string to float"),
        ("shape", PluginError, "gives outputs of the shape"),
        ("remembers", PluginError, "built again under the same seed it has other outputs"),
        ("counts", PluginError, "gives other outputs for the same samples"),
        ("draws", PluginError, "gives other outputs for the same samples"),
        ("batch", PluginError, "depends on the other samples of the batch"),
        ("nan", JobError, "not finite"),
    ],
)
def test_faults_are_found(
    fault: str, error: type[Exception], message: str, toy_people: Path, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        run(toy_people, cache, tmp_path, f"centroid[fault={fault}]")
