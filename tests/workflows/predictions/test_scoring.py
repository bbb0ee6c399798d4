"""Predictions made elsewhere stand beside the runs on the same folds, marked, and with a verdict."""

import csv
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import mmbench
from mmbench.cli import main
from mmbench.errors import DataError, RecordError, SpecError
from mmbench.reporting.terminal import comparison_table, render
from mmbench.results.loading import compare, load_comparison
from mmbench.results.records import find_records, read_record
from mmbench.storage.hashing import digest


@pytest.fixture
def folds(shared_place: Any) -> Any:
    return shared_place.folds(labels=True)


def test_a_table_with_a_verdict_follows_a_run(place: Any, folds: Any, predict: Any) -> None:
    place.run()
    comparison = place.score(predict(folds, seeds=2), folds)
    assert [method.name for method in comparison.methods] == ["mine (not trained here)", "concat", "prior"]
    assert [verdict.against for verdict in comparison.verdicts] == ["concat", "prior"]
    shown = render(comparison_table(comparison, details=True), 200)
    assert "mine (not trained here): probabilities of predictions; its training is unknown" in shown
    plain = comparison.to_json()["methods"][0]
    assert plain["elsewhere"]["outputs"] == "probabilities"
    assert plain["oracle"] is None


def test_the_score_is_that_of_the_predictions(place: Any, folds: Any, predict: Any) -> None:
    columns = predict(folds)
    comparison = place.score(columns, folds, against="none")
    labels = {sample: label for of_fold in folds.labels.values() for sample, label in of_fold.items()}
    chosen = np.column_stack([columns[name] for name in folds.names]).argmax(axis=1)
    right = [folds.names[at] == labels[sample] for at, sample in zip(chosen, columns["id"], strict=True)]
    assert comparison.methods[0].score_by("accuracy") == pytest.approx(np.mean(right))
    assert comparison.methods[0].calibration is not None


@pytest.mark.parametrize("kind", ["frame", "csv", "npz", "outputs"])
def test_every_form_of_a_table_gives_the_same_records(
    place: Any, folds: Any, predict: Any, tmp_path: Path, kind: str
) -> None:
    columns = predict(folds)
    wanted = place.score(columns, folds, against="none").methods[0]
    given: Any = pandas.DataFrame(columns)
    if kind == "csv":
        given = tmp_path / "p.csv"
        pandas.DataFrame(columns).to_csv(given, index=False, lineterminator="\r\n", encoding="utf-8-sig")
    elif kind == "npz":
        given = tmp_path / "p.npz"
        np.savez(given, **{name: np.array(column) for name, column in columns.items()})
    elif kind == "outputs":
        names = {name: columns[name] for name in ("id", "fold")}
        given = {**names, "outputs": np.column_stack([columns[name] for name in folds.names])}
    found = place.score(given, folds, "again", against="none").methods[0]
    assert np.allclose(found.outputs, wanted.outputs)


def test_logits_and_predicted_classes(place: Any, folds: Any, predict: Any) -> None:
    logits = place.score(predict(folds, kind="logits"), folds, "logits", against="none").methods[0]
    classes = place.score(predict(folds, kind="labels"), folds, "classes", against="none")
    assert logits.run["elsewhere"]["outputs"] == "logits"
    assert classes.methods[0].run["elsewhere"]["outputs"] == "labels"
    assert classes.methods[0].scores["accuracy"].mean == logits.scores["accuracy"].mean
    assert classes.methods[0].calibration is None
    assert "predicted classes without probabilities; no calibration" in render(comparison_table(classes), 200)


def test_metrics_of_probabilities_are_left_out_for_predicted_labels(place: Any, shared_place: Any) -> None:
    place.run("tags")
    folds = shared_place.folds("tags")
    random = np.random.default_rng(0)
    ids = [sample for fold in folds.folds for sample in fold["test"]]
    columns = {"id": ids, **{name: random.integers(0, 2, len(ids)) for name in folds.names}}
    comparison = place.score(columns, folds)
    assert comparison.methods[0].run["elsewhere"]["left_out"] == ["mAP"]
    assert np.isnan(comparison.methods[0].score_by("mean_average_precision"))
    shown = render(comparison_table(comparison, details=True), 200)
    assert "predicted labels without probabilities; no calibration, no mAP" in shown
    with pytest.raises(SpecError, match="mAP needs probabilities or logits"):
        place.score(columns, shared_place.folds("tags", metric="mean_average_precision"))


