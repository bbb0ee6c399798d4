"""A real browser for pages: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
HEIGHT = 900


# Playwright keeps an event loop running while it is open, which tests of other folders must not meet.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium without a window; the test is skipped where it is not installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a file at a width in CSS pixels, in the dark or not; gives Playwright's page.

    When the test ends, it fails if the browser printed anything or a page requested for anything but its own file.
    """
    found: list[str] = []
    contexts: list[Any] = []

    def open_file(path: Path, width: int = 1280, dark: bool = False) -> Any:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
        contexts.append(context)
        url = path.resolve().as_uri()

        def answer(route: Any) -> None:
            requested = route.request.url
            if requested.split("#")[0] == url or requested.startswith("data:"):
                route.continue_()
            else:
                found.append(f"requested for {requested}")
                route.abort()

        context.route("**/*", answer)
        page = context.new_page()
        page.on("console", lambda message: found.append(f"printed {message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.append(f"failed with {error}"))
        page.goto(url)
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture(scope="package")
def report(write_comparison: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a comparison with everything that records may tell."""
    from mmbench.reporting.pages import write_report
    from mmbench.reporting.pages.report_inputs import load_report_inputs

    home = tmp_path_factory.mktemp("made")
    names = ("first[dim=8]", "second", "only[modality=left]", "a method of a very long name, with all its options set")
    path: Path = write_report(load_report_inputs([write_comparison(home, names)]), home / "page").path
    return path


@pytest.fixture(scope="package")
def report_of_many(write_comparison: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a comparison of 15 methods with names as long as some have, and 20 people."""
    from mmbench.reporting.pages import write_report
    from mmbench.reporting.pages.report_inputs import load_report_inputs

    home = tmp_path_factory.mktemp("many")
    names = [f"method{at}[selector=weighted,dim=256]" for at in range(15)]
    path: Path = write_report(load_report_inputs([write_comparison(home, names, n_units=20)]), home / "page").path
    return path
