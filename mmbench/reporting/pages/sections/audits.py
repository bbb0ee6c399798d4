"""Section of a report on an audit."""

from collections.abc import Mapping
from typing import Any

from mmbench.reporting.pages.page_model import Block, Lines, Section, Text
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.plots import audits
from mmbench.reporting.terminal.audits import WORDS, audit_findings, audit_notes
from mmbench.workflows import AuditResult


def audit_section(number: int, result: AuditResult, run: Mapping[str, Any], embedder: PlotEmbedder) -> Section:
    """The section of an audit: verdict on the protocol of the run, plot, findings and notes; ``number`` is from 1."""
    blocks: list[Block] = [
        Text(_on_protocol(result, run)),
        embedder.embed(lambda width: audits.audit_plot(result, width)),
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
            splits = "on the splits of this report" if same else "on other splits than those of this report"
            word = WORDS[audit.leaks]
            classes = f" Audited as classes: {result.made_from}." if result.made_from else ""
            return f"Protocol {protocol} of this report: {word} ({splits}, audited with {result.method}).{classes}"
    return f"Protocol {protocol} of this report was not part of this audit (audited with {result.method})."
