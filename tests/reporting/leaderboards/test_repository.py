"""The leaderboards of this repository: they follow from their records, and say what they are."""

from pathlib import Path
from random import Random

import pytest

from mmbench.reporting.leaderboards import find_boards, load_board
from mmbench.reporting.leaderboards.verification import verify_leaderboards
from mmbench.workflows.request import RetrainOptions

ROOT = Path(__file__).parents[3] / "leaderboards"
REAL = ("eegmat", "icons", "mfeat", "mosi", "stress-predict", "utd-mhad")


def test_every_number_and_page_follows_from_the_records(tmp_path: Path) -> None:
    assert verify_leaderboards(ROOT, 0, 0, RetrainOptions(None, tmp_path, 1), {}).faults == ()


@pytest.mark.parametrize("name", ["quick-v1/mfeat", "quick-v2/mfeat", "quick-v2/icons"])
def test_a_fold_of_a_suite_that_needs_no_files_is_trained_again(tmp_path: Path, name: str) -> None:
    """One fold here, on bundled data; others by `mmbench leaderboard verify --again N --data NAME=DIR`."""
    runs = sorted((ROOT / "suites" / name).glob("*/*/linear-*/fold-*.json"))
    again = verify_leaderboards(ROOT, 1, 0, RetrainOptions(None, tmp_path, 1), {}, [Random(0).choice(runs)])
    assert again.faults == ()
    assert again.lines[-1] == "trained again: 1 of 1 fold"


@pytest.mark.parametrize("folder", find_boards(ROOT), ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_each_board_is_a_fair_one(folder: Path) -> None:
    board = load_board(folder)
    names = {method.name for method in board.comparison.methods}
    assert {"prior", "concat", "late"} <= names
    assert board.comparison.simulated is (board.comparison.run["dataset"].split("[")[0] not in REAL)
    assert ("SIMULATED" in (folder / "README.md").read_text()) is board.comparison.simulated
    # One budget for all that are compared, but for what has nothing to tune.
    budgets = [method.run.get("tuning") for method in board.comparison.methods]
    assert len({budget and (budget["trials"], budget["seconds"], budget["scope"]) for budget in budgets}) == 1
    assert all(share == 0 for share in board.comparison.run["straddling"].values())
    assert board.audit is not None
    assert board.audit.leaks is not True


def test_nothing_but_text_and_no_path_of_a_machine() -> None:
    for path in ROOT.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not any(f"/{place}/" in text for place in ("home", "root", "tmp", "Users")), path
