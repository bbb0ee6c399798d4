"""Build the Markdown and HTML pages of leaderboards from their records."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mmbench.reporting.leaderboards.boards import Board, add_audit, add_runs, find_boards, load_board
from mmbench.reporting.leaderboards.markdown import board_markdown, index_markdown
from mmbench.reporting.pages import board_page, index_page
from mmbench.storage import write_text
from mmbench.workflows import is_audit

PAGES = ("README.md", "index.html")
"""The pages of a board and of the index."""


def publish_results(path: Path, root: Path) -> list[Path]:
    """Add runs or an audit to their boards and build all pages; the folders of these boards."""
    folders = add_audit(path, root) if is_audit(path) else [add_runs(path, root).folder]
    build_leaderboards(root)
    return folders


def build_leaderboards(root: Path) -> list[Path]:
    """Write the Markdown and HTML pages of all boards; the files that changed."""
    boards = {board_path(folder, root): load_board(folder) for folder in find_boards(root)}
    changed = []
    for path, text in _render(boards).items():
        if not _has_text(root / path, text):
            write_text(root / path, text)
            changed.append(root / path)
    return changed


def board_path(folder: Path, root: Path) -> str:
    """The path of a board relative to the root, with slashes."""
    return folder.relative_to(root).as_posix()


def find_outdated_pages(root: Path, boards: Mapping[str, Board]) -> Iterator[str]:
    """The pages, by their paths under the root, that differ from what the records give."""
    for path, text in _render(boards).items():
        if not _has_text(root / path, text):
            yield path


def _render(boards: Mapping[str, Board]) -> dict[str, str]:
    """The texts of all pages, by their paths under the root."""
    markdown, html = PAGES
    files = {markdown: index_markdown(boards), html: index_page(boards)}
    for path, board in boards.items():
        files[f"{path}/{markdown}"] = board_markdown(board)
        files[f"{path}/{html}"] = board_page(board, back="../" * len(Path(path).parts))
    return files


def _has_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
