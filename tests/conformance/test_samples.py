"""Datasets of every kind and task pass conformance, and each break of the contract is named by its check."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench import Clip, Column, Modality, Sample, Schema, Task, conformance
from mmbench.conformance.samples import same_sample

spec = importlib.util.spec_from_file_location("kinds", Path(__file__).parents[1] / "plugins" / "kinds.py")
kinds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kinds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kinds.Kinds().simulate(tmp_path, subjects=1, trials=4)
    return tmp_path


def failures(cls: type, folder: Path) -> dict[str, str]:
    outcomes = [check.run() for check in conformance.check_dataset(cls, folder)]
    return {outcome.name: outcome.message for outcome in outcomes if not outcome.ok}


def test_a_dataset_of_every_kind_passes(folder: Path) -> None:
    assert failures(kinds.Kinds, folder) == {}


def spoilt(**changes: Any) -> type:
    """The dataset with other data in every sample that has the modality."""

    class Spoilt(kinds.Kinds):
        def read(self, root: Path, unit: str):
            for sample in super().read(root, unit):
                yield replace(sample, data={**sample.data, **changes})

    return Spoilt


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"motion": [np.ones((2, 5))]}, "has an instance of the shape (2, 5), not (3, time)"),
        ({"motion": [np.full((3, 5), np.nan)]}, "motion holds NaN"),
        ({"voice": [b"RIFF and no more"]}, "voice cannot be read as WAV, FLAC or OGG"),
        ({"note": [3, None]}, "note holds a int, not a str"),
        ({"facts": [{"age": 1, "hand": "both", "height": 2}]}, "unknown level 'both'"),
        ({"clip": [Clip([b"\x89PNG"], [0])]}, "clip cannot be opened as JPEG or PNG"),
    ],
)
def test_data_that_do_not_fit_fail_the_check_of_shapes(folder: Path, data: dict[str, Any], why: str) -> None:
    found = failures(spoilt(**data), folder)
    assert list(found) == ["shapes"]
    assert why in found["shapes"]


@pytest.mark.parametrize(
    ("labels", "why"),
    [({"tags": [1, 0]}, "not a sequence of 3 labels"), ({"rating": [1, float("nan")]}, "arousal of 'rating' is NaN")],
)
def test_targets_that_do_not_fit_fail_the_check_of_labels(folder: Path, labels: dict[str, Any], why: str) -> None:
    class Spoilt(kinds.Kinds):
        def read(self, root: Path, unit: str):
            for sample in super().read(root, unit):
                yield replace(sample, labels={**sample.labels, **labels})

    found = failures(Spoilt, folder)
    assert list(found) == ["labels"]
    assert why in found["labels"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda schema: replace(schema, tasks={**schema.tasks, "tags": Task("labels", ("a", "a"))}),
            "task tags has the name 'a' twice",
        ),
        (lambda schema: replace(schema, tasks={**schema.tasks, "rating": Task("values", ())}), "task rating has no"),
        (
            lambda schema: replace(schema, modalities=(*schema.modalities, Modality("x", "audio", (1, None)))),
            "x is audio without a rate",
        ),
        (
            lambda schema: replace(
                schema, modalities=(*schema.modalities, Modality("x", "table", (2,), columns=(Column("a"),)))
            ),
            "and 1 columns",
        ),
    ],
)
def test_a_schema_that_cannot_be_stored_fails_its_check(
    folder: Path, change: Callable[[Schema], Schema], why: str
) -> None:
    class Odd(kinds.Kinds):
        def schema(self) -> Schema:
            return change(super().schema())

    assert why in failures(Odd, folder)["schema"]


def test_a_task_of_the_files_has_the_kind_that_was_declared(folder: Path) -> None:
    class Odd(kinds.Kinds):
        def schema_of(self, root: Path) -> Schema:
            schema = self.schema()
            return replace(schema, tasks={**schema.tasks, "rating": Task("labels", ("valence", "arousal"))})

    assert failures(Odd, folder)["schema_of"] == "schema_of() has another task rating than schema()"


def test_samples_are_compared_by_all_they_hold() -> None:
    one = kinds.make_sample("s", "t", 7, "test")
    assert same_sample(one, kinds.make_sample("s", "t", 7, "test"))
    assert not same_sample(one, replace(one, split="train"))
    for name, other in (
        ("motion", [one.data["motion"][0][:, 1:]]),
        ("clip", [Clip(one.data["clip"][0].frames, [time + 1 for time in one.data["clip"][0].times])]),
        ("facts", [{**one.data["facts"][0], "age": None}]),
        ("note", [*one.data["note"][:1], "other"]),
    ):
        assert not same_sample(one, replace(one, data={**one.data, name: other}))
    missing = Sample("a", {}, {"facts": [{"age": float("nan")}]})
    assert same_sample(missing, Sample("a", {}, {"facts": [{"age": float("nan")}]}))
