"""Results as text and as HTML: what the commands of the shell print."""

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.html_tables import as_html
from mmbench.reporting.terminal.comparisons import comparison_table
from mmbench.reporting.terminal.layout import render
from mmbench.results import Comparison


def render_text(result: object) -> str:
    """A result as text, 80 columns wide."""
    lines = render(_view(result)).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def render_html(result: object) -> str:
    """A result as HTML with tables, without external files, scripts or colours of the background."""
    return as_html(_view(result))


def _view(result: object) -> RenderableType:
    return comparison_table(result) if type(result) is Comparison else _view_of_workflow(result)


def _view_of_workflow(result: object) -> RenderableType:
    """The tables of what a workflow returns; a comparison is shown without importing them."""
    from mmbench.reporting.suites.tables import suite_tables
    from mmbench.reporting.terminal import (
        ablation_tables,
        audit_table,
        claim_tables,
        diagnosis_tables,
        split_audit_table,
        tuning_tables,
    )
    from mmbench.workflows import (
        AblationResult,
        AuditResult,
        ClaimResult,
        Diagnosis,
        SplitAudit,
        SuiteResult,
        TuningResult,
    )

    if isinstance(result, Diagnosis):
        return diagnosis_tables(result)
    if isinstance(result, AblationResult):
        return ablation_tables(result)
    if isinstance(result, AuditResult):
        return audit_table(result)
    if isinstance(result, TuningResult):
        return tuning_tables(result)
    if isinstance(result, SplitAudit):
        return split_audit_table(result)
    if isinstance(result, SuiteResult):
        return suite_tables(result)
    if isinstance(result, ClaimResult):
        parts = ((table, Text("\n".join(commands))) for table, commands in claim_tables(result))
        return Group(*(each for pair in parts for each in pair))
    raise TypeError(f"{type(result).__name__} has no table")
