"""Jobs that failed: one file each beside the records, until a record takes its place.

A failure is told, not cached: the same command tries the job again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmbench.errors import JobError, RecordError, TrainingError, UserError, WorkerError
from mmbench.storage import (
    ProcessDiedError,
    describe_error,
    format_traceback,
    free_memory,
    is_out_of_memory,
    write_text,
)

_PREFIX = "failed-"


@dataclass(frozen=True)
class Failure:
    """Why a job left nothing: the ``error`` on one line, with the ``traceback`` where it is a bug.

    ``fold`` and ``seed`` say which job of ``method`` it was.
    """

    method: str
    fold: str
    seed: int
    error: str
    traceback: str = ""

    @property
    def line(self) -> str:
        """What failed and why."""
        return f"{self.method} · fold {self.fold}" + (f" · seed {self.seed}" if self.seed else "") + f": {self.error}"


def is_of_one_job(error: Exception) -> bool:
    """Whether the other jobs may go on: a training that failed, or a bug, but nothing that the user has to mend."""
    if isinstance(error, ProcessDiedError):  # the job is begun again
        return False
    return not isinstance(error, UserError) or isinstance(error, TrainingError | WorkerError)


def make_failure(method: str, fold: str, seed: int, error: Exception) -> Failure:
    """What became of a job; memory is freed where it was missing, for the next one."""
    if is_out_of_memory(error):
        free_memory()
    return Failure(method, fold, seed, describe_error(error), format_traceback(error))


def write_failure(result: Path, failure: Failure) -> None:
    """Write a failure beside where the job would have left its ``result``."""
    write_text(failure_path(result), json.dumps(asdict(failure), indent=2) + "\n")


def forget_failure(result: Path) -> None:
    """Remove the failure that a result takes the place of, if there is one."""
    failure_path(result).unlink(missing_ok=True)


def failure_path(result: Path) -> Path:
    """Where a failure lies: beside the result that there is not."""
    return result.with_name(f"{_PREFIX}{result.name}")


def find_failures(folder: Path, seeds: int | None = None, kind: str = "fold") -> tuple[Failure, ...]:
    """The failures in a folder of which no result has taken the place, in order; of all seeds or the first few.

    ``kind`` is what the names of the results begin with. Raises RecordError for a file that is damaged.
    """
    found = [_read(path) for path in _waiting(folder, kind)]
    return tuple(failure for failure in found if seeds is None or failure.seed < seeds)


def describe_failures(failures: Sequence[Failure]) -> str:
    """How many jobs of a method failed, and the first error, on one line."""
    return f"{len(failures)} folds failed, fold {failures[0].fold} with: {failures[0].error}"


def nothing_left(lost: Mapping[Path, Sequence[Failure]]) -> JobError:
    """What is said where every job failed; ``lost`` are the failures in the folder of each run."""
    folder, failures = next(iter(lost.items()))
    return JobError(
        f"each of {sum(map(len, lost.values()))} jobs failed, the first with: {failures[0].error}",
        where=f"{failures[0].method}, fold {failures[0].fold}",
        remedy=f"mend the cause and run the same command again; what is known is in {folder}/{_PREFIX}*.json",
    )


def _waiting(folder: Path, kind: str) -> Iterator[Path]:
    for path in sorted(folder.glob(f"{_PREFIX}{kind}-*.json")):
        if not path.with_name(path.name.removeprefix(_PREFIX)).exists():
            yield path


def _read(path: Path) -> Failure:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Failure).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise RecordError(f"does not tell a failure ({reason})", where=path, remedy="delete it") from error
