"""Disks that are full or read-only: one line, nothing half written is read, and the run goes on once there is room.

Root writes where permissions forbid it, so that a folder is closed by its disk. In containers that may not mount, these
are skipped; the same errors are raised by hand in `test_files.py` and `test_preparation.py`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import StorageError

PLUGINS = (str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py"),)
LARGE = "size=64m"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="disks are mounted by root on Linux"
)


class Disk:
    """A disk in memory, mounted at ``path``."""

    def __init__(self, path: Path, options: str) -> None:
        self.path = path
        path.mkdir()
        self._mount(options)

    def change(self, options: str) -> None:
        self._mount(f"remount,{options}")

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Disk]]:
    made: list[Disk] = []

    def make(options: str) -> Disk:
        made.append(Disk(tmp_path / "disk", options))
        return made[-1]

    yield make
    for each in made:
        subprocess.run(["umount", "--lazy", each.path], check=True)


@pytest.fixture
def run(toy_people: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        options = {"out": tmp_path / "runs", "cache": tmp_path / "shelf", "tune": 1, **options}
        options = {"folds": 2, "training": {"epochs": 1}, "encoders": {"signal": "spectrum"}, "jobs": 1, **options}
        return mmbench.run("concat", "toy", data=toy_people, plugins=PLUGINS, diagnose="no", **options)

    return run


@pytest.fixture(scope="module")
def wanted(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The logits of the run where there is room."""
    home = tmp_path_factory.mktemp("room")
    options: dict[str, Any] = {"encoders": {"signal": "spectrum"}, "jobs": 1, "tune": 1, "diagnose": "no"}
    options |= {"data": toy_people, "plugins": PLUGINS, "out": home / "runs", "cache": home / "shelf"}
    return logits(mmbench.run("concat", "toy", folds=2, training={"epochs": 1}, **options))


def logits(comparison: Any) -> list[Any]:
    return [record.logits for method in comparison.methods for record in method.records]


def is_one_line(error: StorageError) -> bool:
    return "\n" not in error.line and bool(error.where) and bool(error.remedy)


@pytest.mark.parametrize("size", ["40k", "300k"])
def test_records_on_a_disk_that_is_full(
    disk: Callable[[str], Disk], run: Callable[..., Any], wanted: list[Any], size: str
) -> None:
    small = disk(f"size={size}")
    with pytest.raises(StorageError, match="full") as caught:
        run(out=small.path)
    assert is_one_line(caught.value)
    for record in small.path.rglob("*.json"):
        json.loads(record.read_text())
    small.change(LARGE)
    assert logits(run(out=small.path)) == wanted
    assert not list(small.path.rglob(".part-*"))


@pytest.mark.parametrize("size", ["4k", "130k"])
def test_a_cache_on_a_disk_that_is_full(
    disk: Callable[[str], Disk], run: Callable[..., Any], wanted: list[Any], size: str
) -> None:
    small = disk(f"size={size}")
    with pytest.raises(StorageError, match="full") as caught:
        run(cache=small.path)
    assert is_one_line(caught.value)
    small.change(LARGE)
    assert logits(run(cache=small.path)) == wanted
    assert not list(small.path.rglob(".part-*"))


@pytest.mark.parametrize("what", ["out", "cache"])
def test_a_disk_that_is_read_only(
    disk: Callable[[str], Disk], run: Callable[..., Any], wanted: list[Any], what: str
) -> None:
    closed = disk("ro,size=64m")
    with pytest.raises(StorageError, match=r"cannot be written — choose a folder you may write to") as caught:
        run(**{what: closed.path})
    assert is_one_line(caught.value)
    assert str(closed.path) in str(caught.value.where)
    closed.change(f"rw,{LARGE}")
    assert logits(run(**{what: closed.path})) == wanted


def test_a_disk_that_becomes_read_only_halfway(
    disk: Callable[[str], Disk], run: Callable[..., Any], wanted: list[Any]
) -> None:
    shared = disk(LARGE)
    run(out=shared.path, folds=2, seeds=1, tune=None)
    shared.change("ro")
    with pytest.raises(StorageError, match="cannot be written"):
        run(out=shared.path)
    shared.change(f"rw,{LARGE}")
    assert logits(run(out=shared.path)) == wanted
