"""Leaderboards: records of runs over the same splits, their standings, and checks of both."""

from mmbench.reporting.leaderboards.boards import Board as Board
from mmbench.reporting.leaderboards.boards import add_audit as add_audit
from mmbench.reporting.leaderboards.boards import add_runs as add_runs
from mmbench.reporting.leaderboards.boards import find_boards as find_boards
from mmbench.reporting.leaderboards.boards import load_board as load_board
from mmbench.reporting.leaderboards.consistency import check_board as check_board
from mmbench.reporting.leaderboards.markdown import board_markdown as board_markdown
from mmbench.reporting.leaderboards.markdown import index_markdown as index_markdown
from mmbench.reporting.leaderboards.markdown import relative_url as relative_url
from mmbench.reporting.leaderboards.standings import Standing as Standing
from mmbench.reporting.leaderboards.standings import find_pairs as find_pairs
from mmbench.reporting.leaderboards.standings import find_standings as find_standings

__all__ = [
    "Board",
    "Standing",
    "add_audit",
    "add_runs",
    "board_markdown",
    "check_board",
    "find_boards",
    "find_pairs",
    "find_standings",
    "index_markdown",
    "load_board",
    "relative_url",
]
