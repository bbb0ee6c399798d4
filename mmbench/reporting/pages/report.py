"""The report of a run: one page, made of its records, written whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmbench.reporting.pages.beside import ablation_section, audit_section
from mmbench.reporting.pages.blocks import Page, Section
from mmbench.reporting.pages.details import detail_sections
from mmbench.reporting.pages.drawing import Canvas
from mmbench.reporting.pages.looks import looks_section
from mmbench.reporting.pages.rendering import render_page
from mmbench.reporting.pages.reproducing import reproducing_section
from mmbench.reporting.pages.scores import scores_section, verdict_section
from mmbench.reporting.pages.sources import Sources
from mmbench.reporting.terminal.warnings import find_warnings
from mmbench.results import Comparison
from mmbench.storage import write_text

NAME = "index.html"


@dataclass(frozen=True)
class Written:
    """A page that was written, and its size in bytes."""

    path: Path
    size: int


def write_report(sources: Sources, out: Path) -> Written:
    """Write the report of ``sources`` into the folder ``out``."""
    html = render_report(sources)
    path = out / NAME
    write_text(path, html)
    return Written(path, len(html.encode()))


def render_report(sources: Sources) -> str:
    """The report as HTML; the same records give the same page."""
    canvas = Canvas()
    comparison = sources.comparison
    page = Page(
        title=_title(comparison),
        lead=_lead(comparison),
        warnings=tuple(find_warnings(comparison)),
        sections=tuple(_sections(sources, canvas)),
    )
    return render_page("report.html", canvas.sheet.css, page=page)


def _sections(sources: Sources, canvas: Canvas) -> Iterator[Section]:
    comparison = sources.comparison
    yield verdict_section(comparison)
    yield scores_section(comparison, canvas)
    yield from detail_sections(comparison, canvas)
    if sources.looks or sources.unseen:
        yield looks_section(sources, canvas)
    yield from (ablation_section(at, each, canvas) for at, each in enumerate(sources.ablations, start=1))
    yield from (audit_section(at, each, comparison.run, canvas) for at, each in enumerate(sources.audits, start=1))
    yield reproducing_section(comparison)


def _title(comparison: Comparison) -> str:
    return f"{comparison.methods[0].name} on {comparison.run['dataset']}"


def _lead(comparison: Comparison) -> str:
    run = comparison.run
    others = len(comparison.methods) - 1
    against = f"Against {others} {'other' if others == 1 else 'others'}, " if others else ""
    return f"{against}{run['task']} ({len(run['classes'])} classes), protocol {run['protocol']}"
