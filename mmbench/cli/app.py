"""The program ``mmbench``: its commands, and errors printed as one line."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from copy import copy
from typing import Annotated

import typer

from mmbench import __version__
from mmbench.cli import (
    ablate,
    audit,
    cache,
    claim,
    data,
    diagnose,
    explain,
    leaderboard,
    listing,
    predictions,
    report,
    run,
    show,
    suite,
    tune,
)
from mmbench.cli.authoring import check, new
from mmbench.cli.help import CONTEXT, Command, Group
from mmbench.cli.output.console import print_error
from mmbench.cli.output.streams import prepare_streams
from mmbench.errors import StorageError, UserError

app = typer.Typer(
    name="mmbench",
    cls=Group,
    help="Compare multimodal models on the same samples, splits, encoders and tuning budget.",
    epilog="mmbench run concat mfeat --against late,prior",
    no_args_is_help=True,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run.run, "mmbench run concat mfeat --against late,prior"),
    "tune": (tune.tune, "mmbench tune concat mfeat --tune 20"),
    "ablate": (ablate.ablate, "mmbench ablate concat mfeat --only modalities"),
    "folds": (predictions.folds, "mmbench folds mfeat --out folds.json"),
    "score": (predictions.score, "mmbench score predictions.csv --folds folds.json --name A"),
    "audit": (audit.audit, "mmbench audit concat mfeat"),
    "claim": (claim.claim, "mmbench claim METHOD CARD --run"),
    "explain": (explain.explain, "mmbench explain concat mfeat --against late"),
    "list": (listing.list_components, "mmbench list --plugin my_plugin.py"),
    "show": (show.show, "mmbench show runs/RUN --details"),
    "report": (report.report, "mmbench report runs/RUN --out report"),
    "diagnose": (diagnose.diagnose, "mmbench diagnose runs/RUN"),
    "compare": (show.compare, "mmbench compare runs/RUN runs/OTHER"),
    "check": (check.check, "mmbench check my_plugin.py"),
}
"""Commands by name: the function, and an example."""
for _name, (_function, _example) in _COMMANDS.items():
    app.command(_name, cls=Command, epilog=_example)(_function)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(suite.app, name="suite")
app.add_typer(new.app, name="new")


_OUTPUT_LOST = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF}  # a full disk, a terminal that is closed


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mmbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program; user errors end in one line and exit code 2, or 1 if every job failed."""
    prepare_streams()
    try:
        try:
            _narrow(sys.argv[1:])()
        finally:
            sys.stdout.flush()
    except UserError as error:
        print_error(error.line)
        sys.exit(error.code)
    except BrokenPipeError:
        # The reader of the output has closed it, as in `mmbench list | head`.
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            print_error(StorageError("the name is too long", where=error.filename, remedy="choose a shorter one").line)
            sys.exit(StorageError.code)
        if error.errno not in _OUTPUT_LOST or error.filename is not None:
            raise
        _drop_output()
        print_error(f"the output cannot be written ({error.strerror}) — redirect it")
        sys.exit(UserError.code)


def _narrow(words: Sequence[str]) -> typer.Typer:
    """The program with no other command than the one that ``words`` begin with, since building each takes time."""
    name = words[0] if words else ""
    commands = [each for each in app.registered_commands if each.name == name]
    groups = [each for each in app.registered_groups if each.name == name]
    if not commands and not groups:
        return app
    narrowed = copy(app)
    narrowed.registered_commands, narrowed.registered_groups = commands, groups
    return narrowed


def _drop_output() -> None:
    """Discard unwritten output, which Python would otherwise write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
