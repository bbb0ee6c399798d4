"""Encoders and fusions that do not take a modality or a task are refused in one line."""

import pytest

from mmbench import Modality, Schema, SpecError, Task
from mmbench.registry.methods import MethodOptions, check_tasks, encoder_keys, resolve_methods
from mmbench.registry.plugins import load_registry
from mmbench.registry.presets import Preset

OPEN = Modality("course", "timeseries", (3, None), rate=50.0)
SCHEMA = Schema((OPEN, Modality("words", "text", ())), {"class": ("a", "b"), "score": Task("values", ("score",))})


def resolve(method: str, schema: Schema = SCHEMA, **encoders: str) -> list:
    options = MethodOptions({name.replace("_", "-"): spec for name, spec in encoders.items()}, {}, Preset())
    return resolve_methods(load_registry(), method, (), "made-up", schema, options)


def test_an_encoder_of_one_length_is_refused_where_lengths_differ() -> None:
    with pytest.raises(SpecError) as caught:
        resolve("concat", course="tangent")
    line = caught.value.line
    assert line.startswith(
        "encoder tangent: accepts instances of one length only, but those of course differ in length"
    )
    assert "--encoder course=conv1d or curves or de or gru or spectrum" in line


def test_an_encoder_that_requires_lengths_is_refused_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gru = load_registry().find("encoders", "gru").component
    monkeypatch.setattr(gru, "forward", lambda self, x, lengths: x)
    schema = Schema((Modality("course", "timeseries", (3, 40)),), SCHEMA.tasks)
    message = "accepts instances of unequal length only, but those of course have one length"
    with pytest.raises(SpecError, match=message):
        resolve("concat", schema, course="gru")
    assert resolve("concat", course="gru")


def test_an_encoder_of_another_kind_is_refused_with_those_of_the_kind() -> None:
    with pytest.raises(SpecError, match=r"words is of kind text — choose --encoder words=hashing or .*words"):
        resolve("concat", words="mlp")


def test_a_fusion_that_does_not_predict_values_is_refused() -> None:
    registry = load_registry()
    recipes = resolve("concat")
    check_tasks(registry, recipes, "score", SCHEMA.tasks["score"])
    fusion = registry.find("fusions", "concat").component
    fusion.tasks, before = ("class",), fusion.tasks
    try:
        with pytest.raises(SpecError, match="fusion concat: predicts tasks of kind class, but score is of kind values"):
            check_tasks(registry, recipes, "score", SCHEMA.tasks["score"])
    finally:
        fusion.tasks = before


def test_open_modalities_may_have_an_encoder_of_their_own() -> None:
    fixed = Schema((Modality("eeg", "timeseries", (3, 256), rate=128.0), OPEN), SCHEMA.tasks)
    (recipe,) = resolve("logistic", fixed)
    assert {name: spec.name for name, spec in recipe.encoders.items()} == {"eeg": "de", "course": "curves"}
    (recipe,) = resolve("logistic", fixed, open_timeseries="gru", eeg="spectrum")
    assert {name: spec.name for name, spec in recipe.encoders.items()} == {"eeg": "spectrum", "course": "gru"}
    (recipe,) = resolve("logistic", fixed, timeseries="spectrum")
    assert {spec.name for spec in recipe.encoders.values()} == {"spectrum"}
    assert encoder_keys(OPEN) == ("course", "open-timeseries", "slow-timeseries", "timeseries")


@pytest.mark.parametrize(("rate", "encoder"), [(4.0, "spectrum"), (90.0, "spectrum"), (None, "spectrum"), (91.0, "de")])
def test_a_series_too_slow_for_bands_gets_an_encoder_without_bands(rate: float | None, encoder: str) -> None:
    slow = Schema((Modality("heart", "timeseries", (2, 240), rate=rate),), SCHEMA.tasks)
    for method in ("logistic", "sklearn"):
        (recipe,) = resolve(method, slow)
        assert recipe.encoders["heart"].name == encoder
        load_registry().find("encoders", encoder).component(slow.modalities[0])
    assert resolve("logistic", slow, timeseries="curves")[0].encoders["heart"].name == "curves"


def test_every_kind_has_a_default_encoder_that_takes_it() -> None:
    from mmbench.conformance.encoders import EXAMPLES, OPEN_EXAMPLES

    schema = Schema((*EXAMPLES.values(), *OPEN_EXAMPLES.values()), SCHEMA.tasks)
    for method in ("concat", "logistic"):
        (recipe,) = resolve(method, schema)
        assert len(recipe.encoders) == len(schema.modalities)
