"""Verify leaderboards: recompute numbers, compare pages with records, and train sampled folds again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mmbench.errors import DataError, RecordError, SpecError, UserError
from mmbench.registry import did_you_mean, load_registry, parse_spec
from mmbench.reporting.leaderboards.boards import Board, find_boards, load_board
from mmbench.reporting.leaderboards.building import PAGES, board_path, find_outdated_pages
from mmbench.reporting.leaderboards.changes import Changes, sort_changes
from mmbench.reporting.leaderboards.consistency import check_board
from mmbench.reporting.leaderboards.submission import check_manifests
from mmbench.reporting.leaderboards.suites import RankedSuite, check_suite, find_suites_in, load_ranked_suite
from mmbench.results import MethodResult, Record, described_predictor, record_path
from mmbench.storage import counted, current_reporter
from mmbench.workflows import RetrainOptions

_OUTDATED = "differs from what its records give; mmbench leaderboard build writes it again"


@dataclass(frozen=True)
class Verification:
    """The checks that were made and the faults that were found, a line each."""

    lines: tuple[str, ...]
    faults: tuple[str, ...]


class Repetition(NamedTuple):
    """The outcome of training a fold again; ``is_done`` is False if it was not trained."""

    line: str
    is_done: bool
    is_fault: bool


@dataclass(frozen=True)
class _Everything:
    """All boards by path and all suites, with the errors of boards that cannot be read and the faults of suites."""

    boards: Mapping[str, Board] = field(default_factory=dict)
    suites: Sequence[RankedSuite] = ()
    unread: Sequence[str] = ()
    suite_faults: Sequence[str] = ()


def verify_leaderboards(
    root: Path,
    again: int | None,
    seed: int,
    place: RetrainOptions,
    data: Mapping[str, Path],
    only: Sequence[Path] | None = None,
) -> Verification:
    """Recompute every number from predictions, compare the pages, and train ``again`` folds again, sampled by ``seed``.

    None trains all folds. ``data`` are the folders of datasets that need files, by name; SpecError for an unknown one.
    A board that cannot be read is a fault; the other boards are still verified. A root without any page, as that of a
    submission, has none to compare. ``only`` are changed files: of these, their boards are verified, their records
    sampled, and their pages compared.
    """
    changes = None if only is None else sort_changes(root, only)
    everything = _load_all(root) if changes is None or changes.pages or changes.has_suites else _Everything()
    if changes is None:
        boards, faults = everything.boards, [*everything.unread, *everything.suite_faults]
    else:
        boards, faults = _load_boards([root / path for path in changes.boards], root)
        faults += [*changes.faults, *(everything.suite_faults if changes.has_suites else ())]
    if boards:
        _check_data_names(boards, data)
    faults += [f"{path}: {line}" for path, board in boards.items() for line in _check(board, place.cache)]
    has_pages = any((root / path / name).is_file() for path in ("", *boards) for name in PAGES)
    if not faults and (has_pages or changes):  # pages of wrong records are wrong, too
        faults += [f"{path}: {_OUTDATED}" for path in _find_outdated(root, everything, changes)]
    suites = everything.suites if changes is None or changes.has_suites else ()
    lines = [*_count(boards, suites, changes, has_pages), *_elsewhere_lines(boards)]
    folds = _sample_folds(root, boards, Random(seed), changes)[:again]
    repetitions = [_repeat(*fold, place, data) for fold in folds]
    for each in repetitions:
        (faults if each.is_fault else lines).append(each.line)
    if folds:
        lines.append(f"trained again: {sum(each.is_done for each in repetitions)} of {counted(len(folds), 'fold')}")
    return Verification(tuple(lines), tuple(faults))


def _check(board: Board, cache: Path) -> list[str]:
    return [*check_board(board, cache), *check_manifests(board)]


def _count(
    boards: Mapping[str, Board], suites: Sequence[RankedSuite], changes: Changes | None, has_pages: bool
) -> list[str]:
    """What was recomputed and compared."""
    n_records = sum(len(method.records) for board in boards.values() for method in board.comparison.methods)
    counts = f"{counted(len(boards), 'board')}, {counted(n_records, 'record')}"
    counts += f", {counted(len(suites), 'suite')}" if suites else ""
    if changes is None:
        pages = "pages compared" if has_pages else "no pages to compare, as in a submission"
        return [f"{counts}: every number recomputed from predictions, {pages}"]
    pages = counted(len(changes.pages), "changed page")
    lines = [
        f"{counts}, {len(changes.records)} of them changed: every number recomputed from predictions; {pages} compared"
    ]
    if changes.outside:
        lines.append(f"{counted(changes.outside, 'changed file')} outside the leaderboards: not verified")
    return lines


def _elsewhere_lines(boards: Mapping[str, Board]) -> list[str]:
    """The runs that cannot be trained again, since they were not trained here, and what is suspicious about them."""
    lines = []
    for path, board in boards.items():
        elsewhere = [method.name for method in board.comparison.methods if method.is_elsewhere]
        lines += [f"{path}: {name}: cannot be trained again; only its numbers are verified" for name in elsewhere]
        lines += [f"{path}: SUSPICIOUS {sign.method}: {sign.text}" for sign in board.comparison.suspicions]
    return lines


def _find_outdated(root: Path, everything: _Everything, changes: Changes | None) -> list[str]:
    """The pages that differ from their records; of changed pages only, unless a board or suite cannot be read."""
    if everything.unread or everything.suite_faults or (changes and not changes.pages):
        return []
    outdated = find_outdated_pages(root, everything.boards, everything.suites)
    return [path for path in outdated if changes is None or path in changes.pages]


def _load_all(root: Path) -> _Everything:
    """All boards and suites that can be read, and what is wrong with the others."""
    boards, unread = _load_boards(find_boards(root), root)
    suites, faults = [], []
    for folder in find_suites_in(root):
        try:
            suite = load_ranked_suite(folder, boards.values())
        except RecordError as error:
            faults.append(error.line)
        else:
            suites.append(suite)
            faults += [f"{board_path(folder, root)}: {line}" for line in check_suite(suite)]
    return _Everything(boards, suites, unread, faults)


def _load_boards(folders: Sequence[Path], root: Path) -> tuple[dict[str, Board], list[str]]:
    """The boards that can be read, and the errors of the others."""
    boards, faults = {}, []
    for folder in folders:
        try:
            boards[board_path(folder, root)] = load_board(folder)
        except RecordError as error:
            faults.append(error.line)
    return boards, faults


def _repeat(
    path: str, method: MethodResult, record: Record, place: RetrainOptions, data: Mapping[str, Path]
) -> Repetition:
    label = f"{path}: {method.name}, fold {record.fold}, seed {record.seed}"
    name = _needed_data(record.run)
    with_data = RetrainOptions(data.get(name, place.data), place.cache, place.jobs, place.plugins)
    if unknown := _find_unknown(record, place.plugins):
        why = f"no plugin has the {', the '.join(unknown)}; load it with --plugin FILE"
        return Repetition(f"{label}: not trained again: {why}", is_done=False, is_fault=False)
    from mmbench.workflows import retrain_fold  # only here, since it imports torch

    current_reporter().message(f"training again {label}")
    with TemporaryDirectory() as out:
        try:
            found = retrain_fold(record_path(method.folder, record.fold, record.seed), with_data, Path(out))
        except DataError as error:
            cause = f"{error.where}: {error.message}" if error.where else error.message
            why = f"{cause}; give the folder of its files with --data {name}=FOLDER"
            return Repetition(f"{label}: not trained again: {why}", is_done=False, is_fault=False)
        except UserError as error:
            return Repetition(f"{label}: not trained again: {error.line}", is_done=False, is_fault=False)
    return Repetition(f"{label}: {found.line}", is_done=True, is_fault=not found.is_alike)


def _needed_data(run: Mapping[str, Any]) -> str:
    """The name of the data of a run in ``--data``: without parameters of the dataset."""
    return str(run.get("data_name") or parse_spec(run["dataset"]).name)


def _check_data_names(boards: Mapping[str, Board], data: Mapping[str, Path]) -> None:
    """Raise SpecError for data that no board has."""
    known = {_needed_data(method.run) for board in boards.values() for method in board.comparison.methods}
    for name in data:
        if name not in known:
            raise SpecError(f"no board has data called {name!r}", where="--data", remedy=did_you_mean(name, known))


def _find_unknown(record: Record, plugins: tuple[str, ...]) -> list[str]:
    """The components of a record, as ``kind name``, that no loaded plugin has."""
    registry, run = load_registry(plugins), record.run
    used = [("dataset", parse_spec(run["dataset"]).name, registry.datasets)]
    predictor = described_predictor(run)
    used += [(predictor.kind, predictor.name, getattr(registry, f"{predictor.kind}s"))]
    used += [("encoder", encoder["name"], registry.encoders) for encoder in run["encoders"].values()]
    used += [("trainer", run["trainer"]["name"], registry.trainers)] if run.get("trainer") else []
    return list(dict.fromkeys(f"{kind} {name}" for kind, name, known in used if name not in known))


def _sample_folds(
    root: Path, boards: Mapping[str, Board], random: Random, changes: Changes | None
) -> list[tuple[str, MethodResult, Record]]:
    """All folds that were trained here, in random order, each once: one of each board, then the next of each.

    Of changed records only, if there are ``changes``.
    """
    shuffled = []
    for path, board in boards.items():
        folds = [
            (path, method, record)
            for method in board.comparison.methods
            for record in method.records
            if not method.is_elsewhere and (changes is None or _path(root, method, record) in changes.records)
        ]
        shuffled.append(random.sample(folds, len(folds)))
    random.shuffle(shuffled)
    return [each for row in zip_longest(*shuffled) for each in row if each is not None]


def _path(root: Path, method: MethodResult, record: Record) -> str:
    return record_path(method.folder, record.fold, record.seed).relative_to(root).as_posix()
