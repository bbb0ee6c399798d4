"""Fusions with weights of a file: their encoders, what records and tables say of the file, rows of claims."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import mmbench
from mmbench import PluginError, SpecError
from mmbench.data import Store
from mmbench.integrity import WeightProvenance, write_weights
from mmbench.reporting.terminal import claim_tables, render

PLUGIN = str(Path(__file__).parents[2] / "plugins" / "checkpoint_plugin.py")
WEIGHT = torch.tensor([[-1.0, 1.0], [-0.5, 0.5], [0.0, 0.0], [0.25, -0.25]])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    save_file({"weight": WEIGHT}, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


@pytest.fixture
def options(toy_people: Path, tmp_path: Path) -> dict[str, Any]:
    return {"data": toy_people, "cache": tmp_path / "cache", "out": tmp_path / "runs", "plugins": (PLUGIN,), "jobs": 1}


def words(value: object) -> str:
    return " ".join(str(value).split())


def test_tokens_of_a_required_encoder_reach_the_fusion_as_they_are(
    options: dict[str, Any], checkpoint: Path, tmp_path: Path
) -> None:
    method = f"weighed[checkpoint={checkpoint}]"
    result = mmbench.run(method, "toy", "linear", encoders={"facts": "mlp[dim=8]"}, folds=2, **options)
    scored, baseline = result.methods
    assert (scored.run["own_encoders"], baseline.run["own_encoders"]) == (True, False)
    assert scored.run["encoders"]["facts"]["name"] == "raw"
    assert baseline.run["encoders"]["facts"]["name"] == "mlp"
    (path,) = (tmp_path / "cache" / "prepared").glob("*.h5")
    store = Store(path)
    rows = {sample: row for row, sample in enumerate(store.ids.tolist())}
    for record in scored.records:
        facts = np.asarray(store.source("facts").read(np.array([rows[each] for each in record.ids]))[0])[:, 0]
        assert np.allclose(record.logits, facts @ WEIGHT.numpy(), atol=1e-2)


def test_records_and_tables_name_the_file(options: dict[str, Any], checkpoint: Path) -> None:
    result = mmbench.run(f"weighed[checkpoint={checkpoint}]", "toy", "prior", folds=2, **options)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    (entry,) = result.methods[0].run["pretrained"]
    assert dict(entry) == {"file": checkpoint.name, "sha256": digest, "parts": ["the fusion"], "trained_on": None}
    text = words(result)
    assert (
        f"weights of the fusion from {checkpoint.name} (SHA-256 {digest[:12]}), whose training data are unknown" in text
    )
    assert "scored as it is, nothing was trained here" in text
    assert "pretrained" not in result.methods[1].run


def test_data_that_a_file_names_are_told(options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "known.safetensors"
    provenance = WeightProvenance("k", "facts", "raw", {}, "other", "side", ("no", "yes"), {}, 0.5, frozenset({"ab"}))
    write_weights(path, {"weight": WEIGHT}, provenance)
    result = mmbench.run(f"weighed[checkpoint={path}]", "toy", "none", folds=2, **options)
    assert result.methods[0].run["pretrained"][0]["trained_on"] == "other (side)"
    assert "trained on other (side)" in words(result)


def test_an_encoder_of_a_modality_that_is_not_there_names_the_plugin(options: dict[str, Any]) -> None:
    with pytest.raises(PluginError, match="requires an encoder of 'smell'"):
        mmbench.run("weighed[wrong=true]", "toy", "none", **options)


def test_a_row_needs_the_file(options: dict[str, Any]) -> None:
    result = mmbench.claim("weighed", run=True, training={"epochs": 1}, **options)
    trained, published = result.cards[0].rows
    assert trained.comparison is not None
    assert published.comparison is None
    assert published.reason == "give --checkpoint FILE"
    assert '"weighed[checkpoint=FILE]"' in published.command


def test_a_row_scores_the_file_and_says_that_its_training_is_unknown(options: dict[str, Any], checkpoint: Path) -> None:
    result = mmbench.claim("weighed", run=True, checkpoint=checkpoint, **options)
    trained, published = result.cards[0].rows
    assert trained.unknown == ()
    assert trained.is_valid
    assert [weights.file for weights in published.unknown] == [checkpoint.name]
    assert not published.is_valid
    assert published.scores[0].value > 0.7
    ((table, _),) = claim_tables(result)
    lines = render(table).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.strip().split("  ")[0] for line in lines if line.endswith("UNKNOWN")] == ["as published"]
    assert "checkpoint: weights of a file, every sample scored once" in lines
    text = words(render(table))
    assert f"UNKNOWN: weights of the fusion from {checkpoint.name}" in text
    assert (
        f"1 checkpoint row scores {published.scores[0].value:.3f}, perhaps on samples that it was trained on." in text
    )


def test_other_weights_in_the_file_count_as_not_run(options: dict[str, Any], checkpoint: Path) -> None:
    mmbench.claim("weighed", run=True, checkpoint=checkpoint, **options)
    save_file({"weight": -WEIGHT}, checkpoint)
    trained, published = mmbench.claim("weighed", checkpoint=checkpoint, **options).cards[0].rows
    assert trained.comparison is not None
    assert published.comparison is None
    assert published.reason == "fusion weighed changed since it was run"


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("weighed", "missing.pt", "--checkpoint missing.pt: no such file"),
        ("milmer", "missing.pt", "--checkpoint missing.pt: no such file"),
    ],
)
def test_a_wrong_file_is_refused(options: dict[str, Any], method: str, path: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        mmbench.claim(method, checkpoint=Path(path), **options)


def test_a_file_without_a_row_is_refused(options: dict[str, Any], checkpoint: Path) -> None:
    with pytest.raises(SpecError, match="no row scores a checkpoint"):
        mmbench.claim("milmer", "deap-logs", checkpoint=checkpoint, **options)
