"""Jobs on a real Dask scheduler and two workers, each a process of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import JobError, SpecError
from mmbench.storage.progress import use_reporter
from mmbench.workflows.audit import audit_spec
from mmbench.workflows.request import RunSpec

pytest.importorskip("distributed")

HERE = Path(__file__).parents[1] / "plugins"
PLUGINS = (str(HERE / "toy_plugin.py"), str(HERE / "faulty_plugin.py"))


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Start]]:
    """The address of a scheduler with two workers, and what starts another one. A task may lose one worker."""
    folder = tmp_path_factory.mktemp("dask")
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str, within: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        command = [*within, sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
        with (folder / f"{name}.log").open("ab") as log:
            environ = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
            processes.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ))
        return processes[-1]

    def start_worker(threads: int = 1, within: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        file = str(folder / "scheduler.json")
        return start("worker", "--scheduler-file", file, "--nthreads", str(threads), "--no-dashboard", within=within)

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json")
    try:
        for _ in range(2):
            start_worker()
        yield _address(folder / "scheduler.log"), start_worker
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            process.wait(timeout=30)


@pytest.fixture
def cluster(started: tuple[str, Start]) -> str:
    """The address of the scheduler once its two workers are there: those that died are started again by Dask."""
    _wait_for_workers(started[0], 2)
    return started[0]


@pytest.fixture
def stranger(started: tuple[str, Start], cluster: str) -> Callable[..., AbstractContextManager[None]]:
    """A third worker, started with other options or within another command, while a block runs."""

    @contextmanager
    def join(**options: Any) -> Iterator[None]:
        process = started[1](**options)
        try:
            _wait_for_workers(cluster, 3)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
            _wait_for_workers(cluster, 2)

    return join


def _wait_for_workers(address: str, number: int) -> None:
    from distributed import Client

    deadline = time.monotonic() + 60
    with Client(address, set_as_default=False) as client:
        while len(client.scheduler_info(n_workers=-1)["workers"]) != number:
            assert time.monotonic() < deadline
            time.sleep(0.1)


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


@pytest.fixture
def toy(toy_people: Path, tmp_path: Path) -> dict[str, Any]:
    """Options of every command, but for where its records go."""
    given: dict[str, Any] = {"data": toy_people, "cache": tmp_path / "shelf", "plugins": PLUGINS, "jobs": 1}
    return {**given, "folds": 2, "training": {"epochs": 1}, "diagnose": "no"}


CARD = """
title = "facts tell the side"
dataset = "toy"
task = "side"
metric = "accuracy"
[[reported]]
name = "paper"
value = 0.9
protocol = "subject"
how = "people held out"
source = "nobody 2020"
[[rows]]
name = "people held out"
method = "mine"
protocol = "subject"
folds = 2
"""
PLUGIN = """
from pathlib import Path
from mmbench import Method, Training, hookimpl

@hookimpl
def register_methods(register):
    training = Training(epochs=1, batch_size=16)
    register(Method("mine", "concat", {"timeseries": "spectrum", "vector": "raw"}, training, claims=Path(FOLDER)))
