"""Isolated calls: results, state that does not survive, and processes that end early."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import PluginError, SpecError
from mmbench.integrity.isolation import run_isolated
from mmbench.results.failures import concerns_one_job, make_failure
from mmbench.storage.processes import DEATHS, ProcessDiedError, ProcessEndedError, run_with_retries
from mmbench.storage.remote_errors import RemoteError, describe_error

Send = Callable[[Any], None]
LEFT: list[int] = []


def ignore(_: object) -> None:
    pass


def add(send: Send, one: int, other: int) -> int:
    send(one)
    send(other)
    return one + other


def leave(_: Send) -> int:
    LEFT.append(1)
    return len(LEFT)


def nest(_: Send) -> tuple[int, int, bool]:
    """What two calls in a call leave to each other, and whether they were forks of this process."""
    first, second = (run_isolated(leave, listen=ignore) for _ in range(2))
    return first, second, run_isolated(parent, listen=ignore) == os.getpid()


def parent(_: Send) -> int:
    return os.getppid()


def inherit(_: Send, name: str) -> tuple[str | None, str, int]:
    return os.environ.get(name), os.getcwd(), len(sys.path)  # noqa: PTH109


def break_down(_: Send, error: Exception) -> None:
    raise error


def break_own(_: Send, name: str) -> None:
    """An error of a class that another process cannot import."""
    base = {"SpecError": SpecError, "ValueError": ValueError}[name]
    error: Exception = type("OwnError", (base,), {"__module__": "mmbench_file_plugin"})("does not fit")
    raise error


def die(_: Send) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def send_forever(send: Send) -> None:
    while True:
        send(os.getpid())


def answer_with_a_function(_: Send) -> object:
    return lambda: None


@pytest.mark.parametrize("forks", [True, False])
def test_results_and_sent_values_come_back(forks: bool) -> None:
    received: list[int] = []
    assert run_isolated(add, 2, 3, listen=received.append, forks=forks) == 5
    assert received == [2, 3]


def test_nothing_is_left_to_the_next_call() -> None:
    assert [run_isolated(leave, listen=ignore) for _ in range(2)] == [1, 1]
    assert not LEFT
    assert run_isolated(nest, listen=ignore) == (1, 1, True)


def test_the_surroundings_are_those_of_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for value in ("one", "two"):
        monkeypatch.setenv("MMBENCH_TEST_SURROUNDINGS", value)
        found = run_isolated(inherit, "MMBENCH_TEST_SURROUNDINGS", listen=ignore)
        assert found == (value, str(tmp_path), len(sys.path))


def test_errors_keep_their_type() -> None:
    with pytest.raises(PluginError, match=r"^there: opens what is closed — mend it$"):
        run_isolated(break_down, PluginError("opens what is closed", where="there", remedy="mend it"), listen=ignore)
    with pytest.raises(SpecError, match="does not fit"):
        run_isolated(break_own, "SpecError", listen=ignore)
    with pytest.raises(RemoteError) as caught:
        run_isolated(break_own, "ValueError", listen=ignore)
    assert describe_error(caught.value) == "OwnError: does not fit"
    assert "in break_own" in make_failure("concat", "0", 0, caught.value).traceback
    with pytest.raises(RemoteError) as caught:
        run_isolated(break_down, MemoryError("1 TB"), listen=ignore)
    assert describe_error(caught.value).startswith("out of memory")


@pytest.mark.parametrize("forks", [True, False])
def test_a_process_that_is_killed_is_reported(forks: bool) -> None:
    with pytest.raises(ProcessDiedError) as caught:
        run_isolated(die, listen=ignore, forks=forks)
    assert not concerns_one_job(caught.value), "the job is begun again"
    assert run_isolated(add, 1, 1, listen=ignore) == 2


def leave_with(_: Send, code: int) -> None:
    os._exit(code)


def crash(_: Send) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize("forks", [True, False])
@pytest.mark.parametrize("code", [0, 3, 113])
def test_a_process_that_ends_itself_is_not_taken_for_a_full_memory(forks: bool, code: int) -> None:
    with pytest.raises(ProcessEndedError, match="its process ended itself with exit code") as caught:
        run_isolated(leave_with, code, listen=ignore, forks=forks)
    assert "memory" not in caught.value.line
    assert concerns_one_job(caught.value), "it would end itself again"
    assert run_isolated(add, 1, 1, listen=ignore) == 2


@pytest.mark.parametrize("forks", [True, False])
def test_a_crash_is_named_by_its_signal(forks: bool) -> None:
    with pytest.raises(ProcessDiedError, match=r"a worker process crashed \(SIGSEGV\)"):
        run_isolated(crash, listen=ignore, forks=forks)


def test_what_dies_each_time_is_given_up() -> None:
    tries: list[int] = []

    def call() -> None:
        tries.append(1)
        run_isolated(die, listen=ignore)

    found = run_with_retries(None, call)
    assert len(tries) == DEATHS
    assert "died 3 times" in str(found)


def test_who_stops_listening_ends_the_process() -> None:
    pids: list[int] = []

    def listen(pid: int) -> None:
        pids.append(pid)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_isolated(send_forever, listen=listen)
    while is_alive(pids[0]):  # SIGKILL is on its way
        time.sleep(0.01)
    assert run_isolated(add, 1, 2, listen=ignore) == 3


def test_a_call_of_a_process_that_was_killed_ends() -> None:
    code = "import test_isolation as t; t.run_isolated(t.send_slowly, listen=lambda pid: print(pid, flush=True))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parent, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    while is_alive(pid):
        time.sleep(0.01)


def send_slowly(send: Send) -> None:
    """Would go on for ever if what it meets were an error like any other."""
    while True:
        with suppress(Exception):
            send(os.getpid())
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for yet does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(RemoteError, match="answer_with_a_function"):
        run_isolated(answer_with_a_function, listen=ignore)
