"""Tuning trials in a real PostgreSQL server, as in the package of Debian; skipped if it is not installed."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.errors import StorageError
from mmbench.registry.plugins import load_registry
from mmbench.tuning.study_storage import resolve_storage_url

Opened = Callable[[str], AbstractContextManager[Any]]
TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")


def find_program(name: str) -> str:
    found = shutil.which(name) or max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not installed (Debian: apt-get install postgresql)")
    return str(found)


def as_user() -> list[str]:
    """How to start what refuses to run as root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("there is no user postgres, and PostgreSQL refuses to run as root")
    if not shutil.which("runuser"):
        pytest.skip("there is no runuser, and PostgreSQL refuses to run as root")
    return ["runuser", "-u", "postgres", "--"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty database on a server of our own."""
    pytest.importorskip("psycopg", reason="needs mmbench[postgres]")
    initdb, pg_ctl, prefix = find_program("initdb"), find_program("pg_ctl"), as_user()
    # Not below pytest's folder: the server's user may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="mmbench-postgres-"))

    def call(*arguments: str) -> None:
        # The server keeps what it inherits: with a pipe we would wait for it to end.
        with (folder / "said.txt").open("a") as said:
            done = subprocess.run([*prefix, *arguments], cwd=folder, stdout=said, stderr=said, check=False)
        assert done.returncode == 0, (folder / "said.txt").read_text()

    try:
        if prefix:
            shutil.chown(folder, "postgres")
        port, data = free_port(), str(folder / "data")
        call(initdb, "-D", data, "-U", "tuner", "-A", "trust", "--no-sync")
        call(pg_ctl, "-D", data, "-w", "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -F", "start")
        try:
            yield f"postgresql://tuner:secret@127.0.0.1:{port}/postgres"
        finally:
            call(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("people")
    load_registry((TOY,)).find("datasets", "toy").component().simulate(root, subjects=6, trials=4)
    shelf = tmp_path_factory.mktemp("shelf")
    training = {"epochs": 2, "batch_size": 16}
    return {"folds": 2, "training": training, "jobs": 1, "data": root, "cache": shelf, "plugins": (TOY,), "tune": 3}


def trials(result: Any) -> list[Any]:
    return [replace(trial, seconds=0.0) for method in result.methods for fold in method.folds for trial in fold.trials]


def test_postgres_and_sqlite_keep_the_same_trials(
    server: str, options: dict[str, Any], tmp_path: Path, opened: Opened
) -> None:
    import optuna

    here = mmbench.tune("concat", "toy", out=tmp_path / "sqlite", **options)
    there = mmbench.tune("concat", "toy", out=tmp_path / "server", tune_storage=server, **options)
    assert trials(here) == trials(there)
    fold = there.methods[0].folds[0]
    with opened(resolve_storage_url(server)) as storage:
        study = optuna.load_study(study_name=fold.study, storage=storage)
        assert [trial.value for trial in study.trials] == [trial.score for trial in fold.trials]
    assert there.storage
    assert "secret" not in there.storage
    texts = [path.read_text() for path in (tmp_path / "server").rglob("*.json")]
    assert texts
    assert not any("secret" in text for text in texts)


SECOND = """
import json, sys
from pathlib import Path
import mmbench
options = json.loads(sys.argv[1])
mmbench.tune("late", "toy", **{**options, **{name: Path(options[name]) for name in ("data", "cache", "out")}})
"""


def test_two_machines_share_the_tuning_trials_of_a_fold(
    server: str, options: dict[str, Any], tmp_path: Path, opened: Opened
) -> None:
    import json

    import optuna

    mine = {**options, "tune_storage": server, "out": tmp_path / "mine"}
    theirs = json.dumps({**mine, "out": tmp_path / "theirs"}, default=str)
    other = subprocess.Popen([sys.executable, "-c", SECOND, theirs])
    result = mmbench.tune("late", "toy", **mine)
    assert other.wait(timeout=120) == 0
    assert trials(result) == trials(mmbench.tune("late", "toy", **{**mine, "out": tmp_path / "theirs"}))
    with opened(resolve_storage_url(server)) as storage:
        for fold in result.methods[0].folds:
            assert len(optuna.load_study(study_name=fold.study, storage=storage).trials) == 3


def test_an_unreachable_server_is_reported_at_once(options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="needs mmbench[postgres]")
    url = f"postgresql://tuner:secret@127.0.0.1:{free_port()}/postgres"
    with pytest.raises(StorageError, match="the storage of tuning trials does not answer") as caught:
        mmbench.tune("concat", "toy", out=tmp_path, tune_storage=url, **options)
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.iterdir())