def test_values_are_scored_in_their_units(place: Any, shared_place: Any) -> None:
    folds = shared_place.folds("mood", labels=True)
    labels = {sample: label for of_fold in folds.labels.values() for sample, label in of_fold.items()}
    ids = list(folds.fold_of)
    columns = {"id": ids, "prediction": [labels[sample][0] + 0.25 for sample in ids]}
    comparison = place.score(columns, folds)
    assert comparison.methods[0].score_by("mae") == pytest.approx(0.25)
    assert comparison.methods[0].residuals.targets[0].coverage is None
    assert "values of predictions" in render(comparison_table(comparison, details=True), 200)


def test_a_run_of_other_data_is_refused_by_its_part(place: Any, folds: Any, predict: Any, tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    path.write_text(json.dumps(folds.to_json()))
    plain = json.loads(path.read_text())
    plain["parts"]["data"] = "0" * 64
    plain["fingerprint"] = digest(plain["parts"])[:12]
    path.write_text(json.dumps(plain))
    with pytest.raises(DataError, match=r"its data 000000000000 is .* today: the files, the dataset's parameters"):
        place.score(predict(folds), path)
    assert not place.out.exists()


def test_classes_in_another_order_are_refused(place: Any, folds: Any, predict: Any) -> None:
    changed = replace(folds, names=tuple(reversed(folds.names)))
    with pytest.raises(DataError, match="its names are not low, middle, high, in this order"):
        place.score(predict(folds), changed)


def test_a_model_that_is_not_there_is_not_diagnosed(place: Any, folds: Any, predict: Any) -> None:
    comparison = place.score(predict(folds), folds)
    with pytest.raises(RecordError, match="was not trained here, so that no model can be diagnosed"):
        mmbench.diagnose(comparison.path)


def test_copies_and_known_labels_are_flagged_in_table_and_record(
    place: Any, shared_place: Any, folds: Any, predict: Any
) -> None:
    trained = place.run()
    records = trained.methods[0].records
    copied = {"id": [sample for record in records for sample in record.ids]}
    logits = np.concatenate([record.logits for record in records])
    copied |= {name: (3 * logits[:, at]).tolist() for at, name in enumerate(folds.names)}
    comparison = place.score(copied, folds, "copied", outputs="logits")
    assert [sign.kind for sign in comparison.suspicions] == ["copy"]
    assert "SUSPICIOUS: copied (not trained here): its predictions are those of concat" in render(
        comparison_table(comparison), 200
    )
    perfect = place.score(predict(folds, noise=0.0), folds, "perfect")
    assert "perfect" in {sign.kind for sign in perfect.suspicions if sign.method == "perfect (not trained here)"}
    record = read_record(next(find_records(perfect.methods[0].folder)))
    assert record.run["elsewhere"]["flags"][0]["kind"] == "perfect"
    alone = load_comparison(comparison.methods[0].folder)
    assert [sign.kind for sign in alone.suspicions] == ["copy"], "a flag stays where the other entry is not shown"


def test_other_predictions_under_the_same_name_are_counted(place: Any, folds: Any, predict: Any) -> None:
    for noise in (1.0, 2.0, 2.0):
        comparison = place.score(predict(folds, noise=noise), folds)
    assert len(comparison.methods) == 1
    assert "another set of predictions was scored under this name" in render(comparison_table(comparison), 200)


def test_one_of_the_runs_can_be_chosen(place: Any, folds: Any, predict: Any) -> None:
    place.run()
    comparison = place.score(predict(folds), folds, against="prior")
    assert [method.name for method in comparison.methods][1:] == ["prior"]
    with pytest.raises(SpecError, match="--against: no run 'priors' on these folds — did you mean 'prior'"):
        place.score(predict(folds), folds, against="priors")


def test_a_name_is_needed(place: Any, folds: Any, predict: Any) -> None:
    for name in ("", "  ", "x" * 81, "a\x1b[31m"):
        with pytest.raises(SpecError, match="--name: "):
            place.score(predict(folds), folds, name)


def test_a_record_cannot_claim_a_training(place: Any, folds: Any, predict: Any) -> None:
    folder = place.score(predict(folds), folds).methods[0].folder
    path = next(find_records(folder))
    plain = json.loads(path.read_text())
    plain["parameters"] = {"total": 10, "trainable": 10}
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match="it was not trained here, but describes a training"):
        read_record(path)


