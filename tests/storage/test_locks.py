"""Disks without file locks: everything works, it is said once, and nothing of another writer is removed."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy.exc import IntegrityError, OperationalError

from mmbench import StorageError
from mmbench.storage import locks
from mmbench.storage.files import is_in_use, is_lock_held, lock_for, locked
from mmbench.storage.progress import SilentReporter, use_reporter
from mmbench.tuning.study_storage import check_study_storage, default_storage_url
from mmbench.workflows.cache import clean_cache

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
# Answers each lock as such a disk does: flock, which mmbench and HDF5 take, and those of SQLite.
NO_LOCKS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
static int refuse(void) { errno = atoi(getenv("NOLOCK")); return -1; }
static int is_lock(int cmd) {
  return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}
int flock(int fd, int how) { (void)fd; (void)how; return refuse(); }
#define REFUSING(name) \
  int name(int fd, int cmd, ...) { \
    va_list rest; va_start(rest, cmd); void *argument = va_arg(rest, void *); va_end(rest); \
    if (is_lock(cmd)) return refuse(); \
    return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, #name))(fd, cmd, argument); }
REFUSING(fcntl)
REFUSING(fcntl64)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is loaded before all else so that no file can be locked."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "nolock.c").write_text(NO_LOCKS)
    command = ["cc", "-shared", "-fPIC", "nolock.c", "-o", "nolock.so", "-ldl"]
    if sys.platform != "linux" or not shutil.which("cc") or subprocess.run(command, cwd=folder, check=False).returncode:
        pytest.skip("needs a C compiler on Linux")
    return folder / "nolock.so"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be locked in this process."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    monkeypatch.setattr(locks, "_reported", set())
    monkeypatch.setattr(locks, "_supported", set())


def run(home: Path, people: Path, *more: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = ["run", "concat", "toy", "--plugin", TOY, "--data", str(people), "--encoder", "signal=spectrum"]
    options = ["--folds", "2", "--training", "epochs=1", "--tune", "2", "--diagnose", "no", "--json", *more]
    places = ["--out", str(home / "runs"), "--cache", str(home / "cache")]
    return subprocess.run(
        [sys.executable, "-m", "mmbench", *command, *options, *places],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def scores(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return [method["scores"] for method in json.loads(done.stdout)["methods"]]


@pytest.fixture(scope="module")
def wanted(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return scores(run(tmp_path_factory.mktemp("locks"), toy_people, "--jobs", "1"))


@pytest.mark.parametrize(("number", "jobs"), [(37, "2"), (38, "1"), (95, "1"), (524, "1")])
def test_a_run_on_a_disk_without_locks(
    library: Path, toy_people: Path, wanted: Any, tmp_path: Path, number: int, jobs: str
) -> None:
    environment = {"LD_PRELOAD": str(library), "NOLOCK": str(number)}
    done = run(tmp_path, toy_people, "--jobs", jobs, **environment)
    assert scores(done) == wanted
    assert "Traceback" not in done.stderr
    assert done.stderr.count("on a disk without file locks: two processes could write") == 1
    # Lock files of the first are still there.
    assert scores(run(tmp_path, toy_people, "--jobs", jobs, **environment)) == wanted


class Heard(SilentReporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.usefixtures("refused")
def test_what_another_writer_has_begun_stays(tmp_path: Path) -> None:
    begun = tmp_path / ".part-01234567-mine"
    begun.touch()
    lock_for(tmp_path / "mine").path.touch()  # as an earlier process leaves it
    with use_reporter(Heard()), locked(tmp_path / "mine"), locked(tmp_path / "other"):
        assert not is_lock_held(lock_for(tmp_path / "mine"))
    assert begun.exists()


@pytest.mark.usefixtures("refused")
def test_missing_locks_are_reported_once(tmp_path: Path) -> None:
    heard = Heard()
    with use_reporter(heard), locked(tmp_path / "mine"), locked(tmp_path / "other"):
        pass
    assert len(heard.lines) == 1
    assert heard.lines[0].startswith(f"{tmp_path} is on a disk without file locks")


@pytest.mark.usefixtures("refused")
def test_a_cache_that_may_be_used_is_not_cleaned(tmp_path: Path) -> None:
    assert not is_in_use(tmp_path)
    (tmp_path / ".using-1-abc").touch()
    with pytest.raises(StorageError, match="may be in use") as caught:
        clean_cache(tmp_path, everything=True)
    assert caught.value.remedy == "delete the mark if no run uses this cache"


@pytest.mark.usefixtures("refused")
def test_tables_that_another_process_makes_at_the_same_moment_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = default_storage_url(tmp_path)

    class Late(RDBStorage):
        """Finds that there are no tables; before it makes them, another has made them."""

        openings = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            Late.openings += 1
            if Late.openings == 1:
                RDBStorage(*args, **options)
                raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed: alembic_version.version_num"))
            super().__init__(*args, **options)

    monkeypatch.setattr(optuna.storages, "RDBStorage", Late)
    check_study_storage(url)
    assert Late.openings == 2


def test_a_storage_that_never_opens_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> RDBStorage:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(optuna.storages, "RDBStorage", fail)
    with pytest.raises(StorageError, match="disk I/O error"):
        check_study_storage(default_storage_url(tmp_path))
