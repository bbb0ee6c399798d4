"""Explanations from the records and weights of a finished run."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import mmbench
from mmbench.errors import RecordError
from mmbench.execution.restoring import restore_model
from mmbench.reporting.plots.explanation_images import draw_explanation
from mmbench.results.loading import load_comparison
from mmbench.results.records import find_records, read_record
from mmbench.training.checkpoints import restore_weights, save_weights, weights_path
from mmbench.training.loop import predict
from mmbench.workflows.explanations import explain, explain_methods, join_rows

SMALL = "deap-sim[subjects=2,windows=1]"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run over simulated recordings: where its records are, and its cache."""
    home = tmp_path_factory.mktemp("run")
    cache = home / "cache"
    comparison = mmbench.run(
        "milmer",
        SMALL,
        against=["concat"],
        encoders={"eeg": "milmer-eeg[dim=96]"},  # a token for each channel
        training={"epochs": 2},
        folds=2,
        protocol="trial",
        out=home / "runs",
        cache=cache,
        jobs=1,
    )
    return comparison, cache


def first_record(method):
    return next(find_records(method.folder))


def test_a_restored_model_gives_the_logits_of_its_record(finished):
    comparison, cache = finished
    for method in comparison.methods:
        for path in find_records(method.folder):
            restored = restore_model(path, cache)
            logits = predict(restored.model, restored.inputs, restored.fold.test, torch.device("cpu"))
            assert np.allclose(logits, restored.record.logits, atol=1e-5)
            assert restored.store.ids[restored.fold.test].tolist() == list(restored.record.ids)


def test_others_may_read_the_weights_as_they_may_read_the_record(finished):
    path = first_record(finished[0].methods[0])
    assert weights_path(path).stat().st_mode == path.stat().st_mode


def test_explanations_cover_every_test_sample(finished):
    comparison, cache = finished
    found = {f"{each.modality.name}.{each.what}": each for each in explain(comparison.methods[0], cache, n_shown=3)}
    assert set(found) == {"eeg.tokens", "face.instances"}
    faces, eeg = found["face.instances"], found["eeg.tokens"]
    assert sorted(faces.ids) == sorted(
        i for path in find_records(comparison.methods[0].folder) for i in read_record(path).ids
    )
    assert faces.values.shape == (80, 4)
    filmed = faces.values.sum(axis=1) > 0
    assert np.allclose(faces.values[filmed].sum(axis=1), 1, atol=1e-5)
    assert ((faces.values > 0).sum(axis=1)[filmed] == 2).all()  # the preset's k
    assert eeg.values.shape == (80, 32)
    assert (eeg.values.sum(axis=1) < 1).all()  # the rest goes to the CLS token and to the faces
    assert len(faces.shown) == 3
    assert len({sample.label for sample in faces.shown}) == 3
    assert all(sample.present.any() and sample.x.shape == (4, 3, 64, 64) for sample in faces.shown)


def test_pictures_and_the_numbers_behind_them(finished, tmp_path):
    comparison, cache = finished
    ((method, explanations),) = explain_methods(comparison, cache)
    assert method.name == "milmer"
    paths = [path for explanation in explanations for path in draw_explanation(explanation, tmp_path)]
    assert sorted(path.name for path in paths) == [
        "eeg-tokens.json", "eeg-tokens.png", "face-instances.json", "face-instances.png",
    ]  # fmt: skip
    for path in paths:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert min(picture.size) > 300
                assert len(np.unique(np.asarray(picture.convert("L")))) > 50
    numbers = json.loads((tmp_path / "eeg-tokens.json").read_text())
    assert len(numbers) == 80


def test_channels_without_a_place_are_bars_and_series_are_lines(finished, tmp_path):
    comparison, cache = finished
    tokens, faces = explain(comparison.methods[0], cache, n_shown=1)
    nowhere = replace(tokens, modality=replace(tokens.modality, channels=tuple(f"x{i}" for i in range(32))))
    series = replace(faces.modality, kind="timeseries", shape=(2, 50))
    shown = tuple(
        replace(sample, x=np.zeros((4, 2, 50)), present=np.array([True] * 3 + [False])) for sample in faces.shown
    )
    for explanation in (nowhere, replace(faces, modality=series, shown=shown)):
        assert draw_explanation(explanation, tmp_path)[0].stat().st_size > 2000


def test_methods_without_explanations_are_reported(finished):
    comparison, cache = finished
    baseline = replace(comparison, methods=comparison.methods[1:])
    with pytest.raises(RecordError, match="concat: no method supports explanations"):
        list(explain_methods(baseline, cache))


def test_weights_can_be_left_out_and_are_missed_by_name(tmp_path):
    comparison = mmbench.run(
        "concat", "mfeat", training={"epochs": 1}, folds=3, out=tmp_path, cache=tmp_path / "cache", weights="drop"
    )
    assert not list(tmp_path.rglob("*.safetensors"))
    with pytest.raises(RecordError, match=r"has no kept weights — .* --weights keep"):
        explain(comparison.methods[0], tmp_path / "cache")


def test_unknown_choice_of_weights_is_refused(tmp_path):
    with pytest.raises(mmbench.SpecError, match="--weights: invalid value 'some'"):
        mmbench.run("concat", "mfeat", out=tmp_path, weights="some")


def test_a_cache_that_was_emptied_is_reported(finished, tmp_path):
    with pytest.raises(RecordError, match="no longer in the cache — run the same command again"):
        explain(finished[0].methods[0], tmp_path)


def test_weights_are_only_taken_as_they_were_written(tmp_path):
    layer, path = torch.nn.Linear(3, 2), tmp_path / "fold.safetensors"
    digest = save_weights(path, layer)
    other = torch.nn.Linear(3, 2)
    restore_weights(path, other, digest)
    assert torch.equal(layer.weight, other.weight)
    with pytest.raises(RecordError, match="whose code has changed"):
        restore_weights(path, torch.nn.Linear(3, 4), digest)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RecordError, match="is not the file of the record"):
        restore_weights(path, other, digest)
    path.unlink()
    with pytest.raises(RecordError, match="the weights of this fold are missing"):
        restore_weights(path, other, digest)


def test_records_of_before_are_read(finished, tmp_path):
    path = first_record(finished[0].methods[0])
    plain = json.loads(path.read_text())
    del plain["weights"]
    old = tmp_path / path.name
    old.write_text(json.dumps(plain))
    assert read_record(old).weights is None


def test_the_comparison_is_found_again(finished):
    comparison, _ = finished
    assert [method.name for method in load_comparison(comparison.path).methods] == ["milmer", "concat"]


def test_weights_of_tokens_of_open_length_are_padded() -> None:
    short, long = np.ones((2, 1), dtype=np.float32), np.full((1, 3), 2, dtype=np.float32)
    assert join_rows([short, long]).tolist() == [[1, 0, 0], [1, 0, 0], [2, 2, 2]]
    assert join_rows([np.ones(2, dtype=np.float32), np.zeros(1, dtype=np.float32)]).tolist() == [1, 1, 0]
