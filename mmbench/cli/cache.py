"""``mmbench cache``: prepared data and encoder outputs, kept between runs."""

from typing import Annotated

import typer

from mmbench.cli.help import DATA, OUTPUT, Command, Group
from mmbench.cli.options import Cache, Json, Plugins
from mmbench.cli.output.console import show, show_json

app = typer.Typer(
    help="List and clean prepared data and encoder outputs.",
    epilog="mmbench cache list",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list", cls=Command, epilog="mmbench cache list")
def list_items(cache: Cache = None, plugin: Plugins = None, as_json: Json = False) -> None:
    """List the files in the cache, and whether they are current."""
    from mmbench.data import default_cache_folder
    from mmbench.reporting import cache_table
    from mmbench.workflows import list_cache

    folder = cache or default_cache_folder()
    items = list_cache(folder, tuple(plugin or ()))
    if as_json:
        show_json([item.to_json() for item in items])
    else:
        show(cache_table(folder, items))


@app.command("clean", cls=Command, epilog="mmbench cache clean --unused --dry-run")
def clean(
    older_than: Annotated[
        float | None, typer.Option(help="Remove files written more than this many days ago.", rich_help_panel=DATA)
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Remove files that the current code would not use.", rich_help_panel=DATA)
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Remove all files.", rich_help_panel=DATA)] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.", rich_help_panel=OUTPUT)
    ] = False,
    cache: Cache = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Remove stale and damaged files, and others by option.

    Files in use by a running process are kept.
    """
    from mmbench.data import default_cache_folder
    from mmbench.reporting import cleaned_table
    from mmbench.workflows import clean_cache

    done = clean_cache(
        cache or default_cache_folder(),
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
