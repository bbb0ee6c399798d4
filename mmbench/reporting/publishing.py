"""Leaderboards from records to files: every page follows from the records beside it, so that anybody can rebuild it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from mmbench.errors import RecordError, UserError
from mmbench.registry import parse_spec
from mmbench.reporting.leaderboards import (
    Board,
    add_audit,
    add_runs,
    board_markdown,
    check_board,
    find_boards,
    index_markdown,
    load_board,
    retrain_fold,
)
from mmbench.reporting.pages import board_page, index_page
from mmbench.results import MethodResult, Record, record_path
from mmbench.storage import current_reporter, write_text
from mmbench.workflows import RetrainOptions

_AGAIN = "mmbench leaderboard build makes it again"


@dataclass(frozen=True)
class Verified:
    """What was looked at, a line each, and what was found wrong."""

    lines: tuple[str, ...]
    faults: tuple[str, ...]


def publish(path: Path, root: Path) -> list[Path]:
    """Put runs, or an audit, on their boards, and build all pages; the folders of these boards."""
    from mmbench.workflows import is_audit

    folders = add_audit(path, root) if is_audit(path) else [add_runs(path, root).folder]
    build(root)
    return folders


def build(root: Path) -> list[Path]:
    """Write the Markdown and the pages of all boards; the files that changed."""
    changed = []
    for path, text in _render(_load(root)).items():
        if not _holds(root / path, text):
            write_text(root / path, text)
            changed.append(root / path)
    return changed


def verify(root: Path, again: int | None, seed: int, place: RetrainOptions, data: Mapping[str, Path]) -> Verified:
    """Recompute every number from predictions, rebuild the pages, and train ``again`` folds anew, drawn by ``seed``.

    None trains all folds. ``data`` are the folders of datasets that need files, by name. A board that cannot be read is
    a fault, and the others are looked at.
    """
    boards, faults = _load_all(root)
    faults += [f"{path}: {line}" for path, board in boards.items() for line in check_board(board, place.cache)]
    if not faults:  # pages of records that are wrong are wrong
        faults += [f"{path}: differs from what its records give; {_AGAIN}" for path in _stale(root, boards)]
    n_records = sum(len(method.records) for board in boards.values() for method in board.comparison.methods)
    checked = "every number recomputed from predictions, pages rebuilt"
    lines = [f"{_count(len(boards), 'board')}, {_count(n_records, 'record')}: {checked}"]
    for line, is_fault in _repeat(boards, again, seed, place, data):
        (faults if is_fault else lines).append(line)
    return Verified(tuple(lines), tuple(faults))


def _load_all(root: Path) -> tuple[dict[str, Board], list[str]]:
    """The boards that can be read, and what is wrong with the others."""
    boards, faults = {}, []
    for folder in find_boards(root):
        try:
            boards[folder.relative_to(root).as_posix()] = load_board(folder)
        except RecordError as error:
            faults.append(error.line)
    return boards, faults


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _load(root: Path) -> dict[str, Board]:
    return {folder.relative_to(root).as_posix(): load_board(folder) for folder in find_boards(root)}


def _render(boards: Mapping[str, Board]) -> dict[str, str]:
    """All files that follow from records, by their paths under the root."""
    files = {"README.md": index_markdown(boards), "index.html": index_page(boards)}
    for path, board in boards.items():
        files[f"{path}/README.md"] = board_markdown(board)
        files[f"{path}/index.html"] = board_page(board, back="../" * len(Path(path).parts))
    return files


def _stale(root: Path, boards: Mapping[str, Board]) -> Iterator[str]:
    for path, text in _render(boards).items():
        if not _holds(root / path, text):
            yield path


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _repeat(
    boards: Mapping[str, Board], again: int | None, seed: int, place: RetrainOptions, data: Mapping[str, Path]
) -> Iterator[tuple[str, bool]]:
    """Fold by fold what came of training it again, and whether that is a fault."""
    for path, method, record in _drawn(boards, Random(seed))[:again]:
        what = f"{path}: {method.name}, fold {record.fold}, seed {record.seed}"
        name = parse_spec(record.run["dataset"]).name
        mine = RetrainOptions(data.get(name, place.data), place.cache, place.jobs, place.plugins)
        current_reporter().message(f"training again {what}")
        with TemporaryDirectory() as out:
            try:
                found = retrain_fold(record_path(method.folder, record.fold, record.seed), mine, Path(out))
            except UserError as error:
                yield f"{what}: not trained again: {error.line}", False
                continue
        yield f"{what}: {found.line}", not found.is_alike


def _drawn(boards: Mapping[str, Board], random: Random) -> list[tuple[str, MethodResult, Record]]:
    """All folds in an order drawn by chance, each once: one of each board, then the next of each."""
    shuffled = []
    for path, board in boards.items():
        mine = [(path, method, record) for method in board.comparison.methods for record in method.records]
        shuffled.append(random.sample(mine, len(mine)))
    random.shuffle(shuffled)
    return [each for row in zip_longest(*shuffled) for each in row if each is not None]
