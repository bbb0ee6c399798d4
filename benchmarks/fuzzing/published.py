"""Fuzzing targets: published leaderboards, reports and trained models."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.toy import TOY, run_toy, runs, train_toy


def make_audit() -> Any:
    """An audit with something in each of its places."""
    from mmbench.workflows.audit.findings import Control, SharedGroups, SuspectChannel
    from mmbench.workflows.audit.results import AuditResult, ModelAudit, ProtocolAudit

    seen, unseen = ModelAudit(0.9, 0.91, Control(20, 0.8, 0.5, 1e-9)), ModelAudit(0.6, 0.62, Control(20, 0.5, 0.5, 0.4))
    audits = (
        ProtocolAudit("segment", 5, "abc", SharedGroups({"trial": 1.0}, 0.2, {"eeg": 0.01}), True, seen, seen),
        ProtocolAudit("loso", 3, "def", SharedGroups({"trial": 0.0}, 0.0, {"eeg": 0.0}), False, unseen),
    )
    odd = (SuspectChannel("eeg", "Fp1", "constant", 0.5),)
    return AuditResult(
        "concat", "toy", "side", ("no", "yes"), True, "train", 24, "trial", 12, {"eeg": "spectrum"}, audits, "loso",
        {"subject": "two people"}, odd, {"numpy": "2"}, ("concat: it broke",),
    )  # fmt: skip


# ---- leaderboards


def _board(folder: Path) -> Path:
    """A leaderboard of the toy run with an audit of its splits; the folder of the one board on it."""
    from mmbench.reporting.leaderboards.building import publish_results
    from mmbench.results.loading import load_comparison

    root = folder / "boards"
    if not root.is_dir():
        home = run_toy(folder)
        fingerprint = load_comparison(home).run["fingerprint"]
        audit = make_audit()
        mine = replace(audit, protocols=tuple(replace(one, fingerprint=fingerprint) for one in audit.protocols))
        (folder / "audit.json").write_text(json.dumps({"audit": mine.to_plain()}))
        publish_results(home, root)
        publish_results(folder / "audit.json", root)
    return next(root.glob("*/*/*"))


def _record_on(board: Path) -> Path:
    return min(board.glob("concat-*/fold-*.json"))


def make_board_folds(folder: Path) -> list[bytes]:
    return [_whole(_board(folder) / "folds.json")]


def make_board_records(folder: Path) -> list[bytes]:
    return [_whole(_record_on(_board(folder)))]


def make_board_audits(folder: Path) -> list[bytes]:
    return [_whole(_board(folder) / "audit.json")]


def make_board_pages(folder: Path) -> list[bytes]:
    board = _board(folder)
    return [_whole(board / "README.md"), (board / "index.html").read_bytes()]


def read_board_folds(path: Path) -> object:
    return _verify(path, _board(path.parent) / "folds.json")


def read_board_record(path: Path) -> object:
    return _verify(path, _record_on(_board(path.parent)))


def read_board_audit(path: Path) -> object:
    return _verify(path, _board(path.parent) / "audit.json")


def read_board_page(path: Path) -> object:
    return _verify(path, _board(path.parent) / "README.md")


def _verify(path: Path, place: Path) -> object:
    """What `mmbench leaderboard verify` says of a board with a spoilt file, but for folds trained again."""
    from mmbench.reporting.leaderboards.verification import verify_leaderboards
    from mmbench.workflows import RetrainOptions

    with _put(path, place):
        return verify_leaderboards(path.parent / "boards", 0, 0, RetrainOptions(None, path.parent / "cache", 1), {})


def read_added_folds(path: Path) -> object:
    """A run that is put on a board, its folds spoilt."""
    from mmbench.reporting.leaderboards.building import publish_results

    home, root = run_toy(path.parent), path.parent / "new-boards"
    with _put(path, home / "folds.json"):
        return publish_results(home, root)


@contextmanager
def _put(path: Path, place: Path) -> Iterator[None]:
    """Let a spoilt file take a place, and what was there before take it again."""
    before = _whole(place)
    place.write_bytes(path.read_bytes())
    try:
        yield
    finally:
        place.write_bytes(before)


def _whole(place: Path) -> bytes:
    """What a file holds that no process has spoilt; one that died may have left it so."""
    kept = place.with_name(f".whole-{place.name}")
    if not kept.exists():
        kept.write_bytes(place.read_bytes())
    return kept.read_bytes()


# ---- reports


def make_reports(folder: Path) -> list[bytes]:
    """A comparison of the run, and a record of it."""
    home = run_toy(folder)
    listed = json.loads(_whole(min(home.glob("comparison-*.json"))))
    command = "mmbench run 'concat[dim=8]' toy --against prior --data DIR --plugin 'a toy.py'"
    return [json.dumps({**listed, "command": command}).encode(), _whole(min(runs(folder)[0].glob("fold-*.json")))]


def read_report(path: Path) -> object:
    """The page of runs, of which the comparison or a record is spoilt, whichever the file says that it is."""
    from mmbench.reporting.pages import write_report
    from mmbench.reporting.pages.report_inputs import load_report_inputs

    home = run_toy(path.parent)
    listed = min(home.glob("comparison-*.json"))
    place = min(runs(path.parent)[0].glob("fold-*.json")) if b'"logits"' in path.read_bytes() else listed
    with _put(path, place):
        return write_report(load_report_inputs([listed]), path.parent / "report")


# ---- trained models


def make_trained(folder: Path) -> list[bytes]:
    return [_whole(train_toy(folder)[0])]


def read_trained(path: Path) -> object:
    """The model behind a record of which nothing is known but what it says."""
    from mmbench.execution.restoring import restore_model

    record, cache = train_toy(path.parent)
    with _put(path, record):
        restored = restore_model(record, cache, (TOY,))
    return restored.fold, restored.model


def make_checkpoint(folder: Path) -> list[bytes]:
    return [_whole(train_toy(folder)[0].with_suffix(".safetensors"))]


def read_checkpoint(path: Path) -> object:
    """Weights whose record holds their digest."""
    from mmbench.execution.restoring import restore_model

    record, cache = train_toy(path.parent)
    plain = json.loads(_whole(record))
    (path.parent / "record").write_text(json.dumps({**plain, "weights": hashlib.sha256(path.read_bytes()).hexdigest()}))
    with _put(path, record.with_suffix(".safetensors")), _put(path.parent / "record", record):
        return restore_model(record, cache, (TOY,))


def make_lots(_: Path) -> list[bytes]:
    from mmbench.storage.hashing import digest

    return [json.dumps({"lots": digest(_LOTS), "predictions": [0, 1, 1, 0]}).encode()]


def read_lots(path: Path) -> object:
    from mmbench.workflows.audit.full_audit import _read

    return _read(path, _LOTS, 2)


_LOTS = np.array([1, 0, 1, 0])