"""


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
    assert "raises ZeroDivisionError: an oversight in two lines" in failure.error


def test_a_worker_that_is_not_as_we_are_is_refused(
    run: Callable[..., Any], cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmbench.execution.dask_cluster._describe_environment", lambda plugins: {"torch": "0.1"})
    with pytest.raises(SpecError, match=r"--cluster: worker tcp://127.0.0.1:\d+ has torch .*, not 0.1"):
        run("out", "concat", cluster=cluster)


def test_where_no_scheduler_answers_it_is_one_line(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.execution.dask_cluster._PATIENCE", 1)
    with pytest.raises(SpecError, match=r"--cluster tcp://127\.0\.0\.1:9: no scheduler answers there"):
        run("out", "concat", cluster="tcp://127.0.0.1:9")


class Shown:
    """Remembers what is shown."""

    def __init__(self) -> None:
        self.bars: list[tuple[str, int | None]] = []
        self.notes: list[str] = []

    def start(self, label: str, total: int | None) -> int:
        self.bars.append((label, total))
        return len(self.bars)

    def advance(self, key: int, note: str = "") -> None:
        self.notes.append(note)

    def finish(self, key: int) -> None:
        pass

    def message(self, text: str) -> None:
        pass


def test_epochs_of_distant_jobs_are_shown(run: Callable[..., Any], cluster: str) -> None:
    shown = Shown()
    with use_reporter(shown):
        run("out", "concat", cluster=cluster)
    assert {("folds", 2), ("concat · fold 0", 2), ("concat · fold 1", 2)} <= set(shown.bars)
    assert sum(note.startswith("validation ") for note in shown.notes) == 4


def test_tuning_continues_after_loss_of_a_worker(run: Callable[..., Any], cluster: str, tmp_path: Path) -> None:
    folder = tmp_path / "accidents"
    folder.mkdir()
    serial = run("serial", f"faulty[folder={folder}]", tune=2)
    (folder / "kill-0").touch()
    remote = run("remote", f"faulty[folder={folder}]", tune=2, cluster=cluster)
    assert not list(folder.iterdir())
    assert logits(remote) == logits(serial)
    assert [trials(record) for record in remote.methods[0].records] == [
        trials(record) for record in serial.methods[0].records
    ]


def trials(record: Any) -> list[tuple[Any, ...]]:
    found = record.tuning["trials"]
    assert len(found) == 2
    return [tuple(trial[name] for name in ("number", "params", "state", "score", "loss", "epoch")) for trial in found]


def bare(plain: Any) -> Any:
    """A result as plain values without times, costs and places."""
    if isinstance(plain, dict):
        unlike = ("seconds", "cost", "records", "path", "out", "folder", "command", "run", "jobs", "cluster")
        return {name: bare(value) for name, value in plain.items() if name not in unlike}
    return [bare(value) for value in plain] if isinstance(plain, list) else plain


def tune(toy: dict[str, Any]) -> Any:
    return mmbench.tune("late", "toy", tune=2, modalities=["facts"], **toy).to_json()


def ablate(toy: dict[str, Any]) -> Any:
    return mmbench.ablate("concat", "toy", only=["modalities"], encoders={"signal": "spectrum"}, **toy).to_json()


def audit(toy: dict[str, Any]) -> Any:
    spec = RunSpec("concat", "toy", encoders={"signal": "spectrum"}, protocol="subject", **toy)
    return audit_spec(spec, full=True, trainings=2).to_json()


def claim(toy: dict[str, Any]) -> Any:
    home = toy["out"].parent / "claims"
    home.mkdir(exist_ok=True)
    (home / "card.toml").write_text(CARD)
    (home / "mine.py").write_text(PLUGIN.replace("FOLDER", repr(str(home))))
    kept = {name: toy[name] for name in ("data", "cache", "out", "jobs", "cluster")}
    return mmbench.claim("mine", plugins=(PLUGINS[0], str(home / "mine.py")), run=True, **kept).to_json()


@pytest.mark.parametrize("command", [tune, ablate, audit, claim])
def test_every_command_gives_its_trainings_to_the_cluster(
    toy: dict[str, Any],
    cluster: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[dict[str, Any]], Any],
) -> None:
    serial = command({**toy, "out": tmp_path / "serial", "cluster": None})
    with monkeypatch.context() as patch:
        patch.setattr(
            "mmbench.execution.schedule.try_in_processes", lambda *arguments: pytest.fail("nothing is trained here")
        )
        remote = command({**toy, "out": tmp_path / "remote", "cluster": cluster})
    assert bare(remote) == bare(serial)


def test_a_worker_that_runs_several_jobs_at_once_is_refused(
    run: Callable[..., Any], cluster: str, stranger: Callable[..., AbstractContextManager[None]]
) -> None:
    with (
        stranger(threads=2),
        pytest.raises(SpecError, match=r"worker tcp://\S+ runs 2 jobs in one process — start it with --nthreads 1"),
    ):
        run("out", "concat", cluster=cluster)


def elsewhere(command: str) -> tuple[str, ...]:
    """A shell that runs a command as if on another machine, and then the worker."""
    return ("unshare", "--mount", "--uts", "sh", "-c", f'{command} && exec "$@"', "sh")


def needs(command: str) -> None:
    if subprocess.run([*elsewhere(command), "true"], check=False, capture_output=True).returncode:
        pytest.skip("no worker can be put elsewhere here")


def test_a_worker_that_does_not_see_the_folders_is_refused(
    run: Callable[..., Any], cluster: str, stranger: Callable[..., AbstractContextManager[None]], tmp_path: Path
) -> None:
    hide = f"mount -t tmpfs tmpfs {tmp_path}"
    needs(hide)
    with (
        stranger(within=elsewhere(hide)),
        pytest.raises(SpecError, match=r"does not see \S+ — put --out and --cache on a disk that all machines share"),
    ):
        run("out", "concat", cluster=cluster)
    assert not list(tmp_path.rglob(".mmbench-probe-*"))


def test_sqlite_is_for_one_machine(
    run: Callable[..., Any], cluster: str, stranger: Callable[..., AbstractContextManager[None]]
) -> None:
    rename = "hostname another"
    needs(rename)
    with stranger(within=elsewhere(rename)):
        with pytest.raises(SpecError, match=r"is another machine, and SQLite is for one — name a PostgreSQL database"):
            run("out", "concat", tune=1, cluster=cluster)
        assert run("out", "concat", cluster=cluster).failed == {}


def test_a_job_that_takes_each_worker_with_it_fails(run: Callable[..., Any], cluster: str, tmp_path: Path) -> None:
    for at in range(9):
        (tmp_path / f"kill-{at}").touch()
    with pytest.raises(JobError, match=r"all 2 jobs failed, .*a worker process died 3 times"):
        run("out", f"faulty[folder={tmp_path}]", cluster=cluster)
    for left in tmp_path.glob("kill-*"):
        left.unlink()
    _wait_for_workers(cluster, 2)
    assert run("out", f"faulty[folder={tmp_path}]", cluster=cluster).failed == {}
