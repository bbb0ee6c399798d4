"""Tasks in several processes; a task whose process dies is repeated alone, up to three times."""

import os
import re
import signal
import sys
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from joblib import Parallel, cpu_count, delayed, parallel_config

from mmbench.errors import WorkerError
from mmbench.storage.progress import current_reporter

S = TypeVar("S")
T = TypeVar("T")
Task = tuple[object, ...]

DEATHS = 3
"""Number of times the process of a task may die before the task counts as failed."""


class ProcessDiedError(WorkerError):
    """The process of a task was killed."""

    def __init__(
        self,
        message: str = "a worker process died, perhaps for lack of memory",
        *,
        where: object = None,
        remedy: str = "run the same command again: finished work is kept",
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)


class ProcessEndedError(WorkerError):
    """The process of a task ended itself, which is not tried again."""


@contextmanager
def named_ends(where: str) -> Iterator[None]:
    """Name what ran in a process that ended itself, where its error names nothing."""
    try:
        yield
    except ProcessEndedError as error:
        if error.where:
            raise
        raise ProcessEndedError(error.message, where=where, remedy=error.remedy) from None


def make_death_error(code: int | None) -> WorkerError:
    """The error of a process that gave no answer, by its exit code, negative for a signal; None if it is unknown."""
    if code is None or code == -signal.SIGTERM:
        return ProcessDiedError()
    if code >= 0:
        return ProcessEndedError(
            f"its process ended itself with exit code {code}, as os._exit does",
            remedy="correct the plugin or library that ends it",
        )
    name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else f"signal {-code}"
    if code == -signal.SIGKILL:
        return ProcessDiedError(f"a worker process was killed ({name}), perhaps for lack of memory")
    remedy = "correct or update the plugin or library that crashes: finished work is kept"
    return ProcessDiedError(f"a worker process crashed ({name})", remedy=remedy)


def in_processes(
    jobs: int, function: Callable[..., T], tasks: Iterable[Task], threads: int | None = None
) -> Iterator[T]:
    """Call ``function`` with the arguments of each task and yield its results in order of completion.

    With one job, all tasks run in this process. Raises WorkerError when the process of a task was killed repeatedly,
    most often for lack of memory.
    """
    for _, found in try_in_processes(jobs, function, tasks, threads):
        if isinstance(found, WorkerError):
            raise found
        yield found


def try_in_processes(
    jobs: int, function: Callable[..., T], tasks: Iterable[Task], threads: int | None = None
) -> Iterator[tuple[int, T | WorkerError]]:
    """As `in_processes`, but yields the index of each task too, and a WorkerError as the result of one that failed.

    When a process dies, its task starts again from the beginning. ``threads`` is the number of threads of numerical
    libraries in each process, None for an equal share of the cores.
    """
    left = dict(enumerate(tasks))
    if jobs == 1 or not can_use_processes():
        for at, arguments in left.items():
            yield at, run_with_retries(threads, function, *arguments)
        return
    deaths: Counter[int] = Counter()
    last: dict[int, WorkerError] = {}
    while left:
        # A task whose process died runs alone: it has all the memory, and another death is surely its own.
        alone = next((at for at in left if deaths[at]), None)
        batch = left if alone is None else {alone: left[alone]}
        with TemporaryDirectory(prefix="mmbench-") as marks:
            try:
                for at, found in _in_pool(jobs, function, dict(batch), threads, Path(marks)):
                    if isinstance(found, ProcessDiedError):
                        deaths[at] += 1
                        last[at] = found
                        continue
                    del left[at]
                    yield at, found
            except BrokenProcessPool as error:
                started = [at for at in left if (Path(marks) / str(at)).exists()] or list(left)[:1]
                deaths.update(started)
                if len(started) == 1:
                    last[started[0]] = make_death_error(_find_exit_code(error))
        for at in [at for at in left if deaths[at] == DEATHS or isinstance(last.get(at), ProcessEndedError)]:
            del left[at]
            found_last = last.get(at)
            yield at, found_last if isinstance(found_last, ProcessEndedError) else make_killed_error(found_last)


