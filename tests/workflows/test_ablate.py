"""Ablations as a whole, on the toy dataset: runs, tables and errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.cli import main
from mmbench.errors import RecordError, SpecError
from mmbench.reporting.terminal import ablation_tables, render
from mmbench.results.loading import load_comparison
from mmbench.results.records import find_records
from mmbench.results.statistics import difference_intervals
from mmbench.workflows.ablation_results import is_ablation, load_ablation

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
PARTS = """
from mmbench import Ablation, Method, Training, hookimpl

ENCODERS = {"timeseries": "conv1d[dim=8]", "vector": "mlp[dim=8]"}
TABLES = (
    Ablation("pooling", ({"pool": "flatten"}, {"pool": "mean", "dropout": 0.3})),
    Ablation("width", ({"dim": 4}, {"dim": 16}, {"dim": -1})),
    Ablation("facts", ({"dim": 8}, {"dim": 4}), encoder="vector"),
    Ablation("series", ("conv1d[dim=8]", "gru[dim=4]", "words"), encoder="timeseries"),
)

@hookimpl
def register_methods(register):
    register(Method("parts", "concat", ENCODERS, Training(epochs=2, batch_size=16), ablations=TABLES))
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    path = tmp_path_factory.mktemp("plugins") / "parts.py"
    path.write_text(PARTS)
    return TOY, str(path)


