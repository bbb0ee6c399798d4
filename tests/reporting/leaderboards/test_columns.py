"""What stands in the columns of a board."""

import math
from dataclasses import replace
from pathlib import Path

from mmbench.reporting.leaderboards.boards import find_boards, load_board
from mmbench.reporting.leaderboards.columns import board_cells, board_columns
from mmbench.reporting.leaderboards.standings import find_standings


def test_the_last_digits_of_a_processor_leave_a_board_as_it_is(published: Path) -> None:
    (folder,) = find_boards(published)
    board = load_board(folder)
    for standing in find_standings(board):
        other = replace(
            standing, **{name: math.nextafter(getattr(standing, name), 1) for name in ("calibration", "last")}
        )
        assert other != standing
        assert board_cells(other, board.comparison) == board_cells(standing, board.comparison)
        assert len(board_cells(standing, board.comparison)) == len(board_columns(board.comparison))
