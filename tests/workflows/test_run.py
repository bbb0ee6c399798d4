"""Runs as a whole, on the toy dataset."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.data import read_fold_file
from mmbench.errors import DataError, ProtocolError, RecordError, SpecError
from mmbench.registry.plugins import load_registry
from mmbench.reporting.terminal import comparison_table, render
from mmbench.results.loading import compare, load_comparison
from mmbench.results.records import find_records, read_record

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
QUICK = {"epochs": 3, "batch_size": 8}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six subjects of five trials of two windows."""
    root = tmp_path_factory.mktemp("people")
    dataset = load_registry((TOY,)).find("datasets", "toy").component()
    dataset.simulate(root, subjects=6, trials=5)
    return root


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


def run(people: Path, shelf: Path, out: Path, method: str = "concat", **options: Any) -> Any:
    options = {"against": ["late", "prior"], "folds": 3, "training": QUICK, "jobs": 1, **options}
    return mmbench.run(method, "toy", data=people, cache=shelf, out=out, plugins=(TOY,), **options)


def logits(comparison: Any) -> list[Any]:
    return [record.logits for method in comparison.methods for record in method.records]


def test_every_sample_is_tested_once_by_every_method(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path)
    assert [method.name for method in comparison.methods] == ["concat", "late", "prior"]
    tested = [sorted(i for record in method.records for i in record.ids) for method in comparison.methods]
    assert tested[0] == tested[1] == tested[2]
    assert len(tested[0]) == len(set(tested[0])) == 60


def test_same_bits_with_any_number_of_jobs(people: Path, shelf: Path, tmp_path: Path) -> None:
    one = run(people, shelf, tmp_path / "one", jobs=1)
    two = run(people, shelf, tmp_path / "two", jobs=2)
    assert logits(one) == logits(two)
    assert one.run["key"] == two.run["key"]


def test_seeds_are_other_trainings_on_the_same_folds(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path, seeds=2, against=[])
    first, second = ([r for r in comparison.methods[0].records if r.seed == seed] for seed in (0, 1))
    assert [record.ids for record in first] == [record.ids for record in second]
    assert [record.logits for record in first] != [record.logits for record in second]
    alone = run(people, shelf, tmp_path, seeds=1, against=[])
    assert {record.seed for record in alone.methods[0].records} == {0}


def test_only_missing_results_are_computed(people: Path, shelf: Path, tmp_path: Path) -> None:
    first = run(people, shelf, tmp_path)
    files = sorted(tmp_path.glob("*/*/fold-*.json"))
    stamps = {file: file.stat().st_mtime_ns for file in files}
    files[0].unlink()
    files[1].write_text(files[1].read_text()[:100])
    again = run(people, shelf, tmp_path)
    assert logits(first) == logits(again)
    redone = [file for file in files if file.stat().st_mtime_ns != stamps[file]]
    assert redone == files[:2]


