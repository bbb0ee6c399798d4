"""Plain features of every kind separate the classes, do not depend on padding, and mark what is missing."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mmbench import Sample, Schema
from mmbench.data.samples.validation import check_sample
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.workflows.audit.near_duplicates import find_near_duplicates
from mmbench.workflows.audit.plain_features import FEATURES, measure_features, name_columns

N = 60
spec = importlib.util.spec_from_file_location("kinds", Path(__file__).parents[2] / "plugins" / "kinds.py")
kinds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kinds)
SCHEMA = Schema(kinds.MODALITIES, kinds.TASKS, ("subject", "trial"))
NAMES = [each.name for each in kinds.MODALITIES if each.kind in FEATURES and each.name != "pulse"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    samples = [check_sample(kinds.make_sample("s", f"t{number}", number), SCHEMA) for number in range(N)]
    path = tmp_path_factory.mktemp("features") / "a.h5"
    write_samples(path, samples, SCHEMA, {"key": "k", "dropped": []})
    return Store(path)


@pytest.mark.parametrize("name", NAMES)
def test_features_tell_the_classes_apart(store: Store, name: str) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    x = measure_features(store.source(name), SCHEMA.modality(name), np.arange(N))
    here = ~np.isnan(x[:, 0])
    assert here.tolist() == store.source(name).present.any(axis=1).tolist()
    assert np.isfinite(x[here]).all()
    scaled = (x[here] - x[here].mean(axis=0)) / np.maximum(x[here].std(axis=0), 1e-6)
    assert cross_val_score(LogisticRegression(), scaled, store.labels("mood")[here], cv=3).mean() > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_features_of_a_sample_do_not_depend_on_others(store: Store, name: str) -> None:
    source, modality = store.source(name), SCHEMA.modality(name)
    together = measure_features(source, modality, np.arange(N))
    alone = np.concatenate([measure_features(source, modality, np.array([row])) for row in range(N)])
    np.testing.assert_array_equal(together, alone)


def test_columns_are_named(store: Store) -> None:
    x = measure_features(store.source("facts"), SCHEMA.modality("facts"), np.array([1]))
    columns = dict(name_columns(SCHEMA.modality("facts"), x.shape[1]))
    assert {name: x[0, at].tolist()[:-1] for name, at in columns.items()}["hand"] == [0, 1]
    assert x[0, columns["age"]].tolist() == [30, 0]
    named = dict(name_columns(SCHEMA.modality("motion"), 16))
    assert {name: at.tolist() for name, at in named.items()}["y"] == [5, 6, 7, 8, 9]
    assert not dict(name_columns(SCHEMA.modality("note"), 257))


def test_a_missing_value_is_a_column_of_its_own(store: Store) -> None:
    x = measure_features(store.source("facts"), SCHEMA.modality("facts"), np.array([2]))
    columns = dict(name_columns(SCHEMA.modality("facts"), x.shape[1]))
    assert x[0, columns["hand"]].tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["motion", "voice", "clip", "note"])
def test_near_duplicates_of_open_length(tmp_path: Path, name: str) -> None:
    from dataclasses import replace

    samples = [kinds.make_sample("s", f"t{number}", number) for number in range(1, 30)]
    copy = replace(samples[3], id="copy", groups={"subject": "s", "trial": "copy"})
    write_samples(tmp_path / "a.h5", [check_sample(each, SCHEMA) for each in [*samples, copy]], SCHEMA, {"key": "k"})
    store = Store(tmp_path / "a.h5")
    source, rows = store.source(name), np.arange(30)
    x = measure_features(source, SCHEMA.modality(name), rows)
    assert [3, 29] in find_near_duplicates(x, source, rows).tolist()


def test_a_short_series_has_features(tmp_path: Path) -> None:
    schema = Schema((SCHEMA.modality("motion"), SCHEMA.modality("voice")), {"mood": ("a", "b")})
    tiny = Sample("x", {}, {"motion": [np.ones((3, 1))], "voice": [np.array([[0.25]])]})
    write_samples(tmp_path / "a.h5", [check_sample(tiny, schema)], schema, {"key": "k"})
    store = Store(tmp_path / "a.h5")
    for modality in schema.modalities:
        assert np.isfinite(measure_features(store.source(modality.name), modality, np.array([0]))).all()
