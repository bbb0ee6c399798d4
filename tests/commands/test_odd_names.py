"""Names of files that are too long or not UTF-8, and a machine without semaphores: it works, or one line says why."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib._multiprocessing_helpers as helpers
import pytest

from mmbench import DataError, PluginError
from mmbench.data.preparation import Preparation, prepare
from mmbench.registry.plugin_files import load_plugin_file
from mmbench.registry.specs import parse_spec
from mmbench.storage import processes as workers
from mmbench.storage.processes import in_processes
from mmbench.storage.progress import SilentReporter, use_reporter

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
ODD = os.fsdecode(b"b\xff[x]")


@pytest.mark.parametrize("words", [("show", "x" * 300), ("data", "check", "toy", "--plugin", TOY, "--data", "x" * 300)])
def test_a_name_that_is_too_long(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "mmbench", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("the name is too long — choose a shorter one\n")
    assert done.stderr.count("\n") == 1


def test_a_folder_whose_name_is_not_utf8(toy_people: Path, tmp_path: Path) -> None:
    home = shutil.copytree(toy_people, tmp_path / ODD)
    assert len(prepare(Preparation(parse_spec("toy"), home, tmp_path / f"cache{ODD}", (TOY,)))) == 48


def test_a_unit_whose_name_is_not_utf8(toy_people: Path, tmp_path: Path) -> None:
    home = shutil.copytree(toy_people, tmp_path / "people")
    (home / "s0.txt").rename(home / f"{ODD}.txt")
    with pytest.raises(DataError, match=r"b\\udcff\[x\]: its name is not UTF-8 — rename it"):
        prepare(Preparation(parse_spec("toy"), home, tmp_path / "cache", (TOY,)))


def test_a_plugin_whose_name_is_not_utf8(tmp_path: Path) -> None:
    shutil.copy(TOY, tmp_path / f"{ODD}.py")
    with pytest.raises(PluginError, match="its name is not UTF-8"):
        load_plugin_file(str(tmp_path / f"{ODD}.py"))
    (tmp_path / ODD).mkdir()
    shutil.copy(TOY, tmp_path / ODD / "größe.py")
    assert load_plugin_file(str(tmp_path / ODD / "größe.py")).Toy


class Heard(SilentReporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def test_without_semaphores_all_is_done_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "mp", None)
    workers.can_use_processes.cache_clear()
    heard = Heard()
    try:
        with use_reporter(heard):
            found = [list(in_processes(2, os.getpid, [(), ()])) for _ in range(2)]
    finally:
        workers.can_use_processes.cache_clear()
    assert found == [[os.getpid()] * 2] * 2
    assert len(heard.lines) == 1
    assert "/dev/shm" in heard.lines[0]
