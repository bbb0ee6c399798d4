"""Tasks in several processes; one whose process dies is tried again alone, and no more than a few times."""

import os
import sys
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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
"""Times that the process of a task may die before the task counts as failed."""


class ProcessDiedError(WorkerError):
    """A process that a task had to itself was killed."""

    def __init__(
        self,
        message: str = "a process died at work, perhaps for want of memory",
        *,
        where: object = None,
        remedy: str = "run the same command again: what was finished is kept",
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)


def in_processes(
    jobs: int, function: Callable[..., T], tasks: Iterable[Task], threads: int | None = None
) -> Iterator[T]:
    """Call ``function`` with the arguments of each task and yield what it returns, as it comes.

    One job stays in this process. Raises WorkerError when a task's process was killed time and again, most often for
    want of memory.
    """
    for _, found in try_in_processes(jobs, function, tasks, threads):
        if isinstance(found, WorkerError):
            raise found
        yield found


def try_in_processes(
    jobs: int, function: Callable[..., T], tasks: Iterable[Task], threads: int | None = None
) -> Iterator[tuple[int, T | WorkerError]]:
    """As `in_processes`, but with the number of each task, and a WorkerError for one that could not be done.

    A task is begun again when a process dies, with what it had finished lost. ``threads`` are those of numerical
    libraries in each process, None for a fair share of the cores.
    """
    left = dict(enumerate(tasks))
    if jobs == 1 or not can_use_processes():
        for at, arguments in left.items():
            yield at, run_with_retries(threads, function, *arguments)
        return
    deaths: Counter[int] = Counter()
    while left:
        # One whose process died is tried with all the memory to itself, and with nobody else to blame.
        alone = next((at for at in left if deaths[at]), None)
        batch = left if alone is None else {alone: left[alone]}
        with TemporaryDirectory(prefix="mmbench-") as marks:
            try:
                for at, found in _in_pool(jobs, function, dict(batch), threads, Path(marks)):
                    if isinstance(found, ProcessDiedError):
                        deaths[at] += 1
                        continue
                    del left[at]
                    yield at, found
            except BrokenProcessPool:
                begun = [at for at in left if (Path(marks) / str(at)).exists()]
                deaths.update(begun or list(left)[:1])
        for at in [at for at in left if deaths[at] == DEATHS]:
            del left[at]
            yield at, make_killed_error()


@cache
def can_use_processes() -> bool:
    """Whether work can be shared by processes; said once where not, as with a /dev/shm that may only be read."""
    from joblib._multiprocessing_helpers import mp

    if mp is None:
        current_reporter().message(
            "the system lends no semaphores (is /dev/shm read-only?): all is done in one process"
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
    """Call ``function`` with each item in a pool and yield what it returns, in order.

    Beside the item whose result is waited for, no more than ``ahead`` are begun, so that what waits is bounded;
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


def make_killed_error() -> WorkerError:
    """What is said of a task whose process died too often."""
    return WorkerError(
        f"a worker process died {DEATHS} times over it, perhaps for want of memory",
        remedy="run the same command again with fewer --jobs: what was finished is kept",
    )


def run_with_retries(threads: int | None, function: Callable[..., T], *arguments: object) -> T | WorkerError:
    """As `call_with_threads`, repeated up to `DEATHS` times when its own process dies; then a WorkerError is returned."""
    for _ in range(DEATHS):
        try:
            return call_with_threads(threads, function, *arguments)
        except ProcessDiedError:
            continue
    return make_killed_error()


def call_with_threads(threads: int | None, function: Callable[..., T], *arguments: object) -> T:
    """Call a function with no more threads in BLAS and OpenMP than asked for; None leaves them as they are."""
    if threads is None:
        return function(*arguments)
    import scipy.linalg  # noqa: F401 - its BLAS is not numpy's, and one that is loaded later knows no limit

    with _find_libraries(len(sys.modules)).limit(limits=threads):
        return function(*arguments)


@lru_cache(maxsize=1)
def _find_libraries(_: int) -> Any:
    """The numerical libraries of this process; looked for again when modules, and perhaps libraries, were loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _in_pool(
    jobs: int, function: Callable[..., T], tasks: Mapping[int, Task], threads: int | None, marks: Path
) -> Iterator[tuple[int, T | ProcessDiedError]]:
    here = os.getpid()
    calls = (
        delayed(_marked)(here, marks / str(at), at, threads, function, *arguments) for at, arguments in tasks.items()
    )
    with parallel_config(backend="loky", inner_max_num_threads=threads):
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    with warnings.catch_warnings():
        # A worker that has grown by 300 MB, as by its first training, is replaced: nothing to mend. Where warnings
        # are errors, this one would end the thread that replaces it, and everybody would wait for ever.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
        yield from parallel(calls)


def _marked(
    master: int, mark: Path, at: int, threads: int | None, function: Callable[..., T], *arguments: object
) -> tuple[int, T | ProcessDiedError]:
    """Call a function, with a mark on the disk for as long as it runs: whose process died has left his.

    Nothing is begun for a ``master`` process that was killed: the one that is started after it does the work.
    """
    if master not in (os.getpid(), os.getppid()):
        os._exit(0)
    mark.touch()
    try:
        return at, call_with_threads(threads, function, *arguments)
    except ProcessDiedError as error:
        return at, error
    finally:
        mark.unlink(missing_ok=True)
