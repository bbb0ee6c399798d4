"""Build the Markdown and HTML pages of leaderboards from their records."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmbench.reporting.leaderboards.boards import SUITES, Board, add_audit, add_runs, find_boards, load_board
from mmbench.reporting.leaderboards.columns import suite_cells
from mmbench.reporting.leaderboards.markdown import board_markdown, index_markdown
from mmbench.reporting.leaderboards.suite_pages import suite_markdown, suite_page
from mmbench.reporting.leaderboards.suites import (
    RankedSuite,
    add_suite,
    find_suites_in,
    load_ranked_suite,
)
from mmbench.reporting.pages import board_page, index_page
from mmbench.reporting.terminal.warnings import merge_warnings
from mmbench.storage import write_text
from mmbench.workflows import is_audit, is_suite_file

PAGES = ("README.md", "index.html")
"""The pages of a board and of the index."""


def publish_results(path: Path, root: Path) -> list[Path]:
    """Add runs, results of a suite or an audit to their boards and build all pages; the folders of boards or suite."""
    if is_audit(path):
        folders = add_audit(path, root)
    else:
        folders = [add_suite(path, root) if is_suite_file(path) else add_runs(path, root).folder]
    build_leaderboards(root)
    return folders


def build_leaderboards(root: Path) -> list[Path]:
    """Write the Markdown and HTML pages of all boards and suites; the files that changed."""
    boards = {board_path(folder, root): load_board(folder) for folder in find_boards(root)}
    suites = [load_ranked_suite(folder, boards.values()) for folder in find_suites_in(root)]
    changed = []
    for path, text in _render(root, boards, suites).items():
        if not _has_text(root / path, text):
            write_text(root / path, text)
            changed.append(root / path)
    return changed


def board_path(folder: Path, root: Path) -> str:
    """The path of a board or a suite relative to the root, with slashes."""
    return folder.relative_to(root).as_posix()


def find_outdated_pages(root: Path, boards: Mapping[str, Board], suites: Sequence[RankedSuite]) -> Iterator[str]:
    """The pages, by their paths under the root, that differ from what the records give."""
    for path, text in _render(root, boards, suites).items():
        if not _has_text(root / path, text):
            yield path


def _render(root: Path, boards: Mapping[str, Board], suites: Sequence[RankedSuite]) -> dict[str, str]:
    """The texts of all pages, by their paths under the root."""
    markdown, html = PAGES
    own = {path: board for path, board in boards.items() if not path.startswith(f"{SUITES}/")}
    cells = {board_path(suite.folder, root): suite_cells(suite.result) for suite in suites}
    named = [(board.name, board.comparison) for board in own.values()]
    named += [(f"{suite.label} {name}", each) for suite in suites for name, each in suite.result.comparisons.items()]
    warnings = merge_warnings(named, only_data=True)
    files = {markdown: index_markdown(own, cells, warnings), html: index_page(own, cells, warnings)}
    for suite in suites:
        path = board_path(suite.folder, root)
        files[f"{path}/{markdown}"] = suite_markdown(suite)
        files[f"{path}/{html}"] = suite_page(suite, _back(path))
    for path, board in boards.items():
        files[f"{path}/{markdown}"] = board_markdown(board)
        files[f"{path}/{html}"] = board_page(board, _back(path))
    return files


def _back(path: str) -> str:
    """The relative path from a folder to the root."""
    return "../" * len(Path(path).parts)


def _has_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
