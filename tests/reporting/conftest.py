import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.registry import find_metric
from mmbench.results.records import Record, record_path, write_record

KINDS: dict[str, dict[str, Any]] = {
    "values": {"classes": ["heart", "breath"], "metric": "mae", "metrics": ["mae", "rmse", "r2", "pearson"]},
    "labels": {
        "classes": ["red", "round", "small"],
        "metric": "macro_f1",
        "metrics": ["macro_f1", "micro_f1", "mean_average_precision", "exact_match"],
    },
    "class": {
        "classes": ["low", "middle", "high"],
        "metric": "cohen_kappa",
        "metrics": ["balanced_accuracy", "accuracy", "macro_f1", "cohen_kappa"],
    },
}


@pytest.fixture(scope="session")
def write_task() -> Callable[..., Path]:
    """Writes the records of a comparison of a task of any kind that nobody ran, and gives the path of its file."""
    return _write_task


def _write_task(
    home: Path, kind: str, names: tuple[str, ...] = ("first", "second"), n_units: int = 8, folds: int = 2, **about: Any
) -> Path:
    """Folds of one seed, and eight samples of each unit; method number m errs the more, the larger m is."""
    random = np.random.default_rng(0)
    run = {**_DESCRIBED, **KINDS[kind], **({} if kind == "class" else {"kind": kind}), "folds": folds, **about}
    targets = _draw_targets(random, kind, len(run["classes"]), 8 * n_units)
    units = [f"s{at}" for at in range(n_units) for _ in range(8)]
    for number, name in enumerate(names):
        outputs = _predict(random, kind, targets, 0.5 + number, len(run["classes"]))
        for fold in range(folds):
            mine = [at for at, unit in enumerate(units) if int(unit[1:]) % folds == fold]
            record = _make_record({**run, "method": name}, fold, mine, units, targets, outputs)
            write_record(record_path(home / f"run{number}", str(fold), 0), record)
    path = home / "comparison-0.json"
    path.write_text(json.dumps({"runs": [f"run{number}" for number in range(len(names))], "seeds": 1}))
    return path


_DESCRIBED: dict[str, Any] = {
    **dict.fromkeys(("prepared", "key"), "0" * 64),
    **{"dataset": "made", "task": "target", "fingerprint": "f" * 12, "unit": "subject", "device": "cpu"},
    **{"protocol": "subject", "standardize": "train", "dropped": 0, "straddling": {}, "units": None},
    **{"offered": ["left", "right"], "modalities": ["left", "right"], "own_encoders": False, "preset": None},
    "fusion": {"name": "concat", "params": {}},
    "encoders": {modality: {"name": "raw", "params": {}} for modality in ("left", "right")},
    "card": {"access": "simulated", "title": "Made up"},
    "training": {"epochs": 4, "patience": 4},
}


def _draw_targets(random: np.random.Generator, kind: str, width: int, n: int) -> Any:
    if kind == "class":
        return np.arange(n) % width
    if kind == "labels":
        return (random.random((n, width)) < 0.4).astype(int)
    return random.normal(size=(n, width)) * (10, 2) + (70, 15)


def _predict(random: np.random.Generator, kind: str, targets: Any, error: float, width: int) -> Any:
    if kind == "values":
        return targets + error * random.normal(size=targets.shape) * (10, 2)
    true = np.eye(width)[targets] if kind == "class" else targets
    return 2.0 * true - 1 + error * random.normal(size=true.shape)


def _make_record(
    run: dict[str, Any], fold: int, mine: list[int], units: list[str], targets: Any, outputs: Any
) -> Record:
    scores = {name: find_metric(name).score(targets[mine], outputs[mine]) for name in run["metrics"]}
    plain = targets[mine].tolist()
    return Record(
        run=run,
        fold=str(fold),
        seed=0,
        ids=tuple(f"{units[at]}-{at}" for at in mine),
        labels=tuple(plain if run.get("kind", "class") == "class" else map(tuple, plain)),
        units=tuple(units[at] for at in mine),
        logits=tuple(map(tuple, outputs[mine].tolist())),
        scores=dict.fromkeys(("chosen", "last", "oracle"), scores),
        epochs={"chosen": 0, "last": 3, "oracle": 2},
        history=tuple(
            {"train_loss": 1.0, "validation_loss": 1.0, "validation_score": scores[run["metric"]]} for _ in range(4)
        ),
        parameters={"total": 1000, "trainable": 1000},
        seconds=1.5,
        environment={"python": "3.11", "platform": "nowhere", "packages": {"mmbench": "0.1.0"}},
        cost={"flops": 2000, "latency_ms": 0.5, "peak_bytes": 10**6, "train_seconds": 0.7},
        spread=tuple((outputs[mine] - targets[mine]).std(axis=0).tolist()) if run.get("kind") == "values" else None,
    )