def test_baseline_added_later_reuses_earlier_results(people: Path, shelf: Path, tmp_path: Path) -> None:
    run(people, shelf, tmp_path, against=[])
    stamps = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/*/fold-*.json")}
    run(people, shelf, tmp_path, against=["gated"])
    assert {file: file.stat().st_mtime_ns for file in stamps} == stamps


@pytest.mark.parametrize(
    "change",
    [
        {"standardize": "subject"},
        {"training": {**QUICK, "lr": 0.5}},
        {"method": "concat[dim=16]"},
        {"encoders": {"facts": "raw"}},
        {"threads": 2},
    ],
    ids=str,
)
def test_another_setting_is_another_run(people: Path, shelf: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    before = run(people, shelf, tmp_path, against=[])
    after = run(people, shelf, tmp_path, **{"against": [], **change})
    assert before.methods[0].folder != after.methods[0].folder
    assert before.run["fingerprint"] == after.run["fingerprint"]


@pytest.mark.parametrize("protocol", ["segment", "trial", "subject", "loso", "pooled-segment", "pooled-trial"])
def test_every_protocol_runs(people: Path, shelf: Path, tmp_path: Path, protocol: str) -> None:
    comparison = run(people, shelf, tmp_path, protocol=protocol, against=["prior"], training={"epochs": 1})
    n_models = {"segment": 18, "trial": 18, "loso": 6}.get(protocol, 3)
    assert [len(method.records) for method in comparison.methods] == [n_models, n_models]
    assert comparison.run["unit"] == "subject"


def test_baselines_take_the_encoders_of_the_first(people: Path, shelf: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "theirs.py"
    plugin.write_text(
        "import mmbench\n"
        "@mmbench.hookimpl\n"
        "def register_methods(register):\n"
        "    encoders = {'timeseries': 'conv1d[dim=8]', 'facts': 'raw'}\n"
        "    register(mmbench.Method('theirs', 'gated', encoders, mmbench.Training(epochs=2)))\n"
    )
    options = {"against": ["late", "theirs"], "plugins": (TOY, str(plugin)), "data": people, "cache": shelf}
    comparison = mmbench.run(
        "concat", "toy", out=tmp_path, folds=3, jobs=1, training=QUICK, encoders={"signal": "conv1d[dim=4]"}, **options
    )
    concat, late, theirs = comparison.methods
    assert late.run["encoders"] == concat.run["encoders"]
    assert late.run["encoders"]["signal"]["params"]["dim"] == 4
    assert late.run["training"] == concat.run["training"]
    assert not late.run["own_encoders"]
    assert theirs.run["own_encoders"]
    assert theirs.run["encoders"]["signal"]["params"]["dim"] == 8
    assert theirs.run["training"]["epochs"] == 2


def test_a_modality_that_is_not_used_is_not_encoded(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path, method="only[modality=facts]", against=["prior"])
    only, prior = comparison.methods
    assert list(only.run["encoders"]) == ["facts"]
    assert prior.run["encoders"] == {}
    assert prior.parameters["total"] == 0
    assert only.scores["balanced_accuracy"].mean > 0.7
    assert prior.scores["balanced_accuracy"].mean == pytest.approx(0.5)


def test_what_was_known_is_in_the_record(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path, against=[])
    record = comparison.methods[0].records[0]
    scores, epochs = record.scores, record.epochs
    assert scores["oracle"]["balanced_accuracy"] >= scores["chosen"]["balanced_accuracy"]
    assert epochs["last"] == len(record.history) - 1
    assert record.run["torch"].startswith(record.environment["packages"]["torch"])
    assert record.run["training"]["epochs"] == 3
    assert read_fold_file(comparison.path.parent / "folds.json").samples(record.fold, "test") == record.ids
    command = json.loads(comparison.path.read_text())["command"]
    assert command.startswith("mmbench run concat toy")
    assert command.endswith(" --data DIR --plugin toy_plugin.py")


def test_simulated_is_said(people: Path, shelf: Path, tmp_path: Path, widest: Callable[[str], int]) -> None:
    comparison = run(people, shelf, tmp_path)
    assert comparison.to_json()["simulated"] is True
    text = render(comparison_table(comparison))
    assert "SIMULATED" in text
    without = comparison.methods[0].run["gaps"]["facts"]["without"]
    assert f"facts: {without} samples without" in text
    assert widest(text) <= 80
    details = render(comparison_table(comparison, details=True))
    assert widest(details) <= 80
    scores = details[details.index("\nscores ") :]
    row = next(line for line in scores.splitlines() if line.startswith("late  "))
    gaps = [comparison.methods[1].gap(which) for which in ("last", "oracle")]
    assert row.split()[-6:-4] == [f"{gap:+.3f}".replace("0.", ".") for gap in gaps]
    long = run(people, shelf, tmp_path, method="only[modality=facts,dim=32,dropout=0.25,pool=mean]", against=["prior"])
    assert widest(render(comparison_table(long, details=True))) <= 80


def test_the_verdict_comes_first(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path)
    best, *ties = comparison.leaders
    lines = render(comparison_table(comparison)).splitlines()
    assert lines[2].startswith(("concat scores ", "No method is significantly above chance"))
    listed = ", ".join([best, *ties])
    assert f"set of best methods (95 % model confidence set): {listed}" in " ".join(" ".join(lines).split())
    assert comparison.to_json()["leaders"] == [best, *ties]
    alone = render(comparison_table(run(people, shelf, tmp_path, against=[])))
    assert "no other method was run" in " ".join(alone.split()) or "not significantly above chance" in alone
    assert not [line for line in alone.splitlines() if line.startswith("*")]
    next(find_records(comparison.methods[0].folder)).unlink()
    partly = load_comparison(comparison.path)
    assert comparison.methods[0].name not in partly.leaders
    text = render(comparison_table(partly))
    assert "  difference" not in text
    marks = {
        line.split()[1]: line[0] for line in text.splitlines() if line[:2] in ("* ", "= ") and " best; " not in line
    }
    assert marks == {partly.leaders[0]: "*", **dict.fromkeys(partly.leaders[1:], "=")}


def test_missing_folds_are_reported(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path)
    next(find_records(comparison.methods[1].folder)).unlink()
    assert "late: 1 fold is missing" in render(comparison_table(load_comparison(comparison.path)))


def test_other_splits_are_not_compared(people: Path, shelf: Path, tmp_path: Path) -> None:
    three = run(people, shelf, tmp_path, against=[])
    two = run(people, shelf, tmp_path, against=[], folds=2)
    with pytest.raises(RecordError, match="fingerprint"):
        compare(tmp_path, [three.methods[0].folder, two.methods[0].folder])


def test_runs_can_be_shown_by_folder(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path)
    folder = comparison.methods[0].folder
    assert [method.name for method in load_comparison(folder).methods] == ["concat"]
    assert {method.name for method in load_comparison(folder.parent).methods} == {"concat", "late", "prior"}


def test_records_are_checked_when_read(people: Path, shelf: Path, tmp_path: Path) -> None:
    comparison = run(people, shelf, tmp_path, against=[])
    path = next(find_records(comparison.methods[0].folder))
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "labels": plain["labels"][1:]}))
    with pytest.raises(RecordError, match="differ in length"):
        read_record(path)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"protocol": "lopo"}, ProtocolError),
        ({"task": "front"}, SpecError),
        ({"against": ["concat"]}, SpecError),
        ({"encoders": {"signal": "mlp"}}, SpecError),
        ({"encoders": {"signal": "nothing"}}, SpecError),
        ({"seeds": 0}, SpecError),
        ({"standardize": "nobody"}, SpecError),
        ({"folds": 1}, SpecError),
        ({"units": ["s0", "s9"]}, SpecError),
        ({"units": []}, SpecError),
        ({"modalities": ["fact"]}, SpecError),
    ],
    ids=str,
)
def test_impossible_wishes(people: Path, shelf: Path, tmp_path: Path, options: dict[str, Any], error: type) -> None:
    with pytest.raises(error) as caught:
        run(people, shelf, tmp_path, **options)
    assert "\n" not in caught.value.line
    assert not list(tmp_path.glob("*/*/fold-*.json"))


