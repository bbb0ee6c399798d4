"""Leaderboards from records to files: every page follows from the records beside it, so that anybody can rebuild it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from mmbench.errors import UserError
from mmbench.files import write_text
from mmbench.leaderboards import (
    Board,
    add_audit,
    add_runs,
    board_markdown,
    check_board,
    find_boards,
    index_markdown,
    load_board,
    repeat_fold,
)
from mmbench.leaderboards.repeating import Place
from mmbench.pages import board_page, index_page
from mmbench.progress import reporter
from mmbench.records import record_path
from mmbench.specs import parse_spec

_AGAIN = "mmbench leaderboard build makes it again"


@dataclass(frozen=True)
class Verified:
    """What was looked at, a line each, and what was found wrong."""

    lines: tuple[str, ...]
    faults: tuple[str, ...]


def publish(path: Path, root: Path) -> list[Path]:
    """Put runs, or an audit, on their boards, and build all pages; the folders of these boards."""
    from mmbench.auditing import is_audit

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


def verify(root: Path, again: int, seed: int, place: Place, data: Mapping[str, Path]) -> Verified:
    """Recompute every number from predictions, rebuild the pages, and train ``again`` folds anew, drawn by ``seed``.

    ``data`` are the folders of datasets that need files, by name.
    """
    boards = _load(root)
    faults = [f"{path}: {line}" for path, board in boards.items() for line in check_board(board)]
    faults += [f"{path}: differs from what its records give; {_AGAIN}" for path in _stale(root, boards)]
    n_records = sum(len(method.records) for board in boards.values() for method in board.comparison.methods)
    lines = [f"{len(boards)} boards, {n_records} records: every number recomputed from predictions, pages rebuilt"]
    for line, is_fault in _repeat(boards, again, seed, place, data):
        (faults if is_fault else lines).append(line)
    return Verified(tuple(lines), tuple(faults))


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
    boards: Mapping[str, Board], again: int, seed: int, place: Place, data: Mapping[str, Path]
) -> Iterator[tuple[str, bool]]:
    """Fold by fold what came of training it again, and whether that is a fault."""
    random = Random(seed)
    for path, board in _drawn(boards, again, random):
        method = random.choice(board.comparison.methods)
        record = random.choice(method.records)
        what = f"{path}: {method.name}, fold {record.fold}, seed {record.seed}"
        name = parse_spec(record.run["dataset"]).name
        mine = Place(data.get(name, place.data), place.cache, place.jobs, place.plugins)
        reporter().message(f"training again {what}")
        with TemporaryDirectory() as out:
            try:
                found = repeat_fold(record_path(method.folder, record.fold, record.seed), mine, Path(out))
            except UserError as error:
                yield f"{what}: not trained again: {error.line}", False
                continue
        yield f"{what}: {found.line}", not found.is_alike


def _drawn(boards: Mapping[str, Board], number: int, random: Random) -> list[tuple[str, Board]]:
    """So many boards, each once before one comes twice."""
    drawn: list[tuple[str, Board]] = []
    while len(drawn) < number:
        drawn += random.sample(list(boards.items()), len(boards))
    return drawn[:number]
