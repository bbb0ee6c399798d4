"""Results in notebooks: the content of the table of the terminal, escaped, without external files or backgrounds."""

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from mmbench.reporting.html_tables import as_html
from mmbench.reporting.result_views import render_html, render_text
from mmbench.reporting.terminal.layout import plain_table
from mmbench.results.loading import load_comparison
from mmbench.workflows.split_audit.overlaps import audit_split


class Content(HTMLParser):
    """The texts and the open elements of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("kind", ["class", "labels", "values"])
def test_a_comparison_has_the_content_of_its_table(
    write_task: Callable[..., Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a path longer than a line would be broken in the text
    comparison = load_comparison(write_task(tmp_path, kind, ("first", "only[modality=left]")))
    html = comparison._repr_html_()
    content = Content(html)
    assert content.open == []
    assert content.tags <= {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    words = set(re.findall(r"[\w.]+", " ".join(content.texts)))
    assert {*re.findall(r"[\w.]+", str(comparison))} <= words
    assert "background" not in html
    assert str(comparison) == render_text(comparison)
    assert html == render_html(comparison)


def test_showing_a_comparison_imports_no_workflow(write_comparison: Callable[..., Path], tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import mmbench; from mmbench.results import load_comparison;"
        "found = load_comparison(Path(sys.argv[1])); print(found); found._repr_html_();"
        "above = ('optuna', 'mmbench.workflows.', 'mmbench.execution.');"
        "print([name for name in sys.modules if name.startswith(above)])"
    )
    command = [sys.executable, "-c", code, write_comparison(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "difference" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_names_are_escaped_and_styles_are_inline() -> None:
    table = plain_table("<method>")
    table.add_row(Text("<b>&"), style="bold red")
    html = as_html(Group(Text("a <i>", style="dim"), Text(), table, Panel("<u>")))
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
    assert "&lt;b&gt;&amp;" in html
    assert "font-weight:bold;color:#d9433b" in html
    assert "opacity:.75" in html
    assert html.count("<div") == 2  # the whole and the first text: an empty text is left out


def test_a_part_of_a_text_keeps_its_style() -> None:
    text = Text("one ")
    text.append("two", style="bold")
    assert '>one <span style="font-weight:bold">two</span></div>' in as_html(text)


def test_other_results_print_their_tables(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("id,part,actor\na,train,x\nb,test,x\n")
    result = audit_split(tmp_path / "split.csv", ["actor"])
    assert "actor" in str(result)
    assert "<table" in result._repr_html_()
    assert repr(result).startswith("<SplitAudit: ")


def test_what_is_no_result_is_an_error() -> None:
    with pytest.raises(TypeError, match="int has no table"):
        render_text(3)
