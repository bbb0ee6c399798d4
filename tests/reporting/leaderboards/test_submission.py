"""Runs are packed for a pull request, whose changed files alone are verified."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mmbench
from mmbench.cli.app import app
from mmbench.errors import RecordError, SpecError, StorageError
from mmbench.reporting.leaderboards import load_board
from mmbench.reporting.leaderboards.building import build_leaderboards
from mmbench.reporting.leaderboards.submission import MANIFEST, Submitter, pack_submission
from mmbench.reporting.leaderboards.verification import verify_leaderboards
from mmbench.workflows.request import RetrainOptions

BOARD = "mfeat/pooled-segment/digit"
SUBMITTER = Submitter("A. Author", "CC-BY-4.0", "random guesses")


@pytest.fixture(scope="package")
def scored(home: Path, comparison: Any) -> Path:
    """The folder of a run of random predictions over the folds of the board."""
    options = {"cache": home / "cache"}
    folds = mmbench.folds("mfeat", folds=2, **options)
    ids = list(folds.fold_of)
    random = np.random.default_rng(0)
    columns = {"id": ids, "outputs": random.dirichlet(np.ones(10), len(ids))}
    found = mmbench.score(columns, folds, "guesses", against="none", out=home / "runs", **options)
    return Path(found.methods[0].folder)


@pytest.fixture
def pack(home: Path, root: Path, scored: Path, tmp_path: Path) -> Callable[..., Any]:
    def packed(path: Path = scored, out: Path = tmp_path / "packed", **options: Any) -> Any:
        return pack_submission(path, root, out, options.pop("submitter", SUBMITTER), home / "cache", **options)

    return packed


@pytest.fixture
def check(home: Path, root: Path) -> Callable[..., Any]:
    def checked(only: list[Path] | None, again: int | None = 0) -> Any:
        return verify_leaderboards(root, again, 0, RetrainOptions(None, home / "cache", 1), {}, only)

    return checked


def unpack(path: Path, root: Path) -> list[Path]:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(root)
        return [root / name for name in archive.namelist()]


def test_a_packed_run_is_put_on_its_board_and_verified_alone(
    root: Path, pack: Callable[..., Any], check: Callable[..., Any], tmp_path: Path, scored: Path
) -> None:
    packed = pack(out=tmp_path / "packed.zip")
    assert packed.runs == ("guesses (not trained here)",)
    names = [f"fold-{fold}-seed-0.json" for fold in range(2)] + [MANIFEST]
    assert packed.files == tuple(f"{BOARD}/{scored.name}/{name}" for name in names)
    changed = unpack(packed.path, root)
    found = check(changed, again=None)
    assert found.faults == ()
    assert found.lines[0].startswith("1 board, 6 records, 2 of them changed: every number recomputed")
    assert "guesses (not trained here): cannot be trained again; only its numbers are verified" in found.lines[1]
    assert check(None).faults[0].startswith("README.md: ")
    build_leaderboards(root)
    assert check(None).faults == ()
    text = (root / BOARD / "README.md").read_text()
    assert "guesses (not trained here): submitted by A. Author; random guesses; licence CC-BY-4.0" in text
    assert "guesses (not trained here)" in (root / BOARD / "index.html").read_text()


def test_the_same_runs_give_the_same_archive(pack: Callable[..., Any], tmp_path: Path) -> None:
    one, other = (pack(out=tmp_path / f"{name}.zip").path.read_bytes() for name in ("one", "other"))
    assert one == other


def test_a_changed_record_is_trained_again(
    root: Path, pack: Callable[..., Any], check: Callable[..., Any], comparison: Any
) -> None:
    folder = root / BOARD / comparison.methods[1].folder.name
    found = check(sorted(folder.glob("fold-*.json"))[:1], again=None)
    assert found.faults == ()
    assert found.lines[-1] == "trained again: 1 of 1 fold"


def test_a_change_that_is_no_submission_is_refused(
    root: Path, pack: Callable[..., Any], check: Callable[..., Any], tmp_path: Path
) -> None:
    changed = unpack(pack(out=tmp_path / "p.zip").path, root)
    manifest = next(path for path in changed if path.name == MANIFEST)
    (root / "evil.py").write_text("")
    (root / BOARD / "link.json").symlink_to("/etc/passwd")
    lines = check([root / "evil.py", root / BOARD / "link.json", root / BOARD / "gone.json", tmp_path / "x"]).faults
    assert [line.split(": ")[1] for line in lines] == [
        "is no part of a leaderboard; leave it out",
        "is a link; give the file itself",
        "was deleted; a submission adds runs and deletes nothing",
    ]
    plain = json.loads(manifest.read_text())
    name = min(plain["digests"])
    manifest.write_text(json.dumps({**plain, "digests": {**plain["digests"], name: "0" * 64}}))
    assert check(changed).faults[0].endswith(f"{name} is not the record that {MANIFEST} names")
    manifest.write_text("{}")
    assert "is not a manifest" in check(changed).faults[0]


def test_a_changed_page_is_compared(root: Path, check: Callable[..., Any]) -> None:
    page = root / BOARD / "README.md"
    assert check([page]).faults == ()
    page.write_text("We are the best.")
    assert check([page]).faults[0].startswith(f"{BOARD}/README.md: differs from what its records give")


def test_what_does_not_belong_on_the_board_is_not_packed(
    pack: Callable[..., Any], comparison: Any, scored: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match="--board a/b/c: these runs belong on mfeat/pooled-segment/digit"):
        pack(board="a/b/c")
    with pytest.raises(RecordError, match="has no run that the board lacks"):
        pack(comparison.path)
    with pytest.raises(SpecError, match="--who: is empty"):
        pack(submitter=Submitter(" ", "CC0"))
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "file").write_text("")
    with pytest.raises(StorageError, match="is there already"):
        pack()


def test_a_first_submission_starts_a_board(home: Path, comparison: Any, tmp_path: Path) -> None:
    packed = pack_submission(comparison.path, tmp_path / "none", tmp_path / "new", SUBMITTER, home / "cache")
    assert f"{BOARD}/folds.json" in packed.files
    assert len(load_board(tmp_path / "new" / BOARD).comparison.methods) == 2
    manifest = json.loads(next((tmp_path / "new").rglob(f"concat-*/{MANIFEST}")).read_text())
    assert manifest["command"].startswith("mmbench run concat mfeat")


def test_a_submission_without_pages_is_verified_as_a_whole(home: Path, comparison: Any, tmp_path: Path) -> None:
    new = tmp_path / "new"
    pack_submission(comparison.path, tmp_path / "none", new, SUBMITTER, home / "cache")
    place = RetrainOptions(None, home / "cache", 1)
    found = verify_leaderboards(new, 0, 0, place, {})
    assert found.faults == ()
    assert found.lines[0].endswith("every number recomputed from predictions, no pages to compare, as in a submission")
    (new / BOARD / "README.md").write_text("We are the best.")
    faults = verify_leaderboards(new, 0, 0, place, {}).faults
    assert any(line.startswith(f"{BOARD}/README.md: differs from what its records give") for line in faults)


def test_paths_are_read_from_stdin(root: Path, home: Path, pack: Callable[..., Any], tmp_path: Path) -> None:
    changed = unpack(pack(out=tmp_path / "p.zip").path, root)
    arguments = ["leaderboard", "verify", "--root", str(root), "--cache", str(home / "cache"), "--only", "-"]
    done = CliRunner().invoke(app, arguments, input="\n".join(map(str, changed)))
    assert done.exit_code == 0
    assert "2 of them changed" in done.stdout
    assert "0 boards" in CliRunner().invoke(app, arguments, input="").stdout