def test_a_preset_is_a_file_anyone_can_write(people: Path, shelf: Path, tmp_path: Path) -> None:
    preset = tmp_path / "small.toml"
    preset.write_text('[fusion]\ndim = 8\n[encoders]\nfacts = "raw"\n[training]\nlr = 0.01\n')
    comparison = run(people, shelf, tmp_path, preset=str(preset), against=[])
    assert comparison.run["fusion"]["params"]["dim"] == 8
    assert comparison.run["encoders"]["facts"]["name"] == "raw"
    assert comparison.run["training"]["lr"] == 0.01
    assert comparison.run["training"]["epochs"] == 3
    preset.write_text("[fusoin]\ndim = 8\n")
    with pytest.raises(SpecError, match="did you mean 'fusion'"):
        run(people, shelf, tmp_path, preset=str(preset), against=[])


PRESET = """
[dataset]
windows = 1
[run]
protocol = "trial"
folds = 4
seeds = 2
units = ["s1", "s0", "s4"]
modalities = ["facts"]
[fusion]
dim = 8
[training]
clip = 0
class_weights = false
patience = 3
"""


def test_unrecordable_names_are_refused_before_training(people: Path, shelf: Path, tmp_path: Path) -> None:
    preset = tmp_path / "bell\x07.toml"
    preset.write_text("[training]\nepochs = 1\n")
    with pytest.raises(SpecError, match="cannot be written to records"):
        run(people, shelf, tmp_path / "runs", preset=str(preset))
    assert not list(tmp_path.rglob("fold-*.json"))


