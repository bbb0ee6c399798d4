"""Progress of a command on stderr: bars on a terminal, else lines."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from mmbench.cli.output.console import note
from mmbench.cli.output.progress_lines import ProgressLines
from mmbench.storage import use_reporter


@contextmanager
def progress(quiet: bool = False) -> Iterator[None]:
    """Show progress on stderr while the block runs; Ctrl-C ends it with a line about what is kept."""
    try:
        with _reported(quiet):
            yield
    except KeyboardInterrupt:
        note("stopped: finished jobs are kept, and the same command resumes")
        raise


def _reported(quiet: bool) -> AbstractContextManager[object]:
    if quiet:
        return nullcontext()
    if not sys.stderr.isatty():
        return use_reporter(ProgressLines())
    from mmbench.cli.output.progress_bars import show_bars

    return show_bars()
