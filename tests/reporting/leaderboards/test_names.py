"""Names that look like markup stand on boards and in tables as they are: nothing is run, drawn or linked."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from mmbench.cli.app import app
from mmbench.reporting.leaderboards.building import build_leaderboards, publish_results
from mmbench.reporting.leaderboards.markdown import escape
from mmbench.storage.hashing import slug

NAMES = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a|b", "[bold]x[/bold]", "[/]", "`code`", "**b**",
    "](http://evil)", "![x](http://evil)", "[x](http://evil)", "[x]: http://evil", "[x", "x]", "&lt;", "x\\", "_em_",
    "~~s~~", "# head", "- item", "1. item", "> said", "a'\"b", "../../x", "javascript:alert(1)", ":smile:", "{{7*7}}",
    "$\\frac{", "\ufffex",
]  # fmt: skip


class Page(HTMLParser):
    """The elements of a page, its addresses, and the text of each cell and heading."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.cells: list[str] = []
        self._within = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("href", "src")]
        if tag in ("td", "th", "h1"):
            self.cells.append("")
            self._within = True

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag not in ("td", "th", "h1")

    def handle_data(self, data: str) -> None:
        if self._within:
            self.cells[-1] += data


@pytest.mark.parametrize("name", NAMES)
def test_a_board_shows_names_as_they_are(tmp_path: Path, write_comparison: Callable[..., Path], name: str) -> None:
    card = {"access": "simulated", "title": name, "licence": name}
    path = write_comparison(tmp_path / "runs", (name, "second"), (name, "yes"), dataset=name, task=name, card=card)
    empty = {"train": [], "validation": [], "test": []}
    (tmp_path / "runs" / "folds.json").write_text(json.dumps([{"name": fold, **empty} for fold in "01"]))
    (folder,) = publish_results(path, tmp_path / "boards")
    assert folder.relative_to(tmp_path / "boards").parts == (slug(name), "subject", slug(name))
    assert build_leaderboards(tmp_path / "boards") == []

    shown = Page(MarkdownIt("commonmark").enable("table").enable("strikethrough").render(_read(folder / "README.md")))
    known = {"h1", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "a"}
    assert set(shown.elements) <= known
    assert set(shown.addresses) == {"run0", "run1"}
    assert shown.cells[0].strip() == f"{name} · {name} · subject"
    assert name in shown.cells

    page = Page(_read(folder / "index.html"))
    assert page.elements.count("script") == 1
    assert "img" not in page.elements
    assert name in page.cells
    index = Page(_read(tmp_path / "boards" / "index.html"))
    assert f"{slug(name)}/subject/{slug(name)}/index.html" in index.addresses


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", "..", ".", "é", "'", "/"])
def test_folders_have_unique_names(name: str) -> None:
    assert slug(name).strip(".")
    assert "/" not in slug(name)
    assert slug("é") != slug("ü")


def test_names_that_are_harmless_are_not_changed() -> None:
    for text in ("only[modality=eeg]", "0.620 [.57, .68]", "a_b & c ~ d", "-.108", "https://x.org/a_b?c=d"):
        assert escape(text) == text


def test_a_table_shows_markup_of_the_terminal_as_it_is(tmp_path: Path, write_comparison: Callable[..., Path]) -> None:
    names = ("[bold]x[/bold]", ":smile:", "[/]")
    path = write_comparison(tmp_path, names, ("no", "[red]"))
    shown = CliRunner().invoke(app, ["show", str(path)]).stdout
    assert all(name in shown for name in names)


CARD = """
from mmbench import Card, Dataset, Modality, Schema, hookimpl

class Odd(Dataset):
    "[bold]Odd[/bold]."
    name = "odd"
    card = Card("[/] [red]title", "open", ":smile:", "https://example.org", "nobody")
    def schema(self):
        return Schema((Modality("x", "vector", (2,)),), {"[/t]": ("a", "b")}, ("[/g]",))

@hookimpl
def register_datasets(register):
    register(Odd)
"""


def test_the_card_of_a_dataset_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(CARD)
    shown = CliRunner().invoke(app, ["data", "list", "odd", "--plugin", str(tmp_path / "odd.py")])
    assert shown.exception is None
    for text in ("[/] [red]title", ":smile:", "[/t]: class", "[/g]", "x: vector (2)"):
        assert text in shown.stdout
