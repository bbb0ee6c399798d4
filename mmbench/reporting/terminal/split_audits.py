"""Tables of published splits: the audit of a file by class and group, and the split of a claim card beside a file."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.terminal.layout import number_table
from mmbench.storage import counted
from mmbench.workflows import AuditedSplit, SplitAudit

_NAMES = {"train": "training", "validation": "validation", "test": "test"}
_SHOWN = 3  # ids by name
_MAX_CLASSES = 20  # rows of classes
_NO_LABEL = "(no label)"


def split_audit_table(audit: SplitAudit) -> RenderableType:
    """Sizes of the parts by class, ids and groups on both sides, and a row for each combination of groups."""
    parts: list[RenderableType] = [Text(_headline(audit), style="bold")]
    parts += [Text(line, style="bold red") for line in _problems(audit)]
    if not audit.leaks:
        parts.append(Text(_no_leak(audit), style="bold"))
    if audit.classes:
        parts += [Text(), _class_table(audit)]
    if audit.overlaps:
        table = number_table("group", "tested", "also in training", "test samples", "also in training", "share")
        for overlap in audit.overlaps:
            counts = overlap.groups_tested, overlap.groups_shared, overlap.tested, overlap.shared
            table.add_row(*map(Text, (" and ".join(overlap.groups), *map(str, counts), f"{overlap.share:.0%}")))
        parts += [Text(), table]
    return Group(*parts, Text("\n" + "\n".join(_notes(audit)), style="dim"))


def split_lines(result: AuditedSplit, command: str) -> Iterator[RenderableType]:
    """Sizes of the parts and shared groups, in the card and in the file; ``command`` shows the card."""
    split, audit = result.split, result.audit
    table = number_table("published split", "in the card", *(["in the file"] if audit else []))
    for part, title in _NAMES.items():
        counts = (str(split.sizes.get(part, 0)), *([str(audit.parts[part])] if audit else []))
        table.add_row(*map(Text, (f"{title} samples", *counts)))
    for groups, count in split.shared.items():
        counts = (str(count), *([str(result.shared[groups])] if audit else []))
        table.add_row(*map(Text, (f"test samples with {groups} in training", *counts)))
    yield table
    for group in split.shared_alone:
        shared = f"{split.shared[group]} of {split.sizes['test']} test samples share their {group}"
        yield Text(f"LEAK: {shared} with the training part", "bold red")
    yield Text(split.how, style="dim")
    yield Text(f"from {split.source} {split.url}".rstrip(), style="dim")
    if audit is None:
        yield Text(f"audit a file of it: {command} --split FILE.csv", style="dim")
    elif result.differs:
        yield Text(f"{audit.path} is not the split of the card: the numbers differ.", style="bold red")
    else:
        yield Text(f"{audit.path} agrees with the card.", style="bold")


def _headline(audit: SplitAudit) -> str:
    sizes = [f"{_NAMES[part]} {count}" if count else f"no {_NAMES[part]} part" for part, count in audit.parts.items()]
    return f"{audit.path} · {counted(sum(audit.parts.values()) + audit.unassigned, 'sample')}: {', '.join(sizes)}"


def _no_leak(audit: SplitAudit) -> str:
    groups = [overlap.groups[0] for overlap in audit.overlaps if len(overlap.groups) == 1 and not overlap.is_label]
    where = f"no id and no {' or '.join(groups)} is" if groups else "no id is"
    return f"No leak found: {where} on both sides."


def _problems(audit: SplitAudit) -> Iterator[str]:
    if audit.validation_is_test:
        yield f"LEAK: the validation part is the test part: the same {counted(audit.validation_in_test, 'id')}."
    elif audit.validation_in_test:
        yield f"LEAK: {counted(audit.validation_in_test, 'validation id')} also in the test part."
    for noun, names in (("id", audit.straddling), ("file", audit.shared_files)):
        if names:
            yield f"LEAK: {counted(len(names), noun)} in several parts: {_some(names)}"
    for overlap in audit.overlaps:
        if overlap.leaks:
            group = overlap.groups[0]
            yield (
                f"LEAK: {overlap.shared} of {counted(overlap.tested, 'test sample')} ({overlap.share:.0%}) share their "
                f"{group} with the training part; scores do not hold for a new {group}."
            )
    if audit.repeated:
        yield f"{counted(len(audit.repeated), 'id')} several times in one part: {_some(audit.repeated)}"
    untrained = [name or _NO_LABEL for name, sizes in audit.classes.items() if sizes["test"] and not sizes["train"]]
    if untrained:
        yield f"{counted(len(untrained), 'class')} in the test part but not in training: {_some(untrained)}"


def _class_table(audit: SplitAudit) -> Table:
    parts = [part for part, size in audit.parts.items() if size]
    table = number_table("class", *(_NAMES[part] for part in parts))
    for name, sizes in list(audit.classes.items())[:_MAX_CLASSES]:
        table.add_row(*map(Text, (name or _NO_LABEL, *(str(sizes[part]) for part in parts))))
    return table


def _notes(audit: SplitAudit) -> Iterator[str]:
    if (more := len(audit.classes) - _MAX_CLASSES) > 0:
        yield f"{counted(more, 'more class')}: --json"
    if not audit.overlaps:
        yield "ids alone were compared: --groups and --from-name name what samples of two parts must not share"
    if audit.overlaps:
        yield (
            "tested: different groups in the test part; also in training: those with samples in the training or "
            "validation part, too"
        )
    for overlap in audit.overlaps:
        if overlap.is_label:
            yield f"{overlap.groups[0]} is the class: every part should have each"
    if audit.unassigned:
        yield f"{counted(audit.unassigned, 'sample')} in no part"
    yield "found by ids and groups alone: copies under other ids need mmbench audit METHOD DATASET"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
