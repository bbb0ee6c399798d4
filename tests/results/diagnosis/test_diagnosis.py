"""Diagnosis of runs with modalities of known effect, from training to the table."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench
from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.store import Store
from mmbench.errors import RecordError, SpecError
from mmbench.reporting.terminal import comparison_table, diagnosis_tables, render
from mmbench.results.comparison import Comparison
from mmbench.results.diagnosis import kept_tokens, scores
from mmbench.results.diagnosis.perturbations import neighbours
from mmbench.results.diagnosis.predictions import Diagnosis, read_diagnosis, subset_names
from mmbench.results.diagnosis.scores import ModalityScores
from mmbench.results.loading import load_comparison
from mmbench.results.records import find_records, read_record, write_record
from mmbench.training.metrics import score_all
from mmbench.workflows.diagnose import diagnose

PLUGIN = str(Path(__file__).parents[2] / "plugins" / "lopsided_plugin.py")
ONLY = "only[modality=loud]"
CHANCE, SURE = 0.5, 0.95


def run(home: Path, **options: Any) -> Comparison:
    options = {
        "against": ["late", ONLY],
        "protocol": "pooled-trial",
        "folds": 2,
        "encoders": {"wave": "de"},
        "training": {"epochs": 6, "lr": 0.01},
        "jobs": 1,
        "cache": home / "cache",
        "out": home / "runs",
        **options,
    }
    return mmbench.run("concat", "lopsided", plugins=(PLUGIN,), **options)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def finished(home: Path) -> Comparison:
    return run(home)


@pytest.fixture(scope="module")
def concat(finished: Comparison) -> ModalityScores:
    found = finished.methods[0].diagnosis
    assert found is not None
    return found


@pytest.fixture
def copied(finished: Comparison, tmp_path: Path) -> Comparison:
    """The same run, to be spoilt."""
    shutil.copytree(finished.path.parent, tmp_path / "run")
    return load_comparison(tmp_path / "run" / finished.path.name)


def plain(comparison: Comparison) -> list[Any]:
    """The diagnoses in all records, but for the time they took."""
    records = [record for method in comparison.methods for record in method.records]
    return [{**record.diagnosis, "seconds": 0} if record.diagnosis else None for record in records]


def test_the_only_informative_modality_has_the_whole_shapley_value(concat: ModalityScores) -> None:
    assert concat.shapley is not None
    assert concat.subsets["loud", "still", "wave"].mean > SURE
    assert concat.subsets["loud",].mean > SURE
    assert concat.subsets[()].mean == pytest.approx(CHANCE)
    assert concat.shapley["loud"].mean == pytest.approx(0.5, abs=0.05)
    for name in ("still", "wave"):
        assert concat.shapley[name].mean == pytest.approx(0, abs=0.05)
        assert concat.shuffled[name].change.mean == pytest.approx(0, abs=0.03)
    assert concat.shuffled["loud"].score.mean == pytest.approx(CHANCE, abs=0.15)
    assert concat.shuffled["loud"].change.high < 0


def test_shapley_values_sum_to_the_gain_over_no_modality(finished: Comparison) -> None:
    for method in finished.methods[:2]:
        found = method.diagnosis
        assert found is not None
        assert found.shapley is not None
        total = found.subsets[found.modalities].mean - found.subsets[()].mean
        assert sum(value.mean for value in found.shapley.values()) == pytest.approx(total)


def test_the_whole_is_the_score_of_the_method_with_its_interval(finished: Comparison) -> None:
    for method in finished.methods[:2]:
        found = method.diagnosis
        assert found is not None
        whole, score = found.subsets[found.modalities], method.scores["balanced_accuracy"]
        assert (whole.mean, whole.low, whole.high) == pytest.approx((score.mean, score.low, score.high))


def test_noise_on_the_informative_modality_lowers_the_score(concat: ModalityScores) -> None:
    assert set(concat.noise) == {"loud", "still", "wave"}
    loud = {snr: loss.score.mean for snr, loss in concat.noise["loud"].items()}
    assert loud[20] > SURE
    assert loud[-10] < loud[0] < loud[20]
    assert loud[-10] < 0.8
    for name in ("still", "wave"):
        assert concat.noise[name][-10].change.mean == pytest.approx(0, abs=0.05)


def test_missing_in_more_samples_costs_more(concat: ModalityScores) -> None:
    curve = [loss.score.mean for loss in concat.missing["loud"].values()]
    ends = concat.subsets[concat.modalities].mean, concat.subsets["still", "wave"].mean
    assert curve == pytest.approx(np.linspace(*ends, 5).tolist())
    assert concat.missing_all is not None
    every = [loss.score.mean for loss in concat.missing_all.values()]
    assert every[0] == pytest.approx(ends[0])
    assert every[-1] == pytest.approx(concat.subsets[()].mean)
    half = np.mean([score.mean for score in concat.subsets.values()])
    assert every[2] == pytest.approx(half)


def test_expected_score_with_missing_samples_agrees_with_draws(finished: Comparison) -> None:
    """The curve that is reckoned against the mean over many draws of who lacks the modality."""
    records = finished.methods[0].records
    random, drawn = np.random.default_rng(0), []
    labels = np.concatenate([record.labels for record in records])
    whole = np.concatenate([record.predictions for record in records])
    without = np.concatenate([read(record).subsets["011"] for record in records])
    for _ in range(300):
        predictions = np.where(random.random(len(labels)) < 0.5, without, whole)
        drawn.append(np.mean([np.mean(predictions[labels == label] == label) for label in (0, 1)]))
    found = finished.methods[0].diagnosis
    assert found is not None
    assert found.missing["loud"][0.5].score.mean == pytest.approx(np.mean(drawn), abs=0.01)


def read(record: Any) -> Any:
    return read_diagnosis(record.diagnosis, len(record.ids), len(record.run["classes"]))


def test_shift_affects_only_features_that_change_within_a_trial(concat: ModalityScores) -> None:
    still = {shift.windows: shift for shift in concat.shift["still"]}
    assert set(still) == {-4, -2, -1, 1, 2, 4}
    assert all(shift.loss.change.mean == 0 for shift in still.values())
    assert still[2].seconds == 5.0
    assert still[-4].seconds == -10.0
    # Of 24 trials of 8 windows six have no still.
    assert still[1].samples == still[-1].samples == 18 * 7
    loud = {shift.windows: shift for shift in concat.shift["loud"]}
    assert loud[4].samples == 24 * 4
    assert all(shift.loss.change.mean < -0.2 for shift in loud.values())


def test_neighbours_are_of_the_same_trial(finished: Comparison) -> None:
    (path,) = (finished.path.parents[2] / "cache" / "prepared").glob("*.h5")
    store = Store(path)
    later = neighbours(store, "loud", 2)
    here = np.flatnonzero(later >= 0)
    assert (store.groups["trial"][here] == store.groups["trial"][later[here]]).all()
    assert (store.spans[later[here], 0] - store.spans[here, 0] == 5).all()
    sooner = neighbours(store, "loud", -2)
    assert (sooner[later[here]] == here).all()
    store.groups = {}
    assert (neighbours(store, "loud", 2) == -1).all()


def test_a_window_after_a_gap_is_no_neighbour(finished: Comparison) -> None:
    """In each trial 30 s are missing before the last two windows; where all steps differ, the order counts."""
    (path,) = (finished.path.parents[2] / "cache" / "prepared").glob("*.h5")
    store = Store(path)
    before = neighbours(store, "loud", 1)
    last_start = {trial: store.spans[store.groups["trial"] == trial, 0].max() for trial in set(store.groups["trial"])}
    is_late = store.spans[:, 0] >= np.array([last_start[trial] - 3 for trial in store.groups["trial"]])
    store.spans = store.spans + 30.0 * is_late[:, None]
    after = neighbours(store, "loud", 1)
    crosses = (before >= 0) & ~is_late & is_late[before]
    assert crosses.any()
    np.testing.assert_array_equal(after, np.where(crosses, -1, before))
    store.spans = store.spans**2
    np.testing.assert_array_equal(neighbours(store, "loud", 1), before)


def test_windows_that_begin_together_are_no_neighbours(finished: Comparison) -> None:
    (path,) = (finished.path.parents[2] / "cache" / "prepared").glob("*.h5")
    store = Store(path)
    store.spans = np.zeros_like(store.spans)
    assert (neighbours(store, "loud", 1) == -1).all()
    store.spans = np.full_like(store.spans, np.nan)
    assert (neighbours(store, "loud", 1) == -1).all()


def test_one_modality_is_not_diagnosed(finished: Comparison) -> None:
    only = finished.methods[2]
    assert only.name == ONLY
    assert only.diagnosis is None
    assert all(record.diagnosis is None for record in only.records)
    with pytest.raises(RecordError, match="reads fewer than two modalities"):
        diagnose(finished.path, ONLY, cache=finished.path.parents[2] / "cache")


def test_processes_change_nothing_and_no_diagnosis_changes_nothing(finished: Comparison, home: Path) -> None:
    two = run(home, out=home / "two", jobs=2)
    none = run(home, out=home / "none", diagnose="no", seeds=1)
    assert plain(two) == plain(finished)
    assert plain(none) == [None] * 6
    for method, other, third in zip(finished.methods, two.methods, none.methods, strict=True):
        assert method.run["key"] == other.run["key"] == third.run["key"]
        for records in (other.records, third.records):
            assert [record.logits for record in records] == [record.logits for record in method.records]
            assert [record.weights for record in records] == [record.weights for record in method.records]
    assert "not diagnosed: concat, late; mmbench diagnose" in render(comparison_table(none)).replace("\n", " ")
    full = run(home, out=home / "full", diagnose="full")
    diagnosed = diagnose(none.path, cache=home / "cache", plugins=(PLUGIN,))
    assert plain(diagnosed) == plain(full)[:4]
    for method, other in zip(diagnosed.methods, full.methods, strict=False):
        for done, done_at_once in zip(method.records, other.records, strict=True):
            blank: dict[str, Any] = {"diagnosis": None, "seconds": 0, "cost": {}}
            assert replace(done, **blank) == replace(done_at_once, **blank)


def test_what_is_done_is_not_done_again(copied: Comparison, home: Path) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in copied.path.parent.rglob("fold-*.json")}
    found = diagnose(copied.path, "late", cache=home / "cache", plugins=(PLUGIN,))
    assert [method.name for method in found.methods] == ["late"]
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    path = next(find_records(copied.methods[1].folder))
    write_record(path, replace(read_record(path), diagnosis=None))
    assert load_comparison(copied.path).methods[1].diagnosis is None
    again = diagnose(copied.path, "late", cache=home / "cache", plugins=(PLUGIN,))
    assert plain(again) == plain(copied)[2:4]


def test_large_frozen_encoders_get_noise_only_on_request(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmbench.results.diagnosis import noisy_tokens as plans

    monkeypatch.setattr(plans, "_COSTLY", -1)
    options = {"against": [], "out": tmp_path}
    found = run(home, **options).methods[0].diagnosis
    assert found is not None
    assert set(found.noise) == {"loud", "still"}
    assert found.left_out == {"wave": "its frozen encoder is large (0.0M parameters)"}
    comparison = run(home, **options)
    table = " ".join(render(comparison_table(comparison)).split())
    assert (
        "noise on wave: not tested, its frozen encoder is large (0.0M parameters); mmbench diagnose tests it" in table
    )
    whole = diagnose(comparison.path, cache=home / "cache", plugins=(PLUGIN,)).methods[0].diagnosis
    assert whole is not None
    assert set(whole.noise) == {"loud", "still", "wave"}
    assert not whole.left_out


def test_large_tokens_lie_in_a_file_meanwhile(
    finished: Comparison, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_tokens, "_IN_MEMORY", 0)
    assert plain(run(home, out=tmp_path)) == plain(finished)
    assert not list((home / "cache" / "prepared").glob(".tokens-*"))


def test_without_weights_there_is_a_clear_line(home: Path, tmp_path: Path) -> None:
    none = run(home, out=tmp_path, diagnose="no", weights="drop", against=[])
    with pytest.raises(RecordError, match=r"concat: has no kept weights .* --weights keep"):
        diagnose(none.path, cache=home / "cache", plugins=(PLUGIN,))


def test_a_method_that_is_not_there(finished: Comparison) -> None:
    with pytest.raises(SpecError, match="--method: no method 'lat' here — did you mean 'late'"):
        diagnose(finished.path, "lat")


def test_invalid_level_is_refused(home: Path) -> None:
    with pytest.raises(SpecError, match="--diagnose: invalid value 'some'"):
        run(home, diagnose="some")


def test_a_model_that_predicts_something_else_is_refused(copied: Comparison, home: Path) -> None:
    path = next(find_records(copied.methods[0].folder))
    record = read_record(path)
    other = np.array(record.logits)[:, ::-1]
    mine = score_all(np.array(record.labels), other.argmax(axis=1), other.shape[1])
    scores = {
        name: mine if record.epochs[name] == record.epochs["chosen"] else found for name, found in record.scores.items()
    }
    logits = tuple(map(tuple, other.tolist()))
    write_record(path, replace(record, logits=logits, scores=scores, diagnosis=None))
    with pytest.raises(RecordError, match="no longer gives the recorded predictions"):
        diagnose(copied.path, "concat", cache=home / "cache", plugins=(PLUGIN,))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("subsets", "000"), "0" * 5, "a different number of samples"),
        (("subsets", "000"), "0" * 95 + "2", "a class that does not exist"),
        (("subsets", "000"), "/" * 96, "a class that does not exist"),
        (("subsets", "000"), 7, "is not a record"),
        (("subsets", "0x0"), "0" * 96, "the subsets of its modalities"),
        (("shuffled", "loud"), [], "not shuffle each of its modalities"),
        (("noise", "sound"), {}, "perturbs other modalities"),
        (("shift", "loud"), {"one": {}}, "is not a record"),
        (("modalities",), ["loud"], "the subsets of its modalities"),
        (("seconds",), None, "is not a record"),
    ],
)
def test_a_damaged_diagnosis_is_a_damaged_record(copied: Comparison, path: tuple, value: Any, says: str) -> None:
    file = next(find_records(copied.methods[0].folder))
    document = json.loads(file.read_text())
    at = document["diagnosis"]
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    file.write_text(json.dumps(document))
    with pytest.raises(RecordError, match=says):
        read_record(file)


def test_tables_fit_and_show_effects(finished: Comparison, widest: Callable[[str], int]) -> None:
    for table in (comparison_table(finished), diagnosis_tables(finished)):
        text = render(table)
        assert widest(text) <= 80
        row = next(line for line in text.splitlines() if line.split()[:1] == ["loud"] or "concat loud" in line)
        assert row.count("lowers") == 2 or row.count("*") == 2
    assert "all but" not in render(diagnosis_tables(finished))


def test_many_modalities_have_fewer_subsets() -> None:
    assert len(list(subset_names(8))) == 255
    nine = list(subset_names(9))
    assert len(nine) == 1 + 9 + 9
    assert "0" * 9 in nine
    assert "1" * 9 not in nine


def test_nine_modalities_have_no_shapley_values(finished: Comparison) -> None:
    names = tuple(f"m{number}" for number in range(9))
    record = finished.methods[0].records[0]
    right, wrong = np.asarray(record.labels), 1 - np.asarray(record.labels)
    record = replace(record, logits=tuple((1.0, 0.0) if label == 0 else (0.0, 1.0) for label in record.labels))
    found = Diagnosis(
        modalities=names,
        subsets={subset: right if subset[0] == "1" else wrong for subset in subset_names(9)},
        shuffled=dict.fromkeys(names, (right, wrong)),
        noise={name: dict.fromkeys((20, 10, 0, -10), right) for name in names[1:]},
        shift={},
        left_out={names[0]: "it is large"},
    )
    record = replace(record, diagnosis=found.to_plain())
    importance = scores.score_modalities([record])
    assert importance is not None
    assert importance.shapley is importance.missing_all is None
    assert importance.without["m0"].change.mean == -1
    assert importance.without["m1"].change.mean == 0
    assert importance.shuffled["m1"].score.mean == 0.5
    assert importance.missing["m0"][0.25].score.mean == 0.75
    assert set(importance.noise) == set(names[1:])
    assert json.loads(json.dumps(importance.to_json()))["shapley"] is None
    method = replace(finished.methods[0], records=(record,))
    text = render(diagnosis_tables(replace(finished, methods=(method,))))
    assert "9 modalities have too many subsets for Shapley values" in text
    assert "all but m3" in text


def test_everything_is_plain_values(finished: Comparison) -> None:
    document = json.loads(json.dumps(finished.to_json()))
    concat, _, only = (method["diagnosis"] for method in document["methods"])
    assert only is None
    assert concat["metric"] == "balanced_accuracy"
    assert len(concat["subsets"]) == 8
    assert {"left": [], "mean": 0.5, "low": 0.5, "high": 0.5} in concat["subsets"]
    assert [point["share"] for point in concat["missing"]["wave"]] == list(scores.MISSING_SHARES)
    assert [point["snr_db"] for point in concat["noise"]["wave"]] == [20, 10, 0, -10]
    for point in (*concat["noise"]["wave"], *concat["shift"]["wave"][:1], concat["shuffled"]["still"]):
        point = point.get("loss", point)
        assert point["score"]["low"] <= point["score"]["mean"] <= point["score"]["high"]


def test_the_default_cache_is_the_one_of_a_run(tmp_path: Path) -> None:
    comparison = run(tmp_path, cache=default_cache_folder(), diagnose="no", against=[], training={"epochs": 1})
    assert mmbench.diagnose(comparison.path, plugins=(PLUGIN,)).methods[0].diagnosis
