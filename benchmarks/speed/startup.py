"""Start-up time of the command line, and modules that it must not import."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from timing import Contenders, Goal, ResultsDiffer

NAME = "startup"
TITLE = "start-up"
HELP, LIST, PYTHON = "mmbench --help", "mmbench data list", "python -c pass"
GOALS = (
    Goal("`--help` in at most 0.35 s", HELP, most=0.35),
    Goal("`data list` in at most 0.25 s", LIST, most=0.25),
)
HEAVY = ("numpy", "torch", "timm", "mne", "optuna", "sklearn")
_LIST_IMPORTS = """
import json, sys
from mmbench.cli import main
sys.argv = ["mmbench", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(set({heavy!r}) & sys.modules.keys())))
"""


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    contenders = {
        PYTHON: partial(call, "-c", "pass"),
        HELP: partial(call, "-m", "mmbench", "--help"),
        LIST: partial(call, "-m", "mmbench", "data", "list"),
    }
    yield Contenders(contenders, check, "one process from start to end; Python's own start is part of it")


def call(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment())


def environment() -> dict[str, str]:
    # With compiled modules, as users have them.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def check(results: Mapping[str, Any]) -> None:
    """Check that the commands import no heavy package."""
    for arguments in (["--help"], ["data", "list"]):
        code = _LIST_IMPORTS.format(arguments=arguments, heavy=HEAVY)
        found = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
        if heavy := json.loads(found.stdout.splitlines()[-1]):
            raise ResultsDiffer(f"mmbench {' '.join(arguments)} imports {', '.join(heavy)}")
