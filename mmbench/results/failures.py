"""Failed jobs: one file each next to the records, until the record exists.

Failures are reported, not cached: the same command runs the job again.
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
    """A failed job of ``method``: its ``error`` in one line, and the ``traceback`` if it is a bug."""

    method: str
    fold: str
    seed: int
    error: str
    traceback: str = ""

    @property
    def line(self) -> str:
        """Method, fold, seed and error in one line."""
        return f"{self.method} · fold {self.fold}" + (f" · seed {self.seed}" if self.seed else "") + f": {self.error}"


def concerns_one_job(error: Exception) -> bool:
    """Whether the other jobs can go on: a failed training or a bug, but no invalid input."""
    if isinstance(error, ProcessDiedError):  # the job is restarted
        return False
    return not isinstance(error, UserError) or isinstance(error, TrainingError | WorkerError)


def make_failure(method: str, fold: str, seed: int, error: Exception) -> Failure:
    """The failure of a job; frees memory after an out-of-memory error."""
    if is_out_of_memory(error):
        free_memory()
    return Failure(method, fold, seed, describe_error(error), format_traceback(error))


def write_failure(result: Path, failure: Failure) -> None:
    """Write a failure next to the path of the job's ``result``."""
    write_text(failure_path(result), json.dumps(asdict(failure), indent=2) + "\n")


def delete_failure(result: Path) -> None:
    """Delete the failure file of a result, if there is one."""
    failure_path(result).unlink(missing_ok=True)


def failure_path(result: Path) -> Path:
    """Path of the failure file of a result."""
    return result.with_name(f"{_PREFIX}{result.name}")


def find_failures(folder: Path, seeds: int | None = None, kind: str = "fold") -> tuple[Failure, ...]:
    """Failures in a folder without a result, sorted by path, of all or the first ``seeds`` seeds.

    ``kind`` is the prefix of the results' file names. Raises RecordError for a damaged file.
    """
    found = [_read(path) for path in _find_unresolved(folder, kind)]
    return tuple(failure for failure in found if seeds is None or failure.seed < seeds)


def describe_failures(failures: Sequence[Failure]) -> str:
    """The number of failed folds of a method and the first error, in one line."""
    count = "1 fold" if len(failures) == 1 else f"{len(failures)} folds"
    return f"{count} failed, fold {failures[0].fold} with: {failures[0].error}"


def make_all_failed_error(lost: Mapping[Path, Sequence[Failure]]) -> JobError:
    """The error if every job failed; ``lost`` are the failures by folder of the run."""
    folder, failures = next(iter(lost.items()))
    n_failed = sum(map(len, lost.values()))
    count = "the only job" if n_failed == 1 else f"all {n_failed} jobs"
    return JobError(
        f"{count} failed, the first with: {failures[0].error}"
        if n_failed > 1
        else f"{count} failed: {failures[0].error}",
        where=f"{failures[0].method}, fold {failures[0].fold}",
        remedy=f"fix the cause and run the same command again; details are in {folder}/{_PREFIX}*.json",
    )


def _find_unresolved(folder: Path, kind: str) -> Iterator[Path]:
    for path in sorted(folder.glob(f"{_PREFIX}{kind}-*.json")):
        if not path.with_name(path.name.removeprefix(_PREFIX)).exists():
            yield path


def _read(path: Path) -> Failure:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Failure).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise RecordError(f"is not a failure file ({reason})", where=path, remedy="delete it") from error
