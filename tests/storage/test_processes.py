"""Processes that die at work, and the threads of those that live."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.errors import DataError, WorkerError
from mmbench.storage.processes import in_processes, map_in_threads, try_in_processes

GROWING = """
import os, sys, time
from mmbench.storage.processes import in_processes

def grow(megabytes, seconds):
    sys.__dict__.setdefault("kept", []).append(b"x" * (megabytes * 1_000_000))
    time.sleep(seconds)  # loky looks at the size of a worker once a second
    return os.getpid()

if __name__ == "__main__":
    # Whoever grows in a task that is not its first goes: six take at least three.
    workers = list(in_processes(2, grow, [(1, 0.1)] * 2 + [(400, 1.2)] * 6))
    print(len(workers), len(set(workers)) > 2)
"""


@pytest.fixture
def mortal(tmp_path: Path) -> Callable[[str, int], str]:
    """A function that is killed the first times it is called with a name, as often as told, and logs each call."""

    def die(name: str, deaths: int) -> str:
        with (tmp_path / name).open("a") as log:
            log.write(".")
        if len((tmp_path / name).read_text()) <= deaths:
            time.sleep(0.2)  # for the others to begin
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.5)
        return name

    return die


def test_whose_process_died_is_known(mortal: Any, tmp_path: Path) -> None:
    tasks = [("good", 0), ("unlucky", 2), ("deadly", 9), ("late", 0)]
    found = dict(try_in_processes(2, mortal, tasks))
    assert {at: found[at] for at in (0, 1, 3)} == {0: "good", 1: "unlucky", 3: "late"}
    assert isinstance(found[2], WorkerError)
    assert "died 3 times" in found[2].line
    calls = {path.name: len(path.read_text()) for path in tmp_path.iterdir()}
    assert calls["deadly"] == 3
    assert calls["unlucky"] == 3


@pytest.mark.parametrize("code", [0, 3])
def test_who_ends_itself_is_not_tried_again(tmp_path: Path, code: int) -> None:
    def leave(name: str) -> str:
        with (tmp_path / name).open("a") as log:
            log.write(".")
        if name == "leaver":
            os._exit(code)
        return name

    found = dict(try_in_processes(2, leave, [("leaver",), ("good",)]))
    assert found[1] == "good"
    assert isinstance(found[0], WorkerError)
    if code:  # of a worker that ends with 0, loky only says that it is gone
        assert f"its process ended itself with exit code {code}" in found[0].line


def test_who_reads_a_mapped_page_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    """What no program can prevent: the file is cut short between looking at its length and reading it."""

    def read(name: str) -> int:
        path = tmp_path / name
        is_first = not path.exists()
        path.write_bytes(bytes(8192))
        mapped = np.memmap(path, mode="r")
        if is_first:
            os.truncate(path, 0)
        return int(mapped.sum())

    assert sorted(try_in_processes(2, read, [("one",), ("two",)])) == [(0, 0), (1, 0)]


def test_where_nothing_may_be_missing_it_is_an_error(mortal: Any) -> None:
    with pytest.raises(WorkerError, match="a worker process died"):
        list(in_processes(2, mortal, [("good", 0), ("deadly", 9)]))


@pytest.mark.parametrize("jobs", [1, 2])
def test_other_errors_are_raised_as_they_are(jobs: int) -> None:
    def fail(name: str) -> None:
        raise DataError("broke", where=name)

    with pytest.raises(DataError, match="s1: broke"):
        list(in_processes(jobs, fail, [("s1",)]))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("threads", [1, 3])
def test_numerical_libraries_use_the_requested_threads(jobs: int, threads: int) -> None:
    def count() -> int:
        from scipy import linalg
        from threadpoolctl import threadpool_info

        linalg.svd(np.eye(50))
        return max(pool["num_threads"] for pool in threadpool_info())

    # On few cores it may be fewer.
    assert all(1 <= most <= threads for most in in_processes(jobs, count, [()] * 2, threads))


def test_a_worker_that_has_grown_is_replaced_though_warnings_are_errors() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GROWING], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["8", "True"], "")


ORPHANED = """
import os, signal, time
from pathlib import Path
from mmbench.storage.processes import in_processes

def work(name):
    Path(os.environ["BEGUN"], name).touch()
    time.sleep(1)
    if name == "0":
        os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1)

if __name__ == "__main__":
    list(in_processes(2, work, [(name,) for name in "0123"]))
"""


def test_nothing_is_begun_for_a_process_that_was_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "BEGUN": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ORPHANED], env=environment, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    time.sleep(4)
    assert {"0"} <= {path.name for path in tmp_path.iterdir()} <= {"0", "1"}


def test_threads_give_results_in_order_and_are_not_far_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    def work(number: int) -> int:
        time.sleep(0.01 * (number % 3))
        return -number

    for at, found in enumerate(map_in_threads(work, items(), 3)):
        assert found == -at
        assert len(taken) <= at + 4
    assert taken == list(range(20))


def test_threads_end_with_the_first_error_or_the_generator() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    results = map_in_threads(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert len(begun) <= 6
    begun.clear()
    results = map_in_threads(work, range(10, 1000), 2)
    assert next(results) == 10
    results.close()
    assert len(begun) <= 3
