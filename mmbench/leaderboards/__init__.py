"""Leaderboards: the records of runs over the same splits, and what they tell of each method."""

from mmbench.leaderboards.boards import Board as Board
from mmbench.leaderboards.boards import add_audit as add_audit
from mmbench.leaderboards.boards import add_runs as add_runs
from mmbench.leaderboards.boards import find_boards as find_boards
from mmbench.leaderboards.boards import load_board as load_board
from mmbench.leaderboards.checking import check_board as check_board
from mmbench.leaderboards.markdown import address as address
from mmbench.leaderboards.markdown import board_markdown as board_markdown
from mmbench.leaderboards.markdown import index_markdown as index_markdown
from mmbench.leaderboards.repeating import Repeated as Repeated
from mmbench.leaderboards.repeating import repeat_fold as repeat_fold
from mmbench.leaderboards.standings import Pair as Pair
from mmbench.leaderboards.standings import Standing as Standing
from mmbench.leaderboards.standings import find_pairs as find_pairs
from mmbench.leaderboards.standings import find_standings as find_standings

__all__ = [
    "Board",
    "Pair",
    "Repeated",
    "Standing",
    "add_audit",
    "add_runs",
    "address",
    "board_markdown",
    "check_board",
    "find_boards",
    "find_pairs",
    "find_standings",
    "index_markdown",
    "load_board",
    "repeat_fold",
]
