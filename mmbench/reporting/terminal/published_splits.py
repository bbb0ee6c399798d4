"""The published split of a claim card, beside the file of the user."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from mmbench.reporting.terminal.layout import number_table
from mmbench.workflows import AuditedSplit

_NAMES = {"train": "training", "validation": "validation", "test": "test"}


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
