"""Folders of leaderboards: loading them, and adding runs and audits.

``ROOT/<dataset>/<protocol>/<task>/`` is one board: ``folds.json`` with the samples of each part of each fold, a folder
of records a run, and ``audit.json`` where the protocol was audited. ``ROOT/suites/<suite>/`` holds boards likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mmbench.data import FOLDS_FILE, FoldFile, read_fold_file, write_fold_file
from mmbench.errors import RecordError
from mmbench.reporting.metric_names import kind_of
from mmbench.results import (
    Comparison,
    MethodResult,
    compare,
    data_name,
    find_leaders,
    find_records,
    load_comparison,
    record_path,
    write_record,
)
from mmbench.storage import counted, describe_parse_error, make_folder, slug, write_text
from mmbench.workflows import AuditResult, ProtocolAudit, is_audit, load_audit

AUDIT = "audit.json"
SUITES = "suites"
"""The folder of suites, each with boards of its own."""


@dataclass(frozen=True)
class Board:
    """Runs over the same samples, task and splits; ``audit`` is that of the protocol, None if it was not audited."""

    folder: Path
    comparison: Comparison
    audit: ProtocolAudit | None

    @property
    def name(self) -> str:
        """Dataset, task and protocol."""
        run = self.comparison.run
        return f"{data_name(run)} · {run['task']} · {run['protocol']}"

    @cached_property
    def ranked(self) -> Sequence[MethodResult]:
        """The runs by the metric of the verdict, best first."""
        return sorted(
            self.comparison.methods, key=lambda method: (-method.orient(method.score.mean), method.folder.name)
        )

    @cached_property
    def leaders(self) -> frozenset[str]:
        """The folders of the best run and of those not significantly worse."""
        return frozenset(find_leaders({method.folder.name: method.outcomes for method in self.comparison.methods}))


def find_boards(root: Path) -> list[Path]:
    """The folders of all boards under ``root``, by name, with those of suites; RecordError if there is none."""
    homes = [root, *sorted(path for path in (root / SUITES).glob("*") if path.is_dir())]
    found = [board for home in homes for board in find_boards_in(home)]
    if not found:
        raise RecordError("holds no leaderboards", where=root, remedy="put a run on one: mmbench leaderboard add RUN")
    return found


def find_boards_in(home: Path) -> list[Path]:
    """The folders of the boards of ``home`` itself, without those of suites, by name."""
    return sorted(path.parent for path in home.glob(f"*/*/*/{FOLDS_FILE}"))


def load_board(folder: Path) -> Board:
    """A board from its records; RecordError if they are damaged, not whole, or of different splits."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and any(find_records(path)))
    if not folders:
        raise RecordError("holds no records", where=folder, remedy="put a run on it: mmbench leaderboard add RUN")
    comparison = compare(folder, folders)
    for method in comparison.methods:
        _check_complete(method)
    return Board(folder, comparison, _read_audit(folder / AUDIT, comparison))


def add_runs(path: Path, root: Path) -> Board:
    """Copy the records of a run, or of a comparison, onto the board of its dataset, protocol and task.

    Raises RecordError if a fold is missing or failed, or the board is of other samples or splits; nothing is
    copied then.
    """
    comparison = load_comparison(path)
    folder = board_folder(comparison, root)
    check_addition(comparison, folder)
    copy_runs(comparison, folder)
    return load_board(folder)


def check_addition(comparison: Comparison, folder: Path) -> Comparison:
    """The runs of a board with those of a comparison; RecordError if these are not whole or do not belong there."""
    if comparison.lost:
        raise RecordError(
            f"{next(iter(comparison.lost))} failed", where=comparison.path, remedy="fix the cause and run it again"
        )
    for method in comparison.methods:
        _check_complete(method)
    there = sorted(each for each in folder.glob("*") if each.is_dir() and any(find_records(each)))
    new = [method.folder for method in comparison.methods]
    return compare(folder, [*there, *(each for each in new if each.name not in {old.name for old in there})])


def copy_runs(comparison: Comparison, folder: Path) -> None:
    """Copy the splits and the records of a comparison.

    Paths of weights are not published. Nor is the diagnosis of a task of labels or values, which no page shows: it
    holds all outputs under each condition, and would be four fifths of a record.
    """
    folds = read_folds(comparison.methods[0].folder.parent)
    make_folder(folder)
    write_fold_file(folder / FOLDS_FILE, folds)
    for method in comparison.methods:
        for record in method.records:
            diagnosis = record.diagnosis if kind_of(record.run) == "class" else None
            target = record_path(folder / method.folder.name, record.fold, record.seed)
            write_record(target, replace(record, weights=None, diagnosis=diagnosis))


def add_audit(path: Path, root: Path) -> list[Path]:
    """Put an audit into the folders of the boards whose splits it audited; RecordError if there is none."""
    audit = load_audit(path)
    mine = [folder for folder in find_boards(root) if matching_audit(audit, load_board(folder).comparison)]
    if not mine:
        raise RecordError(
            f"its splits are not those of a board in {root.name}",
            where=path,
            remedy="put the runs on their board first",
        )
    for folder in mine:
        write_text(folder / AUDIT, path.read_text(encoding="utf-8"))
    return mine


def board_folder(comparison: Comparison, root: Path, name: str | None = None) -> Path:
    """The folder of the board to which runs belong; ``name`` replaces that of their dataset."""
    run = comparison.run
    return root / slug(name or data_name(run)) / slug(str(run["protocol"])) / slug(str(run["task"]))


def _check_complete(method: MethodResult) -> None:
    if method.missing or method.failures:
        raise RecordError(
            f"{counted(method.missing, 'fold')} of {method.name} {'is' if method.missing == 1 else 'are'} missing",
            where=method.folder,
            remedy="run the same command again",
        )


def _read_audit(path: Path, comparison: Comparison) -> ProtocolAudit | None:
    if not path.exists():
        return None
    if not is_audit(path):
        raise RecordError("is not an audit", where=path, remedy="delete it and add the audit again")
    return matching_audit(load_audit(path), comparison)


def matching_audit(audit: AuditResult, comparison: Comparison) -> ProtocolAudit | None:
    """The audit of the splits of these runs; None if it has none of these splits."""
    run = comparison.run
    if audit.task != run["task"]:
        return None
    return next((one for one in audit.protocols if one.fingerprint == run["fingerprint"]), None)


def read_folds(folder: Path) -> FoldFile:
    """The folds of a board or run; RecordError for a damaged file."""
    try:
        return read_fold_file(folder / FOLDS_FILE)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"does not list the folds ({describe_parse_error(error)})",
            where=folder / FOLDS_FILE,
            remedy="run the same command again",
        ) from error
