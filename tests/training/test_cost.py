"""Costs are those worked out by hand, and measuring them changes nothing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mmbench
from mmbench import Fusion, Tokens, TokenSpec
from mmbench.data.batches import Inputs, Stream
from mmbench.registry.plugins import load_registry
from mmbench.reporting.terminal import comparison_table, render
from mmbench.training.cost import Cost, combine_costs
from mmbench.training.cost_measurement import ForwardPass, add_costs, measure, measure_model, most_complete_row
from mmbench.training.model import Model

FROZEN = """
import torch
from mmbench import Encoder, TokenSpec, hookimpl

class Projected(Encoder):
    \"\"\"A linear layer that is never trained.\"\"\"

    name = "projected"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality):
        super().__init__(modality)
        self.layer = torch.nn.Linear(modality.shape[0], 6)
        self.out = TokenSpec(length=1, dim=6)

    def forward(self, x):
        return self.layer(x)[:, None]

@hookimpl
def register_encoders(register):
    register(Projected)
"""
TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
CPU = torch.device("cpu")


def test_a_slow_network_is_passed_a_few_times_at_most() -> None:
    calls: list[int] = []

    def forward() -> torch.Tensor:
        calls.append(1)
        return torch.zeros(1)

    assert measure(forward, CPU, seconds=60) is not None
    assert len(calls) == 1 + 3 + 11, "one to count, three to warm up"
    calls.clear()
    assert measure(forward, CPU, seconds=0) is not None
    assert len(calls) == 2, "one to count, and one to time"


def test_a_network_that_takes_no_single_sample_costs_no_training() -> None:
    def forward() -> torch.Tensor:
        raise ValueError("expected more than 1 value per channel")

    assert measure(forward, CPU, seconds=1) is None
    assert add_costs([ForwardPass(3, 1.0), None], 7, 2.0) == Cost(None, None, 7, 2.0)
    assert add_costs([ForwardPass(3, 1.0), ForwardPass(4, 0.5)], None, 2.0) == Cost(7, 1.5, None, 2.0)


def test_measuring_draws_no_random_number_that_others_would_get() -> None:
    net = nn.Dropout()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    measure(lambda: net(torch.ones(1, 9)), CPU, seconds=0.01)
    assert torch.equal(torch.rand(3), expected)


def test_the_sample_is_the_first_of_the_most_complete() -> None:
    signal = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], dtype=bool)
    face = np.array([[1], [0], [1], [1]], dtype=bool)
    assert most_complete_row([signal, face]) == 2
    assert most_complete_row([signal]) == 1


def test_costs_of_trainings_are_combined_and_missing_ones_ignored() -> None:
    costs: list[dict[str, float | None]] = [
        {"flops": 10, "latency_ms": 1.0, "peak_bytes": 5, "train_seconds": 1.0},
        {"flops": 30, "latency_ms": 2.0, "peak_bytes": None, "train_seconds": 3.0},
        {"flops": 20, "latency_ms": 9.0, "peak_bytes": 8, "train_seconds": 2.0},
        {},
    ]
    assert combine_costs(costs) == Cost(30, 2.0, 8, 2.0)
    assert combine_costs([{}]) == Cost(None, None, None, None)


class Queried(Fusion):
    """Attends with queries of its own, as a view of a parameter."""

    def __init__(self) -> None:
        super().__init__({"facts": TokenSpec(1, 4)}, 2)
        self.queries = nn.Parameter(torch.zeros(2, 4))
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

    def forward(self, tokens: Mapping[str, Tokens]) -> torch.Tensor:
        x = tokens["facts"].x.flatten(1, 2)
        mixed, _ = self.attention(self.queries.expand(len(x), -1, -1), x, x, need_weights=False)
        return mixed.sum(dim=2)


def test_views_of_parameters_are_counted_too() -> None:
    source = Stream(_Source(), None, 3)
    found = measure_model(Model({}, Queried()), Inputs({"facts": source}), 1, CPU, trained=0.0)
    assert found is not None
    # Two queries and one token through their projections, scores and their use, the projection out.
    assert found.flops == 2 * (2 * 16 + 2 * 16 + 2 * 4 + 2 * 4 + 2 * 16)


@pytest.mark.parametrize("name", sorted(load_registry(()).fusions))
def test_every_fusion_can_be_measured(name: str) -> None:
    cls = load_registry(()).find("fusions", name).component
    fusion = cls({"first": TokenSpec(1, 4), "second": TokenSpec(1, 4)}, 2, **cls.conformance)
    inputs = Inputs({each: Stream(_Source(), None, 3) for each in ("first", "second")})
    found = measure_model(Model({}, fusion), inputs, 1, CPU, trained=0.0)
    assert found is not None
    assert (found.flops > 0) == (name != "prior")


class _Source:
    lengths = None

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((len(rows), 1, 1, 4), dtype=np.float32), np.ones((len(rows), 1), dtype=bool)


@pytest.fixture(scope="module")
def comparison(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    shelf = tmp_path_factory.mktemp("shelf")
    return mmbench.run(
        "concat[dim=16]",
        "toy",
        against=["only[modality=facts]", "prior"],
        encoders={"signal": "de[bands=0.25-1]", "facts": "mlp[dim=8,depth=1]"},
        folds=3,
        training={"epochs": 2},
        jobs=1,
        data=toy_people,
        cache=shelf,
        out=shelf / "runs",
        plugins=(TOY,),
    )


def test_every_record_has_its_cost(comparison: Any) -> None:
    for method in comparison.methods:
        for record in method.records:
            assert record.cost["latency_ms"] > 0
            assert 0 < record.cost["train_seconds"] < record.seconds
            assert record.cost["peak_bytes"] is None or record.cost["peak_bytes"] >= 0
    flops = [method.cost.flops for method in comparison.methods]
    assert min(flops[:2]) > flops[2] == 0
    assert len({record.cost["flops"] for record in comparison.methods[0].records}) == 1
    document = json.loads(json.dumps(comparison.to_json()))
    described = document["methods"][0]
    assert described["cost"]["flops"] == flops[0]
    assert described["folds"][0]["cost"] == dict(comparison.methods[0].records[0].cost)
    assert described["calibration"]["nll"]["mean"] == comparison.methods[0].calibration.nll.mean


def test_a_frozen_encoder_counts_though_its_tokens_are_kept(toy_people: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "frozen.py"
    plugin.write_text(FROZEN)
    options = {"plugins": (TOY, str(plugin)), "data": toy_people, "cache": tmp_path, "out": tmp_path, "folds": 3}
    method = mmbench.run(
        "linear",
        "toy",
        modalities=["facts"],
        encoders={"facts": "projected"},
        training={"epochs": 1},
        jobs=1,
        **options,
    ).methods[0]
    assert method.run["encoders"]["facts"]["tokens"]
    assert method.cost.flops == 2 * 4 * 6 + 2 * 6 * 2


def test_costs_and_calibration_are_in_the_table(comparison: Any) -> None:
    text = render(comparison_table(comparison, details=True)).partition("\nchance level")[0]
    method = comparison.methods[1]
    *_, scores, cost = [line for line in text.splitlines() if re.match(r"only\[modality=facts\]\s+\d", line)]
    assert f"{method.calibration.ece:.3f}" in scores
    assert f"{method.calibration.nll.mean:.3f}" in scores
    assert " ms" in cost
    for record in comparison.methods[2].records:
        record.cost["latency_ms"] = None
    line = [
        line for line in render(comparison_table(comparison, details=True)).splitlines() if line.startswith("prior")
    ][-1]
    assert " – " in line