def test_a_preset_sets_the_run_and_the_shell_line_wins(people: Path, shelf: Path, tmp_path: Path) -> None:
    preset = tmp_path / "theirs.toml"
    preset.write_text(PRESET)
    options = {"preset": str(preset), "against": ["prior"], "training": {"epochs": 2}}
    comparison = run(people, shelf, tmp_path, folds=None, **options)
    assert comparison.run["dataset"] == "toy[windows=1]"
    assert comparison.run["protocol"] == "trial"
    assert comparison.run["units"] == ["s0", "s1", "s4"]
    assert comparison.methods[0].units == ["s0", "s1", "s4"]
    assert [len(method.records) for method in comparison.methods] == [3 * 4 * 2] * 2
    assert comparison.run["preset"]["run"]["folds"] == 4
    assert comparison.run["training"]["clip"] == 0
    over = run(people, shelf, tmp_path, seeds=1, units=["s1", "s2", "s3"], protocol="subject", **options)
    assert over.methods[0].units == ["s1", "s2", "s3"]
    assert [len(method.records) for method in over.methods] == [3, 3]
    assert over.run["preset"]["run"] == {"modalities": ["facts"]}
    text = " ".join(render(comparison_table(over, details=True)).split())
    assert "only s1, s2, s3" in text
    assert "preset theirs.toml: fusion[dim=8], training[clip=0, class_weights=false, patience=3]" in text
    assert "all methods: use 1 of 2 modalities: facts" in text
    oracle = over.methods[0].mean_score("oracle", "accuracy")
    assert f"as some papers report it: concat {oracle:.3f}, prior" in text


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("[run]\nfold = 3\n", "fold: is not a setting of a run"),
        ("[run]\nfolds = 1\n", "[run] folds: 1 is too few"),
        ('[run]\nfolds = "few"\n', "invalid value 'few'"),
        ('[run]\nstandardize = "all"\n', "[run] standardize: invalid value 'all'"),
        ("[dataset]\nwindow = 3\n", "did you mean 'windows'?"),
        ("[encoders]\nfacts = 3\n", "[encoders] facts: 3 is not the spec of an encoder"),
        ("[training]\nclip = -1.0\n", "clip is -1.0"),
    ],
)
def test_a_wrong_preset_is_one_line(people: Path, shelf: Path, tmp_path: Path, table: str, line: str) -> None:
    preset = tmp_path / "wrong.toml"
    preset.write_text(table)
    with pytest.raises(SpecError) as caught:
        run(people, shelf, tmp_path, preset=str(preset), folds=None)
    assert line in caught.value.line


def test_only_the_chosen_units_are_read(people: Path, tmp_path: Path) -> None:
    root = tmp_path / "files"
    shutil.copytree(people, root, ignore=shutil.ignore_patterns("reads.log"))
    (root / "s5.txt").write_text("")  # damaged, but not selected
    comparison = run(root, tmp_path / "cache", tmp_path, against=[], units=["s3", "s0", "s1"])
    assert comparison.run["units"] == ["s0", "s1", "s3"]
    assert {record_id[:2] for record in comparison.methods[0].records for record_id in record.ids} == {"s0", "s1", "s3"}
    assert sorted((root / "reads.log").read_text().split()) == ["s0", "s1", "s3"]
    with pytest.raises(DataError, match=r"s5\.txt: holds nothing"):
        run(root, tmp_path / "cache", tmp_path, against=[], units=["s3", "s0", "s5"])


def test_methods_see_only_the_chosen_modalities(people: Path, shelf: Path, tmp_path: Path) -> None:
    whole = run(people, shelf, tmp_path, against=[])
    facts = run(people, shelf, tmp_path, modalities=["facts"])
    assert facts.run["modalities"] == ["facts"]
    assert [list(method.run["encoders"]) for method in facts.methods] == [["facts"], ["facts"], []]
    assert facts.run["fingerprint"] == whole.run["fingerprint"]
    assert facts.run["prepared"] == whole.run["prepared"]
    assert facts.run["key"] != whole.run["key"]
    assert facts.methods[0].parameters["total"] < whole.methods[0].parameters["total"]
    same = run(people, shelf, tmp_path, against=[], modalities=["facts", "signal"])
    assert same.methods[0].folder == whole.methods[0].folder
    together = compare(tmp_path, [whole.methods[0].folder, facts.methods[1].folder])
    assert "late: uses 1 of 2 modalities: facts" in render(comparison_table(together))


def test_invalid_component_is_refused_before_preparation(people: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(SpecError, match="k=9"):
        run(people, cache, tmp_path, against=["milmer[k=9,dim=24,heads=2]"])
    assert not list(cache.glob("prepared/*"))


def test_trials_that_straddle_are_reported(people: Path, shelf: Path, tmp_path: Path) -> None:
    leaky, honest = (
        run(people, shelf, tmp_path, protocol=protocol, method="prior", against=[]) for protocol in ("segment", "trial")
    )
    assert leaky.to_json()["straddling"]["trial"] > 0.5
    assert honest.to_json()["straddling"] == {"trial": 0.0}
    text = render(comparison_table(leaky))
    assert f"LEAK: {leaky.run['straddling']['trial']:.0%} of the test samples share their trial" in text
    assert "LEAK" not in render(comparison_table(honest))
