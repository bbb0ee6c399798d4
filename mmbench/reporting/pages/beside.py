"""The sections of a report that come from other files: audits and ablations."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmbench.reporting.pages.blocks import Block, Lines, Section, Text
from mmbench.reporting.pages.drawing import Canvas
from mmbench.reporting.plots import ablations, audits
from mmbench.reporting.terminal.audits import WORDS, audit_findings, audit_notes
from mmbench.workflows import AblationResult, AuditResult


def audit_section(number: int, result: AuditResult, run: Mapping[str, Any], canvas: Canvas) -> Section:
    """An audit: the word on the protocol of the run, the plot of all, and what stands out."""
    blocks: list[Block] = [
        Text(_on_protocol(result, run)),
        canvas.draw(lambda width: audits.audited(result, width)),
    ]
    if findings := list(audit_findings(result)):
        blocks.append(Lines(findings))
    blocks.append(Lines(list(audit_notes(result))))
    key = "audit" if number == 1 else f"audit-{number}"
    return Section(key, "Audit" if number == 1 else f"Audit {number}", blocks)


def _on_protocol(result: AuditResult, run: Mapping[str, Any]) -> str:
    protocol = run["protocol"]
    for audit in result.protocols:
        if audit.protocol == protocol:
            same = audit.fingerprint == run["fingerprint"]
            splits = "on these very splits" if same else "on other splits than those of this report"
            word = WORDS[audit.leaks]
            return f"Protocol {protocol}, as of this report: {word} ({splits}, audited with {result.method})."
    return f"Protocol {protocol}, as of this report, was not audited (audited with {result.method})."


def ablation_section(number: int, result: AblationResult, canvas: Canvas) -> Section:
    """An ablation: a plot each of its tables."""
    key = "ablation" if number == 1 else f"ablation-{number}"
    return Section(key, f"Ablation of {result.default.name}", list(_tables(result, canvas)))


def _tables(result: AblationResult, canvas: Canvas) -> Iterator[Block]:
    for table in result.tables:
        if ablations.can_show(result, table):
            yield canvas.draw(lambda width, table=table: ablations.ablation(result, table, width))  # type: ignore[misc]
        reasons = [f"{table.parameter} {row.value} was not run: {row.reason}" for row in table.rows if row.reason]
        if reasons:
            yield Lines(reasons)
