"""Report of a run: one static page made from its records."""

from collections.abc import Iterator
from pathlib import Path

from mmbench.reporting.metric_names import describe_targets
from mmbench.reporting.pages.page_model import Page, Section
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pages.rendering import Written, render_page, write_page
from mmbench.reporting.pages.report_inputs import ReportInputs
from mmbench.reporting.pages.sections.ablations import ablation_section
from mmbench.reporting.pages.sections.analyses import analysis_sections
from mmbench.reporting.pages.sections.audits import audit_section
from mmbench.reporting.pages.sections.explanations import explanation_section
from mmbench.reporting.pages.sections.pairs import pair_sections
from mmbench.reporting.pages.sections.reproduction import reproduction_section
from mmbench.reporting.pages.sections.scores import scores_section, verdict_section
from mmbench.reporting.terminal.warnings import find_warnings
from mmbench.results import Comparison, data_name
from mmbench.storage import counted


def write_report(inputs: ReportInputs, out: Path) -> Written:
    """Write the report into the folder ``out``."""
    return write_page(render_report(inputs), out)


def render_report(inputs: ReportInputs) -> str:
    """The report as HTML; the same records give the same page."""
    embedder = PlotEmbedder()
    comparison = inputs.comparison
    page = Page(
        title=_title(comparison),
        lead=_lead(comparison),
        warnings=tuple(find_warnings(comparison)),
        sections=tuple(_sections(inputs, embedder)),
    )
    return render_page("report.html", embedder.style_sheet.css, page=page)


def _sections(inputs: ReportInputs, embedder: PlotEmbedder) -> Iterator[Section]:
    comparison = inputs.comparison
    yield verdict_section(comparison)
    yield scores_section(comparison, embedder)
    yield from pair_sections(comparison, embedder)
    yield from analysis_sections(comparison, embedder)
    if inputs.explanations or inputs.unexplained:
        yield explanation_section(inputs, embedder)
    yield from (ablation_section(at, each, embedder) for at, each in enumerate(inputs.ablations, start=1))
    yield from (audit_section(at, each, comparison.run, embedder) for at, each in enumerate(inputs.audits, start=1))
    yield reproduction_section(comparison)


def _title(comparison: Comparison) -> str:
    runs = comparison.methods[0].name if comparison.has_reference else counted(len(comparison.methods), "run")
    return f"{runs} on {data_name(comparison.run)}"


def _lead(comparison: Comparison) -> str:
    run = comparison.run
    others = len(comparison.methods) - 1 if comparison.has_reference else 0
    against = f"Compared with {counted(others, 'other method')}: " if others else ""
    return f"{against}{run['task']} ({describe_targets(run)}), protocol {run['protocol']}"