def _find_exit_code(error: BrokenProcessPool) -> int | None:
    """The exit code that loky reports of the only worker that ended, negative for a signal; None without one."""
    codes = re.findall(r"\w+\((-?\d+)\)", str(error).rpartition("exit codes")[2])
    return int(codes[0]) if len(codes) == 1 else None


@cache
def can_use_processes() -> bool:
    """Whether the system can run several processes; a message is printed once if it cannot."""
    from joblib._multiprocessing_helpers import mp

    if mp is None:
        current_reporter().message(
            "the system has no semaphores (is /dev/shm read-only?): all work runs in one process"
        )
    return mp is not None


def map_in_threads(
    function: Callable[[S], T], items: Iterable[S], threads: int | None = None
) -> Generator[T, None, None]:
    """As `map_in_order`, in ``threads`` threads (None: one per core); ``function`` should release the GIL."""
    threads = threads or cpu_count()
    with ThreadPoolExecutor(threads) as pool:
        yield from map_in_order(pool, function, items, threads)


def map_in_order(
    pool: Executor, function: Callable[[S], T], items: Iterable[S], ahead: int
) -> Generator[T, None, None]:
    """Call ``function`` with each item in a pool and yield its results in order.

    At most ``ahead`` items are submitted beyond the one whose result is due, which bounds the results in memory;
    ``items`` are taken in the thread of the caller.
    """
    waiting: deque[Future[T]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def make_killed_error(last: WorkerError | None = None) -> WorkerError:
    """The error of a task whose process died `DEATHS` times, the ``last`` of them with a signal."""
    if last is not None and "crashed" in last.message:
        return WorkerError(f"{last.message} {DEATHS} times", remedy=last.remedy)
    return WorkerError(
        f"a worker process died {DEATHS} times, perhaps for lack of memory",
        remedy="run the same command again with fewer --jobs: finished work is kept",
    )


def run_with_retries(threads: int | None, function: Callable[..., T], *arguments: object) -> T | WorkerError:
    """As `call_with_threads`, repeated when its own process dies; after `DEATHS` times the result is a WorkerError."""
    last: WorkerError | None = None
    for _ in range(DEATHS):
        try:
            return call_with_threads(threads, function, *arguments)
        except ProcessEndedError as error:
            return error
        except ProcessDiedError as error:
            last = error
    return make_killed_error(last)


def call_with_threads(threads: int | None, function: Callable[..., T], *arguments: object) -> T:
    """Call a function with at most ``threads`` threads in BLAS and OpenMP; None leaves them as they are."""
    if threads is None:
        return function(*arguments)
    import scipy.linalg  # noqa: F401 - it has a BLAS of its own, and a library that is loaded later ignores the limit

    with _find_libraries(len(sys.modules)).limit(limits=threads):
        return function(*arguments)


@lru_cache(maxsize=1)
def _find_libraries(_: int) -> Any:
    """The numerical libraries of this process; searched for again when the number of loaded modules changes."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _in_pool(
    jobs: int, function: Callable[..., T], tasks: Mapping[int, Task], threads: int | None, marks: Path
) -> Iterator[tuple[int, T | WorkerError]]:
    here = os.getpid()
    calls = (
        delayed(_marked)(here, marks / str(at), at, threads, function, *arguments) for at, arguments in tasks.items()
    )
    with parallel_config(backend="loky", inner_max_num_threads=threads):
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    with warnings.catch_warnings():
        # joblib replaces a worker that has grown by 300 MB, as in its first training, and warns. Where warnings are
        # errors, this one would end the thread that replaces the worker, and the program would hang.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
        yield from parallel(calls)


def _marked(
    master: int, mark: Path, at: int, threads: int | None, function: Callable[..., T], *arguments: object
) -> tuple[int, T | WorkerError]:
    """Call a function, with a mark file while it runs: a mark that remains is of a process that died.

    Nothing is started for a ``master`` process that was killed: the next run does the work.
    """
    if master not in (os.getpid(), os.getppid()):
        os._exit(0)
    mark.touch()
    try:
        return at, call_with_threads(threads, function, *arguments)
    except (ProcessDiedError, ProcessEndedError) as error:
        return at, error
    finally:
        mark.unlink(missing_ok=True)
