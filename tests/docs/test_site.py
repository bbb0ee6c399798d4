"""The site builds without warnings, executes its notebook and loads nothing from other hosts."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# URLs that a browser loads automatically from other hosts: styles, scripts and images, not links.
REMOTE = re.compile(r"""(?:src=|<link[^>]*href=|url\(|@import )["']?(?:https?:)?//[^"')\s]+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("site")
    command = (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", home / "doctrees")
    done = subprocess.run((*command, REPOSITORY / "docs", home / "html"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "html"


def test_every_page_is_built_with_a_title(site: Path) -> None:
    pages = [page.relative_to(REPOSITORY / "docs") for page in (REPOSITORY / "docs").rglob("*.md")]
    for page in [*pages, Path("notebooks/python-api.ipynb")]:
        if "_build" not in page.parts:
            text = (site / page).with_suffix(".html").read_text(encoding="utf-8")
            assert '<html class="no-js" lang="en"' in text
            assert "<h1>" in text
            assert 'name="viewport"' in text


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 20
    assert {str(path): found for path in files if (found := REMOTE.findall(path.read_text(encoding="utf-8")))} == {}


def test_the_reference_has_every_public_name_and_every_command(site: Path) -> None:
    from typer.main import get_command

    import mmbench
    from mmbench.cli.app import app

    api = (site / "reference/generated/api.html").read_text(encoding="utf-8")
    assert [name for name in mmbench.__all__ if name != "__version__" and f'id="mmbench.{name}"' not in api] == []
    shell = (site / "reference/generated/cli.html").read_text(encoding="utf-8")
    assert [name for name in get_command(app).commands if f'id="mmbench-{name}"' not in shell] == []


def test_a_table_of_all_datasets_is_made_from_their_cards(site: Path) -> None:
    from mmbench.registry import load_registry

    text = (site / "reference/generated/datasets.html").read_text(encoding="utf-8")
    (table,) = re.findall(r'<div class="wide-table.*?</table>', text, re.DOTALL)
    rows = re.findall(r"<tr class=.*?</tr>", table, re.DOTALL)[1:]
    datasets = load_registry().datasets
    twins = {name for name in datasets if name.endswith("-sim")}
    assert len(rows) == len(datasets.keys() - twins)
    for name in datasets:
        assert f">{name}<" in table
    for name in datasets.keys() - twins:
        card = datasets[name].component.card
        (row,) = [row for row in rows if f">{name}<" in row]
        cells = re.sub(r"<[^>]+>", "", row)
        assert all(
            html.escape(text, quote=False) in cells for text in (card.access, card.size, card.split, *card.notes)
        )
    style = (site / "_static/mmbench.css").read_text(encoding="utf-8")
    assert ".wide-table td { min-width" in style


def test_the_notebook_was_executed(site: Path) -> None:
    text = (site / "notebooks/python-api.html").read_text(encoding="utf-8")
    assert text.count('class="cell_output') > 6
    assert "only[modality=zer]" in text
    assert "<img" in text
    assert "--protocol subject" in text  # printed by the last cell
