"""Tables of the cache: its files, what a run would reuse, and what was removed."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.number_format import format_count, format_duration
from mmbench.reporting.terminal.layout import plain_table
from mmbench.storage import counted
from mmbench.workflows import ArtifactStatus, CacheEntry, CleanedCache, total_size

_MOST = 6  # reasons shown for one artefact


def explained_table(found: Sequence[ArtifactStatus]) -> RenderableType:
    """A row for each artefact of a run: its state, and how it differs from the nearest one that exists."""
    table = plain_table("artefact")
    table.add_column("state", no_wrap=True)
    table.add_column("why", overflow="fold")
    for each in found:
        shown = list(each.why[:_MOST])
        if len(each.why) > _MOST:
            shown.append(f"{len(each.why) - _MOST} more")
        table.add_row(Text(each.what), Text(each.state), Text("; ".join(shown)))
    near = [each for each in found if each.near]
    notes = [Text(f"{each.what}: against {each.near}") for each in near]
    return Group(table, *([Text("\ncompared with the nearest that exists:")] if notes else []), *notes)


def cache_table(cache: Path, items: Sequence[CacheEntry]) -> RenderableType:
    """The files of the cache as rows, and their total size."""
    return Group(_items(items), Text(f"\n{_sum(items)} in {cache}"))


def cleaned_table(done: CleanedCache, dry_run: bool) -> RenderableType:
    """The files that were removed, or would be, and those that were kept because a process uses them."""
    lines = [Text(f"{_sum(done.removed)} {'would be removed' if dry_run else 'removed'}")]
    if done.kept:
        lines.append(Text(f"{_sum(done.kept)} kept: in use by a running process"))
    return Group(*([_items(done.removed), Text()] if done.removed else []), *lines)


def _items(items: Sequence[CacheEntry]) -> RenderableType:
    table = plain_table("file")
    table.add_column("kind", no_wrap=True)
    for heading in ("size", "age"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("current code", overflow="fold")
    for item in items:
        state = f"{item.state}: {item.why}" if item.why else item.state
        shown = "" if item.kind in ("damaged", "left over", "memory", "files") else state
        table.add_row(*map(Text, (item.what, item.kind, _bytes(item.size), _age(item.age), shown)))
    return table


def _sum(items: Sequence[CacheEntry]) -> str:
    return f"{counted(len(items), 'file')}, {_bytes(total_size(items))}"


def _bytes(size: int) -> str:
    return f"{format_count(size)}B"


def _age(seconds: float) -> str:
    return f"{seconds / 86400:.0f}d" if seconds >= 2 * 86400 else format_duration(seconds)
