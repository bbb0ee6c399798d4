"""Tasks in several processes, with one clear error where a process dies."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from joblib import Parallel, delayed

from mmbench.errors import WorkerError

T = TypeVar("T")


def in_processes(jobs: int, function: Callable[..., T], tasks: Iterable[tuple[object, ...]]) -> Iterator[T]:
    """Call ``function`` with the arguments of each task and yield what it returns, as it comes.

    One job stays in this process. Raises WorkerError when a process was killed, most often for want of memory.
    """
    calls = (delayed(function)(*arguments) for arguments in tasks)
    try:
        with warnings.catch_warnings():
            # A worker that has grown by 300 MB, as by its first training, is replaced: nothing to mend. Where warnings
            # are errors, this one would end the thread that replaces it, and everybody would wait for ever.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
            yield from Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(calls)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died, perhaps for want of memory",
            where="--jobs",
            remedy="run the same command again with fewer jobs: what was finished is kept",
        ) from error
