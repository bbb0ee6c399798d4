"""Claims as a whole, on the toy dataset: listing, running, reuse, and the table."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import SpecError, conformance
from mmbench.cli import main
from mmbench.registry.plugins import load_registry
from mmbench.reporting.terminal import claim_tables, render
from mmbench.workflows.claims.claim import ClaimResult
from mmbench.workflows.claims.results import RowResult

CARD = """
title = "both modalities are needed"
dataset = "real[length=8]"
task = "side"
metric = "accuracy"
[twin]
dataset = "real-sim"
preset = "tiny"
training = { patience = 50 }
[[reported]]
name = "paper"
value = 0.9
protocol = "segment"
how = "windows shuffled"
source = "nobody 2020"
[[reported]]
name = "logs"
low = 0.1
high = 0.3
how = "people held out"
source = "their logs"
[[rows]]
name = "as published"
method = "mine[dim=16]"
protocol = "segment"
preset = "sizes"
folds = 2
score = "oracle"
dataset = { depth = 2, windows = 3 }
[[rows]]
name = "chosen"
method = "mine[dim=16]"
protocol = "segment"
preset = "sizes"
folds = 2
dataset = { depth = 2, windows = 3 }
[[rows]]
name = "people held out"
method = "mine[dim=16]"
against = ["only[modality=facts]", "prior"]
protocol = "subject"
preset = "sizes"
folds = 3
dataset = { depth = 2, windows = 3 }
reported = "logs"
"""
SIZES = "[fusion]\ndropout = 0.3\n[training]\nepochs = 4\npatience = 4\n"
Options = dict[str, Any]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin, its card and its presets; the records go there, too, so that the tests train little."""
    folder = tmp_path_factory.mktemp("claims")
    code = (Path(__file__).parents[2] / "plugins" / "claimed_plugin.py").read_text()
    toy = str(Path(__file__).parents[2] / "plugins" / "toy_plugin.py")
    (folder / "claimed.py").write_text(code.replace('str(Path(__file__).with_name("toy_plugin.py"))', repr(toy)))
    for name, text in (("claims/card", CARD), ("presets/sizes", SIZES), ("presets/tiny", "[fusion]\ndropout = 0.2\n")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def options(shelf: Path, toy_people: Path) -> Options:
    plugins = (str(shelf / "claimed.py"),)
    return {"data": toy_people, "cache": shelf / "cache", "out": shelf / "runs", "plugins": plugins, "jobs": 1}


@pytest.fixture(scope="module")
def result(options: Options) -> ClaimResult:
    return mmbench.claim("mine", run=True, **options)


@pytest.fixture
def edit(shelf: Path) -> Iterator[Callable[[str, str], None]]:
    """Changes a text of the card, until the test is over."""
    path = shelf / "claims" / "card.toml"

    def change(old: str, new: str) -> None:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    yield change
    path.write_text(CARD)


def rows(result: ClaimResult) -> dict[str, RowResult]:
    (card,) = result.cards
    return {row.row.name: row for row in card.rows}


def printed(result: ClaimResult) -> str:
    """The table of the only card, on single lines of single blanks too, so that words can be looked for."""
    ((table, commands),) = claim_tables(result)
    text = render(table)
    assert max(map(len, text.splitlines())) <= 80
    return text + "\n".join(commands)


def words(result: ClaimResult) -> str:
    return " ".join(printed(result).split())


def test_a_card_is_listed_without_its_files(options: Options, tmp_path: Path) -> None:
    elsewhere = {**options, "data": tmp_path / "nothing here", "out": tmp_path / "runs"}
    listed = mmbench.claim("mine", **elsewhere)
    assert [row.comparison for row in rows(listed).values()] == [None] * 3
    assert [row.reason for row in rows(listed).values()] == [""] * 3
    text = printed(listed)
    assert text.count("not run\n") + text.count("not run ") >= 3
    assert "SIMULATED" not in text
    assert "paper 0.900 segment" in words(listed)
    assert "logs 0.100 to 0.300 not reported" in words(listed)
    assert not (tmp_path / "runs").exists()
    ran = mmbench.claim("mine", run=True, **elsewhere)
    assert all("no such folder" in row.reason for row in rows(ran).values())
    assert ran.failure.startswith("every row that was run failed: ")


def test_the_folder_is_required_where_it_must_be_given(options: Options, tmp_path: Path) -> None:
    listed = mmbench.claim("mine", **{**options, "data": None, "out": tmp_path})
    (card,) = listed.cards
    assert " --data DIR " in card.command
    assert all(" --data DIR " in row.command for row in card.rows)


def test_rows_that_ask_for_the_same_run_share_it(result: ClaimResult, options: Options) -> None:
    published, chosen, held_out = rows(result).values()
    assert published.command == chosen.command != held_out.command
    assert published.comparison.path == chosen.comparison.path
    method = chosen.comparison.methods[0]
    assert method.run["fusion"]["params"] | {"dropout": 0.3, "dim": 16} == method.run["fusion"]["params"]
    assert method.run["dataset"] == "real[length=8,depth=2,windows=3]"
    (line,) = [line for line in printed(mmbench.claim("mine", **{**options, "out": Path("x")})).splitlines()
               if line.startswith("# as published")]  # fmt: skip
    assert line == "# as published, chosen"


def test_a_row_is_scored_at_its_epoch(result: ClaimResult) -> None:
    published, chosen, _ = rows(result).values()
    (at_oracle,), (at_chosen,) = published.scores, chosen.scores
    assert at_oracle.interval is None
    assert at_oracle.value == at_oracle.method.mean_score("oracle", "accuracy")
    assert at_chosen.interval == at_chosen.method.scores["accuracy"]
    assert at_chosen.value == at_chosen.interval.mean
    assert at_oracle.oracle == at_chosen.oracle == pytest.approx(at_oracle.method.gap("oracle", "accuracy"))


def test_records_name_the_leaking_groups(result: ClaimResult) -> None:
    published, chosen, held_out = rows(result).values()
    assert published.leaks == chosen.leaks == {"trial": chosen.comparison.run["straddling"]["trial"]}
    assert held_out.leaks == {}
    assert [row.is_valid for row in (published, chosen, held_out)] == [False, False, True]
    lines = printed(result).splitlines()
    marked = [line for line in lines if line.endswith("LEAK")]
    assert [line.split("  ")[1] for line in marked] == ["as published", "chosen"]
    share = f"up to {chosen.leaks['trial']:.0%} of the test samples share their trial with the training part"
    assert share in words(result)


def test_baselines_stand_beneath_their_row(result: ClaimResult) -> None:
    held_out = rows(result)["people held out"]
    assert [score.method.name for score in held_out.scores] == ["mine[dim=16]", "only[modality=facts]", "prior"]
    lines = printed(result).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  people held out"))
    assert lines[at + 1].startswith("    only[modality=facts]")
    assert lines[at + 2].startswith("    prior")
    assert f"{held_out.scores[0].value:.3f} [" in lines[at]
    assert "Fusion against the best single modality, by balanced accuracy: people held out" in words(result)


def test_real_files_agree_with_the_published_description(result: ClaimResult) -> None:
    assert "SIMULATED" not in words(result)
    published, _, held_out = rows(result).values()
    assert published.over_reported == pytest.approx(published.scores[0].value - 0.9)
    assert held_out.over_reported == pytest.approx(max(held_out.scores[0].value - 0.3, 0))
    lines = printed(result).splitlines()
    for name, row in rows(result).items():
        shown = f"{row.over_reported:+.3f}".replace("0.", ".")
        assert shown in next(line for line in lines if line.startswith(f"  {name} "))
    assert "reported: difference to 'paper' for as published, chosen" in words(result)


def test_notes_on_the_data_stand_under_the_rows(result: ClaimResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.results.comparison.Comparison.data_notes", ("Films are the same.",))
    assert words(result).count("DATA: Films are the same.") == 1


def test_simulated_files_are_marked_and_not_compared(
    options: Options, tmp_path: Path, edit: Callable[[str, str], None]
) -> None:
    edit('dataset = "real[length=8]"', 'dataset = "real-sim"')
    edit("depth = 2, ", "")
    mine = {**options, "out": tmp_path, "only": ["as published"]}
    found = mmbench.claim("mine", run=True, training={"epochs": 1}, **mine)
    assert rows(found)["as published"].scores
    assert rows(found)["as published"].over_reported is None
    assert "SIMULATED: these rows say nothing about the claim." in words(found)
    assert not found.cards[0].is_twin


def test_summary_counts_only_completed_rows(result: ClaimResult, options: Options) -> None:
    published, chosen, held_out = rows(result).values()
    leaky = sorted(row.scores[0].value for row in (published, chosen))
    honest = held_out.scores[0].value
    text = words(result)
    span = f"{leaky[0]:.3f}" + (f" to {leaky[1]:.3f}" if f"{leaky[0]:.3f}" != f"{leaky[1]:.3f}" else "")
    assert f"2 leaking rows score {span}, 1 valid row scores {honest:.3f}: " in text
    change = f"{100 * (honest - chosen.scores[0].value):+.1f}"
    assert f"Changing only the protocol of 'chosen', in points: people held out {change}." in text
    some = mmbench.claim("mine", only=["chosen"], **options)
    assert f"1 leaking row scores {chosen.scores[0].value:.3f}; no valid row was run." in words(some)
    other = mmbench.claim("mine", only=["people held out"], **options)
    assert f"1 valid row scores {honest:.3f}; no leaking row was run." in words(other)


def test_the_same_again_trains_nothing(result: ClaimResult, options: Options) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in options["out"].glob("*/*/fold-*.json")}
    assert stamps
    again = mmbench.claim("mine", run=True, **options)
    assert printed(again) == printed(result) == printed(mmbench.claim("mine", **options))
    assert {path: path.stat().st_mtime_ns for path in options["out"].glob("*/*/fold-*.json")} == stamps


def shell(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["mmbench", *arguments])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_printed_command_answers_its_row(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex

    mine = {**options, "out": tmp_path / "runs", "only": ["people held out"]}
    (row,) = rows(mmbench.claim("mine", **mine)).values()
    assert row.comparison is None
    assert shell(monkeypatch, *shlex.split(row.command)[1:], "--jobs", "1", "--quiet") == 0
    table = capsys.readouterr().out
    (row,) = rows(mmbench.claim("mine", **mine)).values()
    assert row.comparison is not None
    assert f"{row.scores[0].method.scores['balanced_accuracy'].mean:.3f}" in table


def test_changed_settings_count_as_not_run(result: ClaimResult, options: Options, shelf: Path) -> None:
    for changed in ({"seeds": 2}, {"training": {"epochs": 5}}):
        other = mmbench.claim("mine", **options, **changed)
        assert [row.comparison for row in rows(other).values()] == [None] * 3
    preset = shelf / "presets" / "sizes.toml"
    preset.write_text(SIZES.replace("0.3", "0.4"))
    try:
        other = mmbench.claim("mine", **options)
    finally:
        preset.write_text(SIZES)
    assert [row.comparison for row in rows(other).values()] == [None] * 3
    assert all(row.comparison for row in rows(mmbench.claim("mine", **options)).values())


def test_a_changed_card_is_another_question(
    result: ClaimResult, options: Options, edit: Callable[[str, str], None]
) -> None:
    edit('name = "people held out"', 'name = "strangers"')
    edit("value = 0.9\n", "value = 0.8\n")
    renamed = rows(mmbench.claim("mine", **options))
    assert renamed["strangers"].comparison is not None, "what is run is the same"
    edit("folds = 3", "folds = 2")
    changed = rows(mmbench.claim("mine", **options))
    assert changed["strangers"].comparison is None
    assert changed["chosen"].comparison is not None


@pytest.fixture
def copied(result: ClaimResult, options: Options, tmp_path: Path) -> Options:
    """The same with records of one's own, to be damaged."""
    shutil.copytree(options["out"], tmp_path / "runs")
    return {**options, "out": tmp_path / "runs"}


def comparison_file(options: Options) -> Path:
    """The one behind the row of whole people."""
    (path,) = options["out"].glob("real-side-subject-*/comparison-*.json")
    return path


@pytest.mark.parametrize("text", ["{", "[]", '"?"', "{}", '{"asked": {}}', '{"asked": {"question": 3, "parts": {}}}'])
def test_a_damaged_file_is_reported_and_made_again(text: str, copied: Options) -> None:
    path = comparison_file(copied)
    path.write_text(text)
    found = mmbench.claim("mine", **copied)
    assert rows(found)["people held out"].comparison is None
    assert rows(found)["chosen"].comparison is not None
    (outcome,) = found.damaged
    assert outcome.startswith(f"{path}: ")
    assert "\n" not in outcome
    repaired = mmbench.claim("mine", run=True, **copied)
    assert repaired.damaged == ()
    assert rows(repaired)["people held out"].comparison is not None


def test_older_comparisons_are_passed_over_in_silence(copied: Options) -> None:
    path = comparison_file(copied)
    listed = json.loads(path.read_text())
    del listed["asked"]
    path.write_text(json.dumps(listed))
    found = mmbench.claim("mine", **copied)
    assert (found.damaged, rows(found)["people held out"].comparison) == ((), None)


def test_stale_records_count_as_not_run_and_say_why(copied: Options) -> None:
    path = comparison_file(copied)
    kept = path.read_text()
    listed = json.loads(kept)
    listed["asked"]["parts"]["fusion concat"] = "another"
    path.write_text(json.dumps(listed))
    row = rows(mmbench.claim("mine", **copied))["people held out"]
    assert (row.comparison, row.reason) == (None, "fusion concat changed since it was run")
    path.write_text(kept)
    folder = path.parent / json.loads(kept)["runs"][0]
    sorted(folder.glob("fold-*.json"))[0].unlink()
    found = mmbench.claim("mine", **copied)
    assert rows(found)["people held out"].reason == "1 fold is missing"
    assert "people held out: not run: 1 fold is missing" in words(found)
    sorted(folder.glob("fold-*.json"))[0].write_text("{")
    reason = rows(mmbench.claim("mine", **copied))["people held out"].reason
    assert reason.startswith(str(folder))
    assert "Expecting property name" in reason


def test_twin_takes_its_known_parameters(options: Options, tmp_path: Path) -> None:
    mine = {**options, "data": None, "out": tmp_path, "on": "real-sim"}
    found = mmbench.claim("mine", run=True, training={"epochs": 2}, **mine)
    (card,) = found.cards
    assert card.simulated
    assert card.is_twin
    run = rows(found)["people held out"].comparison.methods[0].run
    assert run["dataset"] == "real-sim[length=8,windows=3]"
    assert run["preset"] == {"name": "tiny", "fusion": {"dropout": 0.2}}
    assert (run["training"]["epochs"], run["training"]["patience"]) == (2, 50)
    assert [row.over_reported for row in card.rows] == [None] * 3
    text = words(found)
    assert "SIMULATED: real-sim stands in for real[length=8]: these rows say nothing about the claim." in text
    assert "On simulated data, 2 leaking rows" in text
    assert "chosen: real-sim has no depth; the row was run without" in text
    assert "reported:" not in text
    assert " --data " not in card.command
    larger = mmbench.claim("mine", **{**mine, "on": "real-sim[windows=4]", "only": ["chosen"]})
    assert '"real-sim[length=8,windows=4]"' in rows(larger)["chosen"].command
    itself = mmbench.claim("mine", **{**mine, "on": "real", "only": ["chosen"]})
    assert not itself.cards[0].is_twin
    assert '"real[length=8,depth=2,windows=3]"' in rows(itself)["chosen"].command


def test_a_row_that_cannot_be_built_keeps_its_reason(
    options: Options, tmp_path: Path, edit: Callable[[str, str], None]
) -> None:
    edit('name = "chosen"\nmethod = "mine[dim=16]"', 'name = "chosen"\nmethod = "mine[dim=-1]"')
    mine = {**options, "out": tmp_path, "only": ["chosen", "people held out"]}
    found = mmbench.claim("mine", run=True, training={"epochs": 1}, **mine)
    assert rows(found)["chosen"].comparison is None
    assert "-1" in rows(found)["chosen"].reason
    assert rows(found)["people held out"].comparison is not None
    assert "chosen: not run: " in words(found)
    assert found.failure == "1 row of 2 failed: chosen"
    assert mmbench.claim("mine", **mine).failure == "", "nothing was run in this call"


def test_where_every_row_fails_the_exit_code_is_1_and_one_line_says_so(
    options: Options,
    tmp_path: Path,
    edit: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edit('name = "chosen"\nmethod = "mine[dim=16]"', 'name = "chosen"\nmethod = "mine[dim=-1]"')
    line = ["claim", "mine", "--only", "chosen", "--run", "--data", str(options["data"]), "--out", str(tmp_path)]
    line += ["--cache", str(options["cache"]), "--jobs", "1", "--quiet", "--plugin", str(options["plugins"][0])]
    assert shell(monkeypatch, *line) == 1
    assert "every row that was run failed: chosen\n" in capsys.readouterr().err
    line.remove("--run")
    assert shell(monkeypatch, *line) == 0
    assert "failed" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('preset = "sizes"\nfolds = 3', 'preset = "size"\nfolds = 3', "no preset 'size'"),
        ("mine[dim=16]", "mine[dimm=16]", "did you mean 'dim'?"),
        ('"prior"', '"prio"', "did you mean 'prior'?"),
        ("depth = 2", "deepth = 2", "did you mean 'depth'?"),
        ('task = "side"', 'task = "sides"', "did you mean 'side'?"),
        ("folds = 3", "folds = 1", "1 is too few"),
    ],
)
def test_row_with_unknown_component_is_named(
    old: str, new: str, says: str, options: Options, edit: Callable[[str, str], None]
) -> None:
    edit(old, new)
    with pytest.raises(SpecError, match="claim card, row '") as caught:
        mmbench.claim("mine", **options)
    assert says in caught.value.line
    assert "\n" not in caught.value.line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["minee"], "did you mean 'mine'?"),
        (["late"], "has no claim card"),
        (["mine", "cart"], "did you mean 'card'?"),
        (["mine", "--only", "chosn"], "did you mean 'chosen'?"),
        (["mine", "--on", "real-sum"], "did you mean 'real-sim'?"),
        (["mine", "--training", "epoch=3"], "did you mean 'epochs'?"),
        (["mine", "--seeds", "0"], "0 is too few"),
    ],
)
def test_mistakes_are_one_line(
    line: list[str],
    says: str,
    options: Options,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shell(monkeypatch, "claim", *line, "--plugin", options["plugins"][0]) == 2
    (outcome,) = capsys.readouterr().err.strip().splitlines()
    assert outcome.startswith("mmbench: ")
    assert says in outcome


def test_the_shell_prints_the_table_and_json(
    result: ClaimResult, options: Options, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word for name in ("data", "cache", "out") for word in (f"--{name}", str(options[name]))]
    line = ["claim", "mine", "card", *given, "--plugin", options["plugins"][0], "--quiet"]
    assert shell(monkeypatch, *line) == 0
    assert capsys.readouterr().out == printed(result)
    assert shell(monkeypatch, *line, "--seeds", "2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in document["cards"][0]["rows"]] == [False] * 3
    assert shell(monkeypatch, *line, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert " ".join(document["cards"][0]["summary"].split()) in words(result)
    assert document == json.loads(json.dumps(result.to_json()))
    (card,) = document["cards"]
    assert [reported["name"] for reported in card["reported"]] == ["paper", "logs"]
    published, chosen, held_out = card["rows"]
    assert published["scores"][0]["interval"] is None
    assert chosen["straddling"]["trial"] > 0
    assert (chosen["honest"], held_out["honest"]) == (False, True)
    assert held_out["command"].startswith('mmbench run "mine[dim=16]"')
    assert [score["method"] for score in held_out["scores"]][1:] == ["only[modality=facts]", "prior"]
    assert held_out["records"] == str(rows(result)["people held out"].comparison.path)
    assert shell(monkeypatch, "list", "--plugin", options["plugins"][0]) == 0
    assert "claims: card" in " ".join(capsys.readouterr().out.split())


def outcomes(shelf: Path) -> dict[str, conformance.Outcome]:
    checks = conformance.check_plugin(str(shelf / "claimed.py"))
    return {check.name: check.run() for check in checks if check.subject.startswith("method")}


def test_conformance_checks_claim_cards(shelf: Path, edit: Callable[[str, str], None]) -> None:
    assert outcomes(shelf)["claim_card"].ok
    assert not outcomes(shelf)["claim_card"].skipped
    edit("depth = 2", "deep = 2")
    outcome = outcomes(shelf)["claim_card"]
    assert not outcome.ok
    assert "row 'as published': real: no parameter 'deep'" in outcome.message
    edit('task = "side"', 'tusk = "side"')
    assert "tusk: is not a key of a claim card" in outcomes(shelf)["claim_card"].message


def test_conformance_skips_components_that_are_not_installed(shelf: Path, edit: Callable[[str, str], None]) -> None:
    edit('"real-sim"', '"unreal-sim"')
    outcome = outcomes(shelf)["claim_card"]
    assert outcome.skipped
    assert outcome.message == "the dataset unreal-sim is not installed"


def test_conformance_misses_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "lost.py"
    path.write_text(
        "from pathlib import Path\nfrom mmbench import Method, hookimpl\n"
        "@hookimpl\ndef register_methods(register):\n    register(Method('lost', 'concat', claims=Path('nowhere')))\n"
    )
    outcome = {check.name: check.run() for check in conformance.check_plugin(str(path))}
    assert outcome["recipe"].message == "the folder of claims nowhere does not exist"


def test_the_plugin_is_whole(options: Options) -> None:
    assert load_registry(options["plugins"]).failures == []
