"""What of a run is there, and what is in the cache, as tables."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.terminal.layout import plain_table
from mmbench.reporting.terminal.quantities import short_count, short_time
from mmbench.workflows import ArtifactStatus, CacheEntry, CleanedCache, total_size

_MOST = 6  # reasons shown of one thing


def explained_table(found: Sequence[ArtifactStatus]) -> RenderableType:
    """What a run takes as rows: whether it is there, and how it differs from the nearest that is."""
    table = plain_table("of this run")
    table.add_column("is", no_wrap=True)
    table.add_column("why", overflow="fold")
    for each in found:
        shown = list(each.why[:_MOST])
        if len(each.why) > _MOST:
            shown.append(f"{len(each.why) - _MOST} more")
        table.add_row(Text(each.what), Text(each.state), Text("; ".join(shown)))
    near = [each for each in found if each.near]
    notes = [Text(f"{each.what}: against {each.near}") for each in near]
    return Group(table, *([Text("\ncompared with what is nearest:")] if notes else []), *notes)


def cache_table(cache: Path, items: Sequence[CacheEntry]) -> RenderableType:
    """What is in the cache as rows, and how much it is together."""
    return Group(_items(items), Text(f"\n{_sum(items)} in {cache}"))


def cleaned_table(done: CleanedCache, dry_run: bool) -> RenderableType:
    """What was removed, or would be, and what a process keeps."""
    lines = [Text(f"{_sum(done.removed)} {'would be removed' if dry_run else 'removed'}")]
    if done.kept:
        lines.append(Text(f"{_sum(done.kept)} kept, since a process is at work on them"))
    return Group(*([_items(done.removed), Text()] if done.removed else []), *lines)


def _items(items: Sequence[CacheEntry]) -> RenderableType:
    table = plain_table("what")
    table.add_column("kind", no_wrap=True)
    for heading in ("size", "age"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("code of today", overflow="fold")
    for item in items:
        state = f"{item.state}: {item.why}" if item.why else item.state
        told = "" if item.kind in ("damaged", "left over", "files") else state
        table.add_row(*map(Text, (item.what, item.kind, _bytes(item.size), _age(item.age), told)))
    return table


def _sum(items: Sequence[CacheEntry]) -> str:
    return f"{len(items)} {'file' if len(items) == 1 else 'files'}, {_bytes(total_size(items))}"


def _bytes(size: int) -> str:
    return f"{short_count(size)}B"


def _age(seconds: float) -> str:
    return f"{seconds / 86400:.0f}d" if seconds >= 2 * 86400 else short_time(seconds)
