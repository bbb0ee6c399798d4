"""Leaderboards: what comes onto one, that its pages follow from its records, and that tampering is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import mmbench
from mmbench.cli.app import app
from mmbench.errors import DataError, RecordError, SpecError
from mmbench.reporting.leaderboards import find_boards, find_pairs, find_standings, load_board
from mmbench.reporting.leaderboards.building import build_leaderboards, publish_results
from mmbench.reporting.leaderboards.verification import _repeat, verify_leaderboards
from mmbench.results.records import find_records, read_record
from mmbench.workflows.request import RetrainOptions

BOARD = "mfeat/pooled-segment/digit"


@pytest.fixture
def check(home: Path) -> Callable[..., Any]:
    def checked(root: Path, again: int | None = 0, seed: int = 0) -> Any:
        return verify_leaderboards(root, again, seed, RetrainOptions(None, home / "cache", 1), {})

    return checked


def first_record(root: Path, method: str = "concat") -> Path:
    return sorted(find_records(next((root / BOARD).glob(f"{method}-*"))))[0]


def test_board_page_lists_its_records(published: Path, comparison: Any) -> None:
    assert find_boards(published) == [published / BOARD]
    board = load_board(published / BOARD)
    standings = find_standings(board)
    assert [standing.method for standing in standings] == ["concat", "prior"]
    assert standings[0].scores == comparison.methods[0].scores
    assert [(each.is_tied, each.is_strong) for each in standings] == [(True, True), (False, False)]
    assert standings[0].budget == "2 tuning trials per fold"
    (pair,) = find_pairs(board)
    assert pair.difference.low > 0
    assert pair.p < 0.05
    record = read_record(first_record(published))
    assert record.weights is None
    text = (published / BOARD / "README.md").read_text()
    assert f"{standings[0].scores['balanced_accuracy'].mean:.3f}" in text
    assert "not audited" in text
    assert f"]({BOARD}/README.md)" in (published / "README.md").read_text()
    assert not list(published.rglob("*.safetensors"))


def test_what_is_built_twice_is_the_same(root: Path, check: Callable[..., Any]) -> None:
    assert build_leaderboards(root) == []
    assert check(root).faults == ()
    page = root / BOARD / "index.html"
    page.write_text(page.read_text().replace("concat", "cheat"))
    (root / "README.md").unlink()
    assert [fault.split(":")[0] for fault in check(root).faults] == ["README.md", f"{BOARD}/index.html"]
    assert sorted(build_leaderboards(root)) == sorted([root / "README.md", page])
    assert check(root).faults == ()


def test_a_fold_trained_again_gives_the_same_bits(root: Path, check: Callable[..., Any]) -> None:
    for seed in range(2):
        found = check(root, 2, seed)
        assert found.faults == ()
        assert [line.endswith(": bitwise identical") for line in found.lines] == [False, True, True, False]
    assert found.lines[-1] == "trained again: 2 of 2 folds"


def test_all_folds_can_be_trained_again_and_none_twice(root: Path, check: Callable[..., Any]) -> None:
    first, *others, last = check(root, None).lines
    assert first == "1 board, 4 records: every number recomputed from predictions, pages compared"
    assert sorted(line.split(": ")[1] for line in others) == [
        f"{method}, fold {fold}, seed 0" for method in ("concat", "prior") for fold in range(2)
    ]
    assert last == "trained again: 4 of 4 folds"
    assert len(check(root, 9).lines) == 6


def test_a_fold_whose_plugin_or_data_are_missing_names_them_and_the_option(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (method, *_) = load_board(published / BOARD).comparison.methods
    record = method.records[0]
    place = RetrainOptions(None, published / "no-cache", 1)
    for kind in ("fusion", "trainer"):
        unknown = replace(record, run={**record.run, kind: {"name": "theirs"}})
        found = _repeat(BOARD, method, unknown, place, {})
        assert found.line.endswith(f"not trained again: no plugin has the {kind} theirs; load it with --plugin FILE")
        assert (found.is_done, found.is_fault) == (False, False)

    def missing(*_: Any) -> None:
        raise DataError("is not here", where="mfeat", remedy="name its folder with --data")

    monkeypatch.setattr("mmbench.workflows.retrain_fold", missing)
    found = _repeat(BOARD, method, record, place, {})
    assert found.line.endswith(
        ": not trained again: mfeat: is not here; give the folder of its files with --data mfeat=FOLDER"
    )
    assert (found.is_done, found.is_fault) == (False, False)


def test_data_that_no_board_has_are_refused(root: Path, home: Path) -> None:
    place = RetrainOptions(None, home / "cache", 1)
    with pytest.raises(SpecError, match="--data: no board has data called 'anything' — choose from mfeat"):
        verify_leaderboards(root, 0, 0, place, {"anything": home})


def test_splits_that_were_changed_are_found(root: Path, check: Callable[..., Any]) -> None:
    path = root / BOARD / "folds.json"
    folds = json.loads(path.read_text())
    fold = folds["folds"][0]
    fold["train"].append(fold["test"][0])
    path.write_text(json.dumps(folds))
    first, second = check(root).faults
    assert "folds.json has fingerprint" in first
    assert "has samples in two of its parts" in second


def test_other_splits_are_refused(root: Path, home: Path) -> None:
    options: dict[str, Any] = {"modalities": ["mor"], "training": {"epochs": 1}, "jobs": 1}
    other = mmbench.run("late", "mfeat", folds=3, out=home / "runs", cache=home / "cache", **options)
    before = sorted(root.rglob("*"))
    with pytest.raises(RecordError, match="fingerprint is"):
        publish_results(other.path, root)
    assert sorted(root.rglob("*")) == before


def test_a_run_that_is_not_whole_is_refused(tmp_path: Path, root: Path, comparison: Any) -> None:
    import shutil

    copied = Path(shutil.copytree(comparison.path.parent, tmp_path / comparison.path.parent.name))
    next(find_records(copied / comparison.methods[1].folder.name)).unlink()
    with pytest.raises(RecordError, match="1 fold of prior is missing"):
        publish_results(copied / comparison.path.name, root)


def test_run_added_later_is_listed_with_the_others(root: Path, home: Path, check: Callable[..., Any]) -> None:
    options: dict[str, Any] = {"folds": 2, "modalities": ["mor", "zer"], "training": {"epochs": 2}, "jobs": 1}
    other = mmbench.run("concat", "mfeat", out=home / "runs", cache=home / "cache", **options)
    publish_results(other.path, root)
    standings = find_standings(load_board(root / BOARD))
    assert sorted(standing.budget for standing in standings) == [
        "2 tuning trials per fold",
        "2 tuning trials per fold",
        "untuned",
    ]
    assert len({standing.run for standing in standings}) == 3
    assert check(root).faults == ()
    publish_results(other.path, root)
    assert len(find_standings(load_board(root / BOARD))) == 3


def test_audit_is_attached_to_its_splits(root: Path, home: Path, check: Callable[..., Any]) -> None:
    options: dict[str, Any] = {"modalities": ["mor", "zer"], "folds": 2, "jobs": 1}
    result = mmbench.audit("concat", "mfeat", out=home / "audits", cache=home / "cache", **options)
    (path,) = (home / "audits").rglob("audit-*.json")
    publish_results(path, root)
    audit = load_board(root / BOARD).audit
    assert audit == result.find("pooled-segment")
    assert "not audited" not in (root / BOARD / "README.md").read_text()
    assert check(root).faults == ()


def test_the_shell(root: Path, home: Path, comparison: Any) -> None:
    def shell(*line: str) -> Any:
        return CliRunner().invoke(app, ["leaderboard", *line, "--root", str(root)])

    added = shell("add", str(comparison.path))
    assert (added.exit_code, added.stdout.strip()) == (0, str(root / BOARD))
    assert shell("build").stdout == "nothing changed\n"
    options = ("--again", "0", "--cache", str(home / "cache"), "--jobs", "1")
    assert shell("verify", *options).exit_code == 0
    (root / "index.html").write_text("")
    refused = shell("verify", "--again", "some")
    assert "--again: 'some' is not a number of folds" in refused.exception.line
    found = shell("verify", *options, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["faults"] == [
        "index.html: differs from what its records give; mmbench leaderboard build writes it again"
    ]
