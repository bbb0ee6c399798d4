"""The program ``mmbench``: its commands, and how an error becomes one line."""

import errno
import os
import sys
from typing import Annotated

import typer

from mmbench import __version__
from mmbench.cli import (
    ablate,
    audit,
    cache,
    check,
    claim,
    data,
    diagnose,
    explain,
    leaderboard,
    listing,
    new,
    report,
    run,
    show,
    tune,
)
from mmbench.cli.console import print_error
from mmbench.cli.streams import prepare_streams
from mmbench.errors import StorageError, UserError

app = typer.Typer(
    name="mmbench",
    help="Fair comparison of multimodal models: same samples, same splits, same encoders, same budget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("tune")(tune.tune)
app.command("ablate")(ablate.ablate)
app.command("audit")(audit.audit)
app.command("claim")(claim.claim)
app.command("explain")(explain.explain)
app.command("list")(listing.list_components)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.command("show")(show.show)
app.command("report")(report.report)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("diagnose")(diagnose.diagnose)
app.command("compare")(show.compare)
app.command("check")(check.check)
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
    """Run the program; errors that the user can mend end in one line and exit code 2, or 1 where every job failed."""
    prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except UserError as error:
        print_error(error.line)
        sys.exit(error.code)
    except BrokenPipeError:
        # Whoever read our output has gone, as with `mmbench list | head`.
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            print_error(StorageError("the name is too long", where=error.filename, remedy="choose a shorter one").line)
            sys.exit(StorageError.code)
        if error.errno not in _OUTPUT_LOST or error.filename is not None:
            raise
        _drop_output()
        print_error(f"the output cannot be written ({error.strerror}) — send it elsewhere")
        sys.exit(UserError.code)


def _drop_output() -> None:
    """Throw away what is not written yet, which Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
