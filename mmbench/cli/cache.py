"""``mmbench cache``: what is kept between runs."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import show, show_json
from mmbench.cli.options import Json, Plugins

app = typer.Typer(
    help="List and clean prepared data and tokens.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Cache = Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")]


@app.command("list")
def list_items(cache: Cache = None, plugin: Plugins = None, as_json: Json = False) -> None:
    """List what is in the cache, with its size and age, and whether the code of today would use it."""
    from mmbench.data import default_cache
    from mmbench.reporting import cache_table
    from mmbench.workflows import list_cache

    folder = cache or default_cache()
    items = list_cache(folder, tuple(plugin or ()))
    if as_json:
        show_json([item.to_json() for item in items])
    else:
        show(cache_table(folder, items))


@app.command("clean")
def clean(
    older_than: Annotated[
        float | None, typer.Option(help="Remove what was written more than so many days ago.")
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Remove what the code of today would not use; with --older-than: of that.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Remove all prepared data and tokens.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    cache: Cache = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Remove what killed or damaged files left in the cache, and what else is asked for; a run at work keeps all."""
    from mmbench.data import default_cache
    from mmbench.reporting import cleaned_table
    from mmbench.workflows import clean_cache

    done = clean_cache(
        cache or default_cache(),
        older_than=older_than,
        unused=unused,
        everything=everything,
        dry_run=dry_run,
        plugins=tuple(plugin or ()),
    )
    if as_json:
        names = ("removed", "kept")
        show_json({name: [item.to_json() for item in getattr(done, name)] for name in names})
    else:
        show(cleaned_table(done, dry_run))
