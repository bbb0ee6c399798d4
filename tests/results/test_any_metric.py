"""Comparisons of runs on tasks of labels and values, and by other metrics, from training to JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mmbench
from mmbench.results.comparison import Comparison
from mmbench.results.consistency import find_contradictions
from mmbench.results.loading import load_comparison

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "tasks_plugin.py")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any-metric")


def run(home: Path, task: str, metric: str | None = None) -> Comparison:
    return mmbench.run(
        "only[modality=left]", "three-tasks", plugins=(PLUGIN,), against=["only[modality=right]", "prior"],
        protocol="subject", folds=3, task=task, metric=metric, training={"epochs": 3, "lr": 0.01}, jobs=1, seeds=1,
        diagnose="no", cache=home / "cache", out=home / "runs",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task", "metric", "name", "higher"),
    [
        ("rates", None, "mae", False),
        ("rates", "spearman", "spearman", True),
        ("tags", None, "macro_f1", True),
        ("tags", "auroc", "auroc", True),
        ("level", "mcc", "mcc", True),
        ("level", "auroc", "auroc", True),
    ],
)
def test_the_metric_of_the_run_decides(home, task, metric, name, higher):
    found = load_comparison(run(home, task, metric).path)
    assert (found.metric, found.higher_is_better) == (name, higher)
    scores = {method.name: method.score.mean for method in found.methods}
    best = (max if higher else min)(scores, key=scores.get)
    assert found.leaders[0] == best
    assert found.best_single == "only[modality=right]"
    for verdict in found.verdicts:
        assert verdict.difference.mean == pytest.approx(scores[found.methods[0].name] - scores[verdict.against])
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (plain["metric"], plain["higher_is_better"]) == (name, higher)
    assert set(plain["methods"][0]["scores"]) >= {name}
    assert all(method.gap("oracle") * (1 if higher else -1) >= -1e-12 for method in found.methods)
    for method in found.methods:
        for record in method.records:
            assert list(find_contradictions(record)) == []


def test_errors_have_neither_chance_nor_majority_nor_probabilities(home):
    found = run(home, "rates")
    assert (found.chance, found.above_chance, found.majority) == (None, {}, None)
    method = found.methods[0]
    assert method.calibration is None
    assert [target.name for target in method.residuals.targets] == ["heart", "breath"]
    assert method.outcomes.labels.shape == (66, 2)


def test_labels_are_calibrated_by_label(home):
    found = run(home, "tags").methods[0]
    assert found.residuals is None
    assert len(found.calibration.by_label) == 3
    assert found.calibration.brier.mean == pytest.approx(np.mean([brier for _, brier in found.calibration.by_label]))


def test_false_scores_of_values_contradict_the_outputs(home):
    record = run(home, "rates").methods[0].records[0]
    chosen = {**record.scores["chosen"], "mae": record.scores["chosen"]["mae"] * 1.01}
    assert any("mae is recorded" in line for line in find_contradictions(with_scores(record, chosen=chosen)))
    oracle = {**record.scores["oracle"], "mae": record.scores["chosen"]["mae"] + 1}
    assert any("oracle epoch scores below" in line for line in find_contradictions(with_scores(record, oracle=oracle)))
    last = {**record.scores["last"], "mae": -1.0}
    assert any("impossible" in line for line in find_contradictions(with_scores(record, last=last)))


def with_scores(record, **changed):
    return replace(record, scores={**record.scores, **changed})
