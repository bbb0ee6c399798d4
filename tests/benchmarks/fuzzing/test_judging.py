"""The judge of readers finds what it is there to find."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzzing.judging import LONGEST

from mmbench import DataError
from mmbench.errors import UserError


class RudeError(UserError):
    """One whose line is whatever it was given."""

    @property
    def line(self):
        return self.message

    def __init__(self, message):
        super().__init__("x", where="f", remedy="y")
        self.message = message


def run_something(_):
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def take_memory(_):
    np.ones(2**26).sum()


def ask_for_too_much(_):
    try:
        raise MemoryError
    except MemoryError as error:
        raise DataError("is damaged", where="f", remedy="mend it") from error


def raises(error):
    def read(_):
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (lambda _: os.system("true"), "ran os.system"),
        (run_something, "ran subprocess.Popen"),
        (lambda _: exec("1"), "ran exec"),
        (lambda _: Path("/etc/hostname").open("a").close(), "ran open"),
        (take_memory, "memory"),
        (ask_for_too_much, "memory at"),
        (raises(KeyError("a")), "KeyError at"),
        (raises(RudeError("a\nb")), "unprintable at"),
        (raises(RudeError("a" * (LONGEST + 1))), "long line at"),
        (raises(DataError("it broke")), "unclear at"),
        (raises(DataError("it broke", where="f")), "unclear at"),
    ],
)
def test_a_reader_that_misbehaves_is_found(bench, monkeypatch, tmp_path, read, kind):
    finding = bench._judge.judge(read, tmp_path)
    assert finding is not None
    assert finding.kind.startswith(kind)


def test_what_was_once_taken_hides_nothing(bench, tmp_path):
    np.ones(2**27).sum()
    assert bench._judge.judge(take_memory, tmp_path).kind == "memory"


@pytest.mark.parametrize("read", [lambda _: 3, raises(DataError("it broke", where="f", remedy="mend it"))])
def test_one_that_reads_or_refuses_is_not(bench, tmp_path, read):
    assert bench._judge.judge(read, tmp_path) is None
