"""``mmbench new``: skeletons of plugins."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.help import Command, Group
from mmbench.cli.output.console import show_lines

app = typer.Typer(
    help="Create a plugin.",
    epilog="mmbench new plugin sleep-study",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _only_one_yet() -> None:
    """Create a plugin."""


@app.command("plugin", cls=Command, epilog="mmbench new plugin sleep-study")
def plugin(
    name: Annotated[str, typer.Argument(help="Name of the distribution, such as sleep-study.")],
    to: Annotated[Path | None, typer.Option(help="Empty or new folder to write; default: NAME.")] = None,
) -> None:
    """Create a working plugin with tests and a README."""
    from mmbench.scaffold import make_plugin, parse_name

    home = make_plugin(name, to)
    known = parse_name(name).distribution
    show_lines(
        (
            f"{home}: a working plugin; its README says how to change it",
            f"pip install -e '{home}[test]'",
            f"pytest {home}",
            f"mmbench run {known}-model {known}-data --against concat,prior",
        )
    )
