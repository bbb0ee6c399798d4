"""The program's output wherever it goes: other encodings, closed or full streams, names that are not UTF-8."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.cli.output.streams import make_plain

ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii", "TERM": "dumb", "COLUMNS": "40"},
]


def mmbench(*words: object, how: str = "exec", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """The program behind a line of the shell, in which ``exec`` may send its output elsewhere."""
    command = ["sh", "-c", f'{how} "$@"' if how == "exec" else f'"$@" {how}', "sh", sys.executable, "-m", "mmbench"]
    return subprocess.run(
        [*command, *map(os.fsencode, map(str, words))],
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def comparison(tmp_path: Path, write_comparison: Callable[..., Path]) -> Path:
    return write_comparison(tmp_path, ("first", "zweïte"), card={"access": "simulated", "title": "Maß · Größe"})


@pytest.mark.parametrize("environment", ASCII)
@pytest.mark.parametrize("options", [(), ("--details",), ("--json",)])
def test_tables_in_ascii(comparison: Path, environment: dict[str, str], options: tuple[str, ...]) -> None:
    done = mmbench("show", comparison, *options, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("ascii")
    assert "zwe\\xefte" in shown or "zwe\\u00efte" in shown
    if not options:
        assert "made - side (2 classes) - protocol subject" in shown


def test_tables_in_latin1_and_utf8(comparison: Path) -> None:
    shown = mmbench("show", comparison, PYTHONIOENCODING="latin-1").stdout.decode("latin-1")
    assert "zweïte" in shown
    assert "made · side" in shown
    assert "made · side" in mmbench("show", comparison, PYTHONIOENCODING="utf-8").stdout.decode()


def test_errors_in_ascii() -> None:
    done = mmbench("run", "nosuch", "mfeat", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.startswith(b"mmbench: no method 'nosuch' - choose from ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("how", "code", "expected"),
    [
        (">/dev/full", 2, b"mmbench: the output cannot be written (No space left on device)"),
        (">&-", 0, b""),
        ("2>&-", 0, b""),
        ("2>/dev/full", 0, b""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_streams_that_are_closed_or_full(comparison: Path, how: str, code: int, expected: bytes) -> None:
    done = mmbench("show", comparison, how=how)
    assert done.returncode == code
    assert done.stderr.startswith(expected)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == (1 if expected else 0)


def test_exit_code_is_kept_if_stderr_is_closed() -> None:
    assert mmbench("run", "nosuch", "mfeat", how="2>&-").returncode == 2


def test_a_reader_that_has_gone(comparison: Path) -> None:
    done = mmbench("list", how="| head -c 1")
    assert done.stderr == b""


def test_signs_and_letters() -> None:
    assert make_plain("a · b — 1.0 × µV … é ²") == "a - b - 1.0 x uV ... \\xe9 (2)"
