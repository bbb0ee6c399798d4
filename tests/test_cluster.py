"""Jobs on a real Dask scheduler and two workers, each a process of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import SpecError

pytest.importorskip("distributed")

HERE = Path(__file__).parent
PLUGINS = (str(HERE / "toy_plugin.py"), str(HERE / "faulty_plugin.py"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
        with (folder / f"{name}.log").open("ab") as log:
            started.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json")
    try:
        for _ in range(2):
            start("worker", "--scheduler-file", "scheduler.json", "--nthreads", "1", "--no-dashboard")
        yield _address(folder / "scheduler.log")
    finally:
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            process.wait(timeout=30)


def _address(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = log.read_text() if log.exists() else ""
        if text.count("Register worker") == 2 and (found := re.search(r"Scheduler at:\s+(tcp://\S+)", text)):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture
def run(toy_people: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(out: str, *methods: str, **options: Any) -> Any:
        options = {"folds": 2, "training": {"epochs": 2, "batch_size": 7}, "jobs": 1, "plugins": PLUGINS, **options}
        options = {"modalities": ["facts"], "encoders": {"facts": "raw"}, "out": tmp_path / out, **options}
        return mmbench.run(methods[0], "toy", methods[1:], data=toy_people, cache=tmp_path / "shelf", **options)

    return run


def logits(comparison: Any) -> list[Any]:
    return [record.logits for method in comparison.methods for record in method.records]


def test_a_cluster_gives_the_same_bits_though_a_worker_is_killed(
    run: Callable[..., Any], cluster: str, tmp_path: Path
) -> None:
    folder = tmp_path / "accidents"
    folder.mkdir()
    methods = ("concat", f"faulty[folder={folder}]")
    serial = run("serial", *methods)
    (folder / "kill-0").touch()
    remote = run("remote", *methods, cluster=cluster)
    assert not list(folder.iterdir())
    assert remote.failed == {}
    assert logits(remote) == logits(serial)
    assert remote.run["key"] == serial.run["key"]


def test_a_bug_on_a_worker_fails_one_job(run: Callable[..., Any], cluster: str, tmp_path: Path) -> None:
    (tmp_path / "bug-0").touch()
    comparison = run("out", f"faulty[folder={tmp_path}]", cluster=cluster)
    (failure,) = comparison.methods[0].failures
    assert failure.error == "ZeroDivisionError: an oversight in two lines"


def test_a_worker_that_is_not_as_we_are_is_refused(
    run: Callable[..., Any], cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmbench.cluster._portray", lambda plugins: {"torch": "0.1"})
    with pytest.raises(SpecError, match=r"--cluster: worker tcp://127.0.0.1:\d+ has torch .*, not 0.1"):
        run("out", "concat", cluster=cluster)


def test_where_no_scheduler_answers_it_is_one_line(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.cluster._PATIENCE", 1)
    with pytest.raises(SpecError, match=r"--cluster tcp://127\.0\.0\.1:9: no scheduler answers there"):
        run("out", "concat", cluster="tcp://127.0.0.1:9")