def test_columns_that_are_not_read_are_named(
    place: Any, folds: Any, predict: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {**predict(folds), "note": ["x"] * len(folds.fold_of)}
    path, of_folds = tmp_path / "p.csv", tmp_path / "folds.json"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    of_folds.write_text(json.dumps(folds.to_json()))
    options = ["--out", str(place.out), "--cache", str(place.cache), "--plugin", place.options["plugins"][0]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["mmbench", "score", str(path), "--folds", str(of_folds), "--name", "mine", *options])
        with suppress(SystemExit):
            main()
    said = capsys.readouterr()
    assert "columns that are not used: note" in said.err
    assert "read as probabilities" in said.err
    assert "mine (not trained here)" in said.out


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of the user: eight people with six rows each."""
    random = np.random.default_rng(0)
    rows = [f"r{at},p{at // 6},{'yn'[at % 2]},{random.normal():.3f},{random.normal():.3f}" for at in range(48)]
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(["id,subject,label,a,b", *rows]))
    return path


def test_data_of_the_user_are_found_again(
    table: Path, tmp_path: Path, predict: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"cache": tmp_path / "cache", "out": tmp_path / "runs"}
    found = mmbench.folds(table, folds=2, labels=True, cache=options["cache"])
    assert found.data == table
    columns = predict(found)
    in_python = mmbench.score(columns, found, "mine", **options)
    assert str(in_python).startswith("answers \u00b7 label")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sys.argv", ["mmbench", "folds", "answers.csv", "--folds", "2", "--cache", str(tmp_path / "cache")]
    )
    with suppress(SystemExit):
        main()
    said = capsys.readouterr().err
    assert "answers \u00b7 label \u00b7 protocol subject: 48 samples" in said
    assert "mmbench score predictions.csv --folds folds.json --data answers.csv --name NAME" in " ".join(said.split())
    with pytest.raises(DataError, match="give --data and the path of your table"):
        mmbench.score(columns, tmp_path / "folds.json", "mine", **options)
    assert mmbench.score(columns, tmp_path / "folds.json", "mine", data=table, **options).methods


def test_predictions_below_chance_are_no_constants(place: Any, folds: Any, predict: Any) -> None:
    columns = predict(folds)
    rotated = dict(zip(folds.names, [columns[name] for name in (*folds.names[1:], folds.names[0])], strict=True))
    comparison = place.score({**columns, **rotated}, folds, against="none")
    assert comparison.methods[0].score.mean < comparison.chance - 0.01
    assert "constant" not in render(comparison_table(comparison, details=True), 200)


def test_predictions_of_a_prior_have_its_intervals_whoever_made_them(place: Any, folds: Any) -> None:
    run = place.run()
    prior = next(method for method in run.methods if method.name == "prior")
    rows = [
        (sample, record.fold, *logits)
        for record in prior.records
        if record.seed == 0
        for sample, logits in zip(record.ids, record.logits, strict=True)
    ]
    columns = dict(zip(("id", "fold", *folds.names), map(list, zip(*rows, strict=True)), strict=True))
    copy = place.score(columns, folds, "constant", outputs="logits").methods[0]
    assert not copy.varies
    assert copy.scores == prior.scores
    concat = run.methods[0]
    assert concat.difference(copy) == concat.difference(prior)
    varied = {**columns, folds.names[0]: [number % 7 for number in range(len(rows))]}
    assert place.score(varied, folds, "varied", outputs="logits").methods[0].varies


def test_a_copy_at_another_temperature_with_few_errors_is_flagged(place: Any, folds: Any, predict: Any) -> None:
    columns = predict(folds, noise=0.35)
    source = place.score(columns, folds, "source", against="none").methods[0]
    probabilities = np.column_stack([columns[name] for name in folds.names]) ** 2
    probabilities = np.round(probabilities / probabilities.sum(axis=1, keepdims=True), 4)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    copied = {**columns, **dict(zip(folds.names, probabilities.T.tolist(), strict=True))}
    assert (source.outcomes.predictions != source.labels).sum() < 10
    copy = place.score(copied, folds, "copied", against="none").methods[0].folder
    signs = [sign for sign in compare(place.out, [source.folder, copy]).suspicions if sign.kind == "copy"]
    assert [sign.text for sign in signs] == [
        "its predictions are those of copied (not trained here) at another temperature, or nearly"
    ]
    honest = place.score(predict(folds, noise=0.45), folds, "honest", against="none").methods[0].folder
    assert "copy" not in {sign.kind for sign in compare(place.out, [source.folder, honest]).suspicions}
