"""Tables that are split where a terminal is too narrow for them."""

from hypothesis import given
from hypothesis import strategies as st

from mmbench.reporting.terminal.layout import fitted_tables, render

ROWS = {"first": ("0.5", "12.25"), "second": ("0.75", "1.5")}
CALIBRATION = {"first": ("0.1",), "second": ("0.2",)}


def test_parts_that_fit_share_a_table():
    text = render(fitted_tables({"scores": (("RMSE", "R²"), ROWS), "calibration": (("ECE",), CALIBRATION)}, 40), 40)
    assert [line.split() for line in text.splitlines()] == [
        ["scores", "RMSE", "R²", "ECE"],
        ["first", "0.5", "12.25", "0.1"],
        ["second", "0.75", "1.5", "0.2"],
    ]


def test_parts_that_do_not_fit_have_tables_of_their_own():
    text = render(fitted_tables({"scores": (("RMSE", "R²"), ROWS), "calibration": (("ECE",), CALIBRATION)}, 20), 20)
    assert [line.split()[0] for line in text.splitlines() if line.strip()] == [
        *("scores", "first", "second"),
        *("calibration", "first", "second"),
    ]


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=12), st.integers(24, 60))
def test_no_table_is_wider_than_asked_and_no_number_is_lost(titles, width):
    cells = tuple(f"{at}.{at}" for at in range(len(titles)))
    text = render(fitted_tables({"scores": (titles, {"a method": cells})}, width), width)
    assert max(map(len, text.splitlines())) <= width
    rows = [line.removeprefix("a method").split() for line in text.splitlines() if line.startswith("a method")]
    assert [cell for row in rows for cell in row] == list(cells)
