"""The table of the audit of a split: what test samples share with the training part, by group."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.terminal.layout import number_table
from mmbench.storage import counted
from mmbench.workflows import SplitAudit

_NAMES = {"train": "training", "validation": "validation", "test": "test"}
_SHOWN = 3  # ids by name


def split_audit_table(audit: SplitAudit) -> RenderableType:
    """Sizes of the parts, ids and groups on both sides, and a row for each combination of groups."""
    parts: list[RenderableType] = [Text(_headline(audit), style="bold")]
    parts += [Text(line, style="bold red") for line in _problems(audit)]
    if audit.overlaps:
        table = number_table("group", "tested", "also in training", "test samples", "also in training", "share")
        for overlap in audit.overlaps:
            counts = overlap.groups_tested, overlap.groups_shared, overlap.tested, overlap.shared
            table.add_row(*map(Text, (" and ".join(overlap.groups), *map(str, counts), f"{overlap.share:.0%}")))
        parts += [Text(), table]
    return Group(*parts, Text("\n" + "\n".join(_notes(audit)), style="dim"))


def _headline(audit: SplitAudit) -> str:
    sizes = [f"{_NAMES[part]} {count}" if count else f"no {_NAMES[part]} part" for part, count in audit.parts.items()]
    return f"{audit.path} · {counted(sum(audit.parts.values()) + audit.unassigned, 'sample')}: {', '.join(sizes)}"


def _problems(audit: SplitAudit) -> Iterator[str]:
    if audit.straddling:
        yield f"LEAK: {counted(len(audit.straddling), 'id')} in several parts: {_some(audit.straddling)}"
    for overlap in audit.overlaps:
        if overlap.shared and len(overlap.groups) == 1:
            group = overlap.groups[0]
            yield (
                f"LEAK: {overlap.share:.0%} of the test samples share their {group} with the training part; scores do "
                f"not hold for a new {group}."
            )
    if audit.repeated:
        yield f"{counted(len(audit.repeated), 'id')} several times in one part: {_some(audit.repeated)}"


def _notes(audit: SplitAudit) -> Iterator[str]:
    if audit.overlaps:
        yield (
            "tested: different groups in the test part; also in training: those with samples in the training or "
            "validation part, too"
        )
    if audit.unassigned:
        yield f"{counted(audit.unassigned, 'sample')} in no part"
    yield "found by ids and groups alone: copies under other ids need mmbench audit METHOD DATASET"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (" ..." if len(ids) > _SHOWN else "")
