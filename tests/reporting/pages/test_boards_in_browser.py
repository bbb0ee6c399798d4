"""The pages of leaderboards in a real browser: sorting, filtering, comparing, by mouse and by keyboard."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mmbench.reporting.leaderboards.building import publish_results

OpenPage = Callable[..., Any]


@pytest.fixture(scope="module")
def boards(write_comparison: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leaderboards of records that nobody ran."""
    root, names = tmp_path_factory.mktemp("boards"), ("concat", "late", "only[modality=left]", "prior")
    path = write_comparison(tmp_path_factory.mktemp("made"), names, torch="2.0")
    (path.parent / "folds.json").write_text("[]")
    publish_results(path, root)
    return root


@pytest.fixture(scope="module")
def board(boards: Path) -> Path:
    (path,) = boards.glob("*/*/*/index.html")
    return path


def methods(page: Any) -> list[str]:
    return [row.inner_text() for row in page.locator("#standings tbody tr:visible th").all()]


def pairs(page: Any) -> list[tuple[str, str]]:
    page.locator("#pairs details").evaluate("each => { each.open = true }")
    rows = page.locator("#pair-rows tr:visible").all()
    return [(row.locator("th").inner_text(), row.locator("td").first.inner_text()) for row in rows]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_their_width(open_page: OpenPage, boards: Path, board: Path, width: int, dark: bool) -> None:
    for path in (boards / "index.html", board):
        page = open_page(path, width, dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(255, 255, 255)") is not dark
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((each) => Number(each.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("width", [390, 1280])
def test_no_table_is_cut(open_page: OpenPage, boards: Path, board: Path, width: int) -> None:
    for path in (boards / "index.html", board):
        page = open_page(path, width)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        cut = page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth).length"
        )
        assert page.locator(".scroll").count() >= 1
        assert cut == 0


def test_on_a_phone_each_run_has_its_score_and_rank_with_their_names(open_page: OpenPage, board: Path) -> None:
    page = open_page(board, 390)
    for row in page.locator("#standings tbody tr").all():
        score = row.locator("td[data-label='bal. accuracy']")
        label = score.evaluate("each => getComputedStyle(each, '::before').content")
        assert label.startswith('"bal. accuracy')
        for cell in (score, row.locator("td[data-label=rank]"), row.locator("th")):
            box = cell.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_pairs_are_a_matrix_of_differences_and_on_a_phone_of_marks(open_page: OpenPage, board: Path) -> None:
    for width, numbers in ((1280, True), (390, False)):
        page = open_page(board, width)
        rows = page.locator("table.matrix tbody tr").all()
        assert [row.locator("th").inner_text().split(" ", 1)[1].strip() for row in rows] == methods(page)
        for at, row in enumerate(rows):
            cells = row.locator("td").all()
            assert len(cells) == 4
            assert cells[at].inner_text() == ""
            shown = [cell.inner_text() for other, cell in enumerate(cells) if other != at]
            assert all(text[-1] in "BW·" and (len(text) > 1) is numbers for text in shown), shown
            assert all(" minus " in (cell.get_attribute("title") or " minus ") for cell in cells)


def test_columns_are_sorted_by_mouse_and_keyboard(open_page: OpenPage, board: Path) -> None:
    page = open_page(board)
    ranked = methods(page)
    assert len(ranked) == 4
    name = page.locator("#standings").get_by_role("button", name="method", exact=True)
    name.click()
    assert methods(page) == sorted(ranked)
    assert page.locator("#standings th[aria-sort]").all_inner_texts() == ["method"]
    name.press("Enter")
    assert methods(page) == sorted(ranked, reverse=True)
    page.get_by_role("button", name="bal. accuracy").click()
    assert page.locator("#standings th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert methods(page) == ranked
    page.get_by_role("button", name="params").click()
    sizes = [float(cell) for cell in page.locator("#settings tbody td[data-label=params]").evaluate_all(
        "(cells) => cells.map((cell) => cell.dataset.value)")]  # fmt: skip
    assert sizes == sorted(sizes, reverse=True)


def test_rows_are_filtered(open_page: OpenPage, board: Path) -> None:
    page = open_page(board)
    ranked = methods(page)
    field = page.get_by_label("Filter")
    field.fill("only")
    assert methods(page) == [name for name in ranked if name.startswith("only")]
    assert page.locator("#settings tbody tr:visible th").all_inner_texts() == methods(page)
    assert page.get_by_role("status").inner_text() == "1 of 4 runs"
    field.fill("no such run")
    assert methods(page) == []
    field.fill("")
    assert methods(page) == ranked


def test_chosen_runs_are_compared(open_page: OpenPage, board: Path) -> None:
    page = open_page(board)
    assert len(pairs(page)) == 6
    page.get_by_role("checkbox", name="prior").check()
    assert len(pairs(page)) == 3
    page.get_by_role("checkbox", name="concat").check()
    assert [set(pair) for pair in pairs(page)] == [{"concat", "prior"}]
    page.get_by_role("checkbox", name="prior").uncheck()
    page.get_by_role("checkbox", name="concat").uncheck()
    assert len(pairs(page)) == 6


def test_everything_has_a_name(open_page: OpenPage, boards: Path, board: Path) -> None:
    for path in (boards / "index.html", board):
        page = open_page(path)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, [role=region]")].filter((each) =>
                 !(each.innerText || each.getAttribute("aria-label") || each.labels?.length)).length"""
        )
        assert nameless == 0
        assert all(text.strip() for text in page.locator("table caption").all_text_contents())


def test_the_index_leads_to_each_board_and_back(boards: Path, board: Path) -> None:
    link = board.relative_to(boards).as_posix()
    assert f'href="{link}"' in (boards / "index.html").read_text()
    assert 'href="../../../index.html"' in board.read_text()


def test_the_page_is_whole_without_scripts(browser: Any, board: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(board.resolve().as_uri())
    assert len(methods(page)) == 4
    assert len(pairs(page)) == 6
    assert not page.get_by_label("Filter").is_visible()
    context.close()
