"""What stands in the columns of a board."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from mmbench.reporting.leaderboards.boards import Board, find_boards, load_board
from mmbench.reporting.leaderboards.columns import board_cells, board_columns
from mmbench.reporting.leaderboards.markdown import board_markdown, index_markdown
from mmbench.reporting.leaderboards.standings import find_pairs, find_standings
from mmbench.reporting.terminal.warnings import merge_warnings
from mmbench.results.loading import load_comparison


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


@pytest.mark.parametrize("kind", ["class", "labels", "values"])
def test_the_board_of_any_kind_of_task(write_task, tmp_path, kind):
    """The best run is first, of errors that with the smallest, and its columns are the metrics of the task."""
    comparison = load_comparison(write_task(tmp_path, kind, ("worse", "best")[::-1]))
    board = Board(tmp_path, comparison, None)
    assert [standing.method for standing in find_standings(board)] == ["best", "worse"]
    (pair,) = find_pairs(board)
    assert comparison.methods[0].orient(pair.difference.mean) > 0
    columns = [column.name for column in board_columns(comparison)]
    assert columns[3:6] == [comparison.title_of(name) for name in comparison.other_metrics]
    index = index_markdown({"board": board}, {}, merge_warnings([(board.name, comparison)], only_data=True))
    assert "**SIMULATED data: made · target · subject: these scores" in index
    assert "[made (simulated)](board/README.md)" in index
    text = board_markdown(board)
    assert "simulated, in place of: Made up" in text
    assert ("lower MAE is better" in text) == (kind == "values")
    assert ("coverage: share of heart in 95 % intervals" in text) == (kind == "values")
    assert ("ECE: expected calibration error" in text) == (kind != "values")
