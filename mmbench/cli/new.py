"""``mmbench new``: the beginning of something of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import show_lines

app = typer.Typer(help="Write a plugin of your own.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _only_one_yet() -> None:
    """Write a plugin of your own."""


@app.command("plugin")
def plugin(
    name: Annotated[str, typer.Argument(help="Name of the distribution, such as sleep-study.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to write, which must not hold anything; default: NAME.")
    ] = None,
) -> None:
    """Write a distribution of plugins that works: a dataset, an encoder, a fusion, a method, tests and a README."""
    from mmbench.scaffold import make_plugin, parse_name

    home = make_plugin(name, to)
    known = parse_name(name).distribution
    show_lines(
        (
            f"{home}: a plugin that works; its README says how to make it yours",
            f"pip install -e '{home}[test]'",
            f"pytest {home}",
            f"mmbench run {known}-model {known}-data --against concat,prior",
        )
    )
