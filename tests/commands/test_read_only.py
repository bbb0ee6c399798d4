"""Folders that may only be read: a complete cache serves every command, one that is not is refused in one line.

Permissions do not hold for root: the command runs without the capability to ignore them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
RUN = (
    "run",
    "concat",
    "toy",
    "--plugin",
    TOY,
    "--encoder",
    "signal=spectrum",
    "--folds",
    "2",
    "--training",
    "epochs=1",
)
BOUND = "-dac_override,-dac_read_search,-fowner"


def mmbench(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mmbench", *map(str, words)]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root ignores permissions, and there is no setpriv")
        command = ["setpriv", f"--bounding-set={BOUND}", f"--inh-caps={BOUND}", *command]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def change(folder: Path, mode: str) -> None:
    subprocess.run(["chmod", "-R", mode, folder], check=True)


@pytest.fixture(scope="module")
def complete(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which nothing is missing for ``RUN``."""
    home = tmp_path_factory.mktemp("complete")
    done = mmbench(*RUN, "--data", toy_people, "--cache", home / "cache", "--out", home / "runs", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    return home / "cache"


@pytest.fixture
def cache(complete: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it to be closed, which is opened again at the end."""
    copy = shutil.copytree(complete, tmp_path / "cache")
    yield copy
    change(copy, "u+w")


def error_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_a_complete_cache_that_may_only_be_read(cache: Path, toy_people: Path, tmp_path: Path) -> None:
    (cache / "digests.json").unlink()
    change(cache, "a-w")
    places = ("--data", toy_people, "--cache", cache)
    for _ in range(2):  # trained, and found
        done = mmbench(*RUN, *places, "--out", tmp_path / "runs", "--jobs", "2")
        assert done.returncode == 0, done.stderr
    done = mmbench("data", "prepare", "toy", "--plugin", TOY, *places)
    assert done.returncode == 0, done.stderr
    assert not (cache / "digests.json").exists()


def test_bundled_dataset_needs_no_folder_in_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    change(cache, "a-w")
    done = mmbench("data", "check", "mfeat", "--cache", cache)
    assert done.returncode == 0, done.stderr


def test_an_incomplete_cache_that_may_only_be_read(cache: Path, toy_people: Path, tmp_path: Path) -> None:
    change(cache, "a-w")
    line = error_line(
        mmbench("data", "prepare", "toy[windows=3]", "--plugin", TOY, "--data", toy_people, "--cache", cache)
    )
    assert f"{cache}/prepared/toy-" in line
    assert line.endswith("cannot be written — choose a folder you may write to (--out, --cache)")
    line = error_line(mmbench("run", "concat", "deap-sim", "--cache", cache, "--out", tmp_path / "runs"))
    assert "cannot be written" in line


def test_a_damaged_cache_that_may_only_be_read(cache: Path, toy_people: Path) -> None:
    (path,) = cache.glob("prepared/toy-*.h5")
    spoilt = bytearray(path.read_bytes())
    spoilt[3000] ^= 1
    path.write_bytes(spoilt)
    change(cache, "a-w")
    line = error_line(mmbench("data", "prepare", "toy", "--plugin", TOY, "--data", toy_people, "--cache", cache))
    assert "its bytes changed after it was written), and its folder is read-only — name another folder" in line
    assert str(path) in line


def test_a_cache_that_may_only_be_read_cannot_be_cleaned(cache: Path) -> None:
    change(cache, "a-w")
    assert "cannot be written" in error_line(mmbench("cache", "clean", "--all", "--cache", cache))


def test_records_in_a_folder_that_may_only_be_read(cache: Path, toy_people: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    out.mkdir()
    change(out, "a-w")
    line = error_line(mmbench(*RUN, "--data", toy_people, "--cache", cache, "--out", out))
    assert f"mmbench: {out}" in line
    assert "cannot be written — choose a folder you may write to" in line
