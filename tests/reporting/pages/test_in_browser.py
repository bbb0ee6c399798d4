"""The report as a reader meets it: in Chromium, on a phone and on a desk, in light and dark, by keyboard."""

from itertools import pairwise

import pytest

WIDTHS = (390, 1280)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(open_page, report, width, dark):
    page = open_page(report, width, dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        """() => [...document.querySelectorAll("main p, main svg, main h2, main h3, header *")]
            .filter(each => each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML)"""
    )
    assert wide == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_table_is_cut(open_page, report_of_many, width):
    page = open_page(report_of_many, width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth
            || each.getBoundingClientRect().right > innerWidth).map(each => each.getAttribute("aria-label"))"""
    )
    assert page.locator(".scroll").count() > 5
    assert cut == []


def test_on_a_phone_score_and_verdict_are_in_sight(open_page, report_of_many):
    page = open_page(report_of_many, 390)
    assert page.locator("#verdict td[data-label=verdict]").count() == 14
    assert page.locator("#ranking > .scroll td[data-label='balanced accuracy']").count() == 15
    for cell in page.locator("#verdict td[data-label=verdict], #ranking > .scroll td").all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.locator("table.matrix tbody tr").count() == 15
    assert set(page.locator("table.matrix td span:visible").all_inner_texts()) <= set("BW·")


def test_headings_are_in_order(open_page, report):
    levels = open_page(report).eval_on_selector_all("h1, h2, h3, h4", "all => all.map(each => +each.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("selector", ["figure", "table", "button", "[role=region]", "nav", "svg.plot.wide"])
def test_everything_has_a_name(open_page, report, selector):
    page = open_page(report)
    for details in page.query_selector_all("details"):
        details.evaluate("each => { each.open = true }")
    names = page.eval_on_selector_all(
        selector,
        """all => all.map(each => each.getAttribute("aria-label") || each.querySelector("caption")?.textContent
            || document.getElementById(each.getAttribute("aria-labelledby"))?.textContent || each.textContent)""",
    )
    assert names
    assert all(name.strip() for name in names)


def test_numbers_of_a_plot_open_by_keyboard(open_page, report):
    page = open_page(report)
    summary = page.locator("figure summary").first
    table = page.locator("figure details table").first
    assert not table.is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert table.is_visible()
    assert table.locator("th[scope=col]").count() > 1
    assert table.locator("th[scope=row]").count() > 1


def test_tooltip_of_a_mark_on_hover_and_focus(open_page, report):
    page = open_page(report)
    tip, mark = page.locator("#tip"), page.locator("svg.plot.wide .mark").first
    assert not tip.is_visible()
    mark.hover()
    label = mark.get_attribute("aria-label")
    assert tip.inner_text() == label
    page.mouse.move(0, 0)
    assert not tip.is_visible()
    mark.focus()
    assert tip.inner_text() == label
    page.keyboard.press("ArrowRight")
    assert tip.is_visible()
    assert tip.inner_text() == page.locator("svg.plot.wide .mark").nth(1).get_attribute("aria-label") != label
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_plot_is_one_stop_of_the_tab_key(open_page, report):
    stops = open_page(report).eval_on_selector_all(
        "svg.plot", "all => all.map(svg => svg.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert stops
    assert set(stops) == {1}


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def ink_of_a_plot(page):
    return page.evaluate("getComputedStyle(document.querySelector('svg.plot.wide text')).fill")


def test_the_dark_is_dark_and_can_be_chosen(open_page, report):
    light, dark = open_page(report), open_page(report, dark=True)
    assert ground(light) != ground(dark)
    assert ink_of_a_plot(light) != ink_of_a_plot(dark)
    button = light.locator("#theme")
    assert button.inner_text() == "Theme: auto"
    button.click()
    assert ground(light) != ground(dark)
    button.click()
    assert button.inner_text() == "Theme: dark"
    assert ground(light) == ground(dark)
    light.reload()
    assert ground(light) == ground(dark)


def test_the_keyboard_can_skip_to_the_results(open_page, report):
    page = open_page(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_on_paper_the_numbers_are_there_and_the_buttons_are_not(open_page, report):
    page = open_page(report)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("figure table").first.is_visible()
    assert not page.locator("#theme").is_visible()
    assert not page.locator("nav").is_visible()


def test_page_without_scripts_shows_everything(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("svg.plot.wide .mark title").count() > 3
    assert not page.locator("#theme").is_visible()
    context.close()