@pytest.fixture(scope="module")
def where(toy_people: Path, plugins: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options that every run here takes; the folder of records is shared, so that the tests train little."""
    shelf = tmp_path_factory.mktemp("shelf")
    return {
        "data": toy_people, "cache": shelf, "out": shelf / "runs", "plugins": plugins, "jobs": 1, "folds": 3
    }  # fmt: skip


@pytest.fixture(scope="module")
def result(where: dict[str, Any]) -> Any:
    return mmbench.ablate("parts", "toy", **where)


def rows(result: Any, table: str) -> dict[str, Any]:
    (found,) = (each for each in result.tables if each.name == table)
    return {row.value: row for row in found.rows}


def test_every_table_has_its_rows_and_equal_runs_are_shared(result: Any) -> None:
    assert [table.name for table in result.tables] == ["pooling", "width", "facts", "series", "modalities"]
    names = [method.name for method in result.comparison.methods]
    assert names == [
        "parts",
        "parts[pool=mean,dropout=0.3]",
        "parts[dim=4]",
        "parts[dim=16]",
        "parts, vector.dim=4",
        "parts, timeseries=gru[dim=4]",
        "parts, modalities=signal",
        "parts, modalities=facts",
    ]
    assert result.default.name == "parts"
    assert len({method.folder for method in result.comparison.methods}) == len(names)
    for table, value in (
        ("pooling", "flatten"),
        ("facts", "8"),
        ("modalities", "signal+facts"),
        ("width", "128"),
        ("series", "conv1d[dim=8]"),
    ):
        assert result.is_default(rows(result, table)[value])
    # The method as it stands is put first where its value is not among the rows.
    assert list(rows(result, "width")) == ["128", "4", "16", "-1"]


def test_rows_have_the_stated_settings(result: Any) -> None:
    wide, narrow = rows(result, "width")["16"].method, rows(result, "facts")["4"].method
    assert wide.run["fusion"]["params"]["dim"] == 16
    assert narrow.run["encoders"]["facts"]["params"]["dim"] == 4
    assert narrow.run["encoders"]["signal"] == wide.run["encoders"]["signal"]
    other = rows(result, "series")["gru[dim=4]"].method
    assert other.run["encoders"]["signal"]["name"] == "gru"
    assert other.run["encoders"]["facts"] == wide.run["encoders"]["facts"]
    assert "encodes text, but signal is of kind timeseries" in rows(result, "series")["words"].reason
    alone = rows(result, "modalities")["signal"].method
    assert alone.run["modalities"] == list(alone.run["encoders"]) == ["signal"]
    assert len({method.run["fingerprint"] for method in result.comparison.methods}) == 1


def test_what_cannot_be_built_stays_with_its_reason(result: Any) -> None:
    row = rows(result, "width")["-1"]
    assert row.method is None
    assert "-1" in row.reason
    assert "\n" not in row.reason
    text = " ".join(render(ablation_tables(result)).split())
    assert f"-1 was not run: {row.reason.split(' — ')[0]}" in text


def test_differences_are_paired_with_the_default(result: Any) -> None:
    row = rows(result, "modalities")["facts"]
    expected = difference_intervals(row.method.outcomes, result.default.outcomes)
    assert result.difference(row) == expected
    interval = expected["balanced_accuracy"]
    gap = row.method.scores["balanced_accuracy"].mean - result.default.scores["balanced_accuracy"].mean
    assert interval.mean == pytest.approx(gap)
    assert result.difference(rows(result, "pooling")["flatten"]) is None


def test_the_tables_are_readable(result: Any, widest: Callable[[str], int]) -> None:
    text = render(ablation_tables(result))
    assert widest(text) <= 80
    assert "SIMULATED" in text
    line = next(line for line in text.splitlines() if line.startswith("facts "))
    interval = result.difference(rows(result, "modalities")["facts"])["balanced_accuracy"]
    assert f"{interval.mean:+.3f}".replace("0.", ".") in line
    assert text.count(" default ") == 5


def test_the_same_again_trains_nothing_and_shares_with_run(where: dict[str, Any], result: Any) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in where["out"].glob("*/*/fold-*.json")}
    assert len(stamps) == 3 * len(result.comparison.methods)
    again = mmbench.ablate("parts", "toy", **where)
    assert again.path == result.path
    run = mmbench.run("parts[dim=16]", "toy", **where)
    assert run.methods[0].folder == rows(result, "width")["16"].method.folder
    only = mmbench.ablate("parts", "toy", only=["width"], **where)
    assert [table.name for table in only.tables] == ["width"]
    assert {path: path.stat().st_mtime_ns for path in where["out"].glob("*/*/fold-*.json")} == stamps


def test_interrupted_ablation_resumes(where: dict[str, Any], result: Any) -> None:
    gone = next(find_records(rows(result, "width")["4"].method.folder))
    kept = next(find_records(result.default.folder))
    before, stamp = gone.read_text(), kept.stat().st_mtime_ns
    gone.unlink()
    left = load_ablation(result.path)
    assert left.difference(rows(left, "width")["4"]) is None
    assert "parts[dim=4]: 1 fold is missing" in render(ablation_tables(left))
    mmbench.ablate("parts", "toy", **where)
    assert json.loads(gone.read_text())["logits"] == json.loads(before)["logits"]
    assert kept.stat().st_mtime_ns == stamp


def shell(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["mmbench", *arguments])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_show_prints_the_output_of_the_run(
    where: dict[str, Any], result: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(where["data"]), "--cache", str(where["cache"]), "--out", str(where["out"])]
    options += [text for file in where["plugins"] for text in ("--plugin", file)]
    line = ["ablate", "parts", "toy", *options, "--folds", "3", "--jobs", "1", "--quiet"]
    assert shell(monkeypatch, *line, "--only", "facts,modalities") == 0
    table = capsys.readouterr().out
    assert table.index("vector dim") < table.index("modalities")
    assert "pooling" not in table
    assert shell(monkeypatch, *line, "--only", "facts,modalities", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["tables"]] == ["facts", "modalities"]
    assert [row["default"] for row in document["tables"][0]["rows"]] == [True, False]
    assert {method["name"] for method in document["methods"]} >= {"parts", "parts, vector.dim=4"}
    assert shell(monkeypatch, "show", document["records"]) == 0
    assert capsys.readouterr().out == table
    assert shell(monkeypatch, *line, "--only", "fact") == 2
    assert "did you mean 'facts'?" in capsys.readouterr().err


def test_files_are_distinguished(where: dict[str, Any], result: Any, tmp_path: Path) -> None:
    comparison = mmbench.run("parts", "toy", **where)
    assert is_ablation(result.path)
    assert not is_ablation(comparison.path)
    assert not is_ablation(tmp_path)
    assert load_comparison(comparison.path).methods[0].folder == result.default.folder
    assert json.loads(result.path.read_text())["command"].startswith("mmbench ablate parts toy")
    broken = tmp_path / "ablation.json"
    broken.write_text('{"tables": [{}]}')
    with pytest.raises(RecordError, match="is not an ablation"):
        load_ablation(broken)


def test_nothing_to_ablate_is_reported(where: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="declares no ablation"):
        mmbench.ablate("late", "toy", modalities=["facts"], **where)
    with pytest.raises(SpecError, match="compare with mmbench"):
        mmbench.ablate("parts", "toy", against=["prior"], **where)


def test_many_modalities_are_tried_alone_left_out_and_together() -> None:
    from mmbench.workflows.ablation_rows import _subsets

    assert len(list(_subsets(tuple("abcd")))) == 15
    assert sorted(map(len, _subsets(tuple("abcdef")))) == [1] * 6 + [5] * 6 + [6]


BRIEF = {"folds": 2, "training": {"epochs": 1}}


@pytest.fixture(scope="module")
def tuned(where: dict[str, Any]) -> Any:
    return mmbench.ablate("parts", "toy", only=["width", "facts"], tune=2, **{**where, **BRIEF})


def test_every_row_is_tuned_with_one_budget_and_one_space(tuned: Any, result: Any) -> None:
    rows_of = {method.name: method for method in tuned.comparison.methods}
    assert set(rows_of) < {method.name for method in result.comparison.methods}
    spaces = {name: method.run["tuning"]["space"] for name, method in rows_of.items()}
    whole = spaces["parts"]
    # What any table of the method varies is held in each row, also where this ablation leaves the table out.
    assert whole.keys().isdisjoint({"fusion.dim", "fusion.pool", "fusion.dropout", "encoder.facts.dim"})
    assert not [name for name in whole if name.startswith("encoder.signal.")]  # whose encoder is exchanged as a whole
    assert {"encoder.facts.depth", "training.lr"} <= whole.keys()
    assert all(space == whole for space in spaces.values())
    for method in rows_of.values():
        assert method.run["tuning"]["trials"] == 2
        for record in method.records:
            assert len(record.tuning["trials"]) == 2
            assert record.tuning["chosen"].keys() == spaces[method.name].keys()
    narrow = rows_of["parts[dim=4]"]
    assert narrow.run["fusion"]["params"]["dim"] == 4


def test_a_tuned_ablation_says_so_and_is_another_run(tuned: Any, result: Any, widest: Callable[[str], int]) -> None:
    text = render(ablation_tables(tuned))
    assert "tuned on the validation part of each fold, 2 tuning trials per method and fold" in text
    assert "every row is tuned separately; parameters in the tables are fixed" in text
    assert widest(text) <= 80
    assert "tuned" not in render(ablation_tables(result))
    folders = [{method.folder for method in each.comparison.methods} for each in (tuned, result)]
    assert folders[0].isdisjoint(folders[1])


def test_the_shell_tunes_an_ablation(
    where: dict[str, Any], tuned: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in where["out"].glob("*/*/fold-*.json")}
    options = ["--data", str(where["data"]), "--cache", str(where["cache"]), "--out", str(where["out"])]
    options += [text for file in where["plugins"] for text in ("--plugin", file)]
    line = ["ablate", "parts", "toy", *options, "--folds", "2", "--training", "epochs=1", "--jobs", "1", "--quiet"]
    line += ["--only", "width"]
    assert shell(monkeypatch, *line, "--tune", "2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert {method["tuning"]["trials"] for method in document["methods"]} == {2}
    assert {path: path.stat().st_mtime_ns for path in where["out"].glob("*/*/fold-*.json")} == stamps, "found again"
    assert shell(monkeypatch, *line, "--tune-seconds", "5") == 2
    assert "--tune-seconds: nothing is tuned" in capsys.readouterr().err


def test_rows_may_be_tuned_on_the_first_fold_only(where: dict[str, Any]) -> None:
    once = mmbench.ablate("parts", "toy", only=["facts"], tune=2, tune_scope="once", **{**where, **BRIEF})
    for method in once.comparison.methods:
        assert {record.tuning["fold"] for record in method.records} == {method.records[0].fold}
    assert "TUNED ON THE FIRST FOLD ONLY" in render(ablation_tables(once))
