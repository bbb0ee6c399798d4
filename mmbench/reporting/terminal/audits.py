"""The table of an audit, a row per protocol, and its footnotes."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.number_format import format_p, format_signed
from mmbench.reporting.terminal.layout import number_table, path_line, plain_table
from mmbench.storage import counted
from mmbench.workflows import AuditResult, ModelAudit, ProtocolAudit

WORDS = {True: "LEAKS", False: "no leak found", None: "inconclusive"}
"""The verdict on a protocol, by whether it leaks."""


def audit_table(result: AuditResult, path: Path | None = None) -> RenderableType:
    """Protocols with their verdicts, the scores of the method where it was trained, findings, notes and the file."""
    parts: list[RenderableType] = [_headline(result), _probe_table(result)]
    if any(audit.method for audit in result.protocols):
        parts += [Text(), _method_table(result)]
    findings = audit_findings(result)
    parts += [Text(f"\n{line}", style="bold") if not at else Text(line, "bold") for at, line in enumerate(findings)]
    file = [path_line("audit", path)] if path else []
    return Group(*parts, Text("\n" + "\n".join(audit_notes(result)), style="dim"), *file)


def _headline(result: AuditResult) -> Text:
    what = f"{result.dataset} · {result.task} ({counted(len(result.classes), 'class')}) · audit with {result.method}"
    text = Text(what, style="bold")
    if result.made_from:
        text.append(f"\naudited as classes: {result.made_from}", style="")
    for note in result.notes:
        text.append(f"\nDATA: {note}", style="bold yellow")
    if result.simulated:
        text.append("\nSIMULATED data: these scores say nothing about real data.", style="bold yellow")
    return text


def _probe_table(result: AuditResult) -> Table:
    table = plain_table("protocol")
    table.add_column("verdict", no_wrap=True)
    for heading in ("score", "inflated", "oracle", "control", "permuted", "p", "shared"):
        table.add_column(heading, justify="right", no_wrap=True)
    for audit in result.protocols:
        cells = (audit.protocol, WORDS[audit.leaks], *_numbers(result, audit, "probe"), _shared(audit))
        table.add_row(*map(Text, cells), style="bold red" if audit.leaks else "")
    return table


def _method_table(result: AuditResult) -> Table:
    headings = ("score", "inflated", "oracle", "control", "permuted", "p", "draws")
    table = number_table(f"{result.method} trained", *headings)
    for audit in result.protocols:
        numbers = _numbers(result, audit, "method")
        draws = str(audit.method.control.draws) if audit.method else "–"
        table.add_row(*map(Text, (audit.protocol, *numbers, draws)))
    return table


def _numbers(result: AuditResult, audit: ProtocolAudit, by: str) -> tuple[str, ...]:
    examined: ModelAudit | None = getattr(audit, by)
    if examined is None:
        return ("not run", *["–"] * 5)
    inflation, control = result.inflation(audit, by), examined.control
    is_reference = audit.protocol == result.strictest
    return (
        f"{examined.score:.3f}",
        "–" if inflation is None or is_reference else format_signed(inflation),
        format_signed(examined.oracle - examined.score),
        "–" if control.score is None else f"{control.score:.3f}",
        "–" if control.expected is None else f"{control.expected:.3f}",
        "–" if control.p_value is None else format_p(control.p_value),
    )


def _shared(audit: ProtocolAudit) -> str:
    share = max(audit.structure.straddling.values(), default=0.0)
    return f"{share:.0%}" if share else "–"


def _structure_lines(result: AuditResult) -> Iterator[str]:
    for audit in result.protocols:
        if audit.structure.overlapping > 0:
            share = _percent(audit.structure.overlapping)
            yield f"{audit.protocol}: {share} of the test samples overlap in time with the training part"
        alike = [f"{name} {_percent(share)}" for name, share in audit.structure.twins.items() if share > 0]
        if alike:
            yield f"{audit.protocol}: test samples with the same data as a training sample: {', '.join(alike)}"


def _oddity_lines(result: AuditResult) -> Iterator[str]:
    for oddity in result.oddities:
        alone = (
            "" if oddity.score is None else f": alone it predicts the class with balanced accuracy {oddity.score:.3f}"
        )
        yield f"{oddity.modality}, {oddity.channel}: {oddity.what}{alone}"


def _skipped_lines(result: AuditResult) -> Iterator[str]:
    for name, reason in result.skipped.items():
        yield f"{name} was not audited: {reason}"
    if result.failed:
        yield f"{counted(len(result.failed), 'training')} failed; the first: {result.failed[0]}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.01 else f"{share:.0%}"


def _verdict_lines(result: AuditResult) -> Iterator[str]:
    """Why a protocol leaks or the audit is inconclusive; a reason that several protocols share is given once."""
    for word, lines_of in (("LEAKS", _causes_of), ("inconclusive", _doubts_of)):
        protocols: dict[str, list[str]] = {}
        for audit in result.protocols:
            for line in lines_of(audit):
                protocols.setdefault(line, []).append(audit.protocol)
        for line, names in protocols.items():
            yield f"{word} ({', '.join(names)}): {line}"


def _causes_of(audit: ProtocolAudit) -> tuple[str, ...]:
    return audit.causes


def _doubts_of(audit: ProtocolAudit) -> tuple[str, ...]:
    return audit.doubts if audit.leaks is None else ()


def audit_findings(result: AuditResult) -> list[str]:
    """Reasons of the verdicts, samples and groups that parts share, suspicious channels, and what was not audited."""
    return [*_verdict_lines(result), *_structure_lines(result), *_oddity_lines(result), *_skipped_lines(result)]


def audit_notes(result: AuditResult) -> Iterator[str]:
    """Footnotes of an audit: what its numbers mean."""
    control = result.protocols[0].probe.control
    groups = " or ".join(result.protocols[0].structure.straddling) or "group"
    yield (
        f"score: balanced accuracy of a probe on the true labels, chance level {result.chance:.3f}; inflated: score "
        f"minus that under {result.strictest}, the strictest protocol here; oracle: bias of choosing its settings, or "
        "the epoch of a method, on test data"
    )
    yield (
        f"control: score on randomly assigned labels, one per {result.lots} ({result.n_lots} in all), "
        f"{counted(control.draws, 'draw')}; permuted: score on these labels permuted within class and subject; a "
        "control above permuted has recognised test samples from training"
    )
    yield (
        "no leak found: by the checks of an audit; it assumes that subjects are different people, and that features "
        "and labels were made without the test part"
    )
    yield f"shared: share of the test samples whose {groups} is also in the training or validation part"
    read = ", ".join(f"{source.split(', ')[0]}: {encoder}" for source, encoder in result.features.items())
    yield f"probe: kernel ridge regression on {read}"
    yield f"{counted(result.n_samples, 'sample')}; standardized by {result.standardize}"
