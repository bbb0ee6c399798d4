"""What stands in the columns of a board."""

import math
from dataclasses import replace
from pathlib import Path

from mmbench.reporting.leaderboards.boards import find_boards, load_board
from mmbench.reporting.leaderboards.columns import COLUMNS, board_cells
from mmbench.reporting.leaderboards.standings import find_standings


def test_the_last_digits_of_a_processor_leave_a_board_as_it_is(published: Path) -> None:
    (folder,) = find_boards(published)
    for standing in find_standings(load_board(folder)):
        other = replace(standing, **{name: math.nextafter(getattr(standing, name), 1) for name in ("ece", "last")})
        assert other != standing
        assert board_cells(other) == board_cells(standing)
        assert len(board_cells(standing)) == len(COLUMNS)
