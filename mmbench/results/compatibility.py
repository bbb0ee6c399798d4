"""Checks that records belong together: those of one run, and those of runs that are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.results.consistency import find_contradictions, find_repeated
from mmbench.results.record_schema import check_run
from mmbench.results.records import Record, record_path
from mmbench.storage import describe_parse_error
from mmbench.tuning import parse_tuning

_SHARED = ("dataset", "prepared", "task", "fingerprint", "folds")
_SHARED_IN_RUN = (*_SHARED, "method", "classes")
_LONGEST = 255  # bytes of a file name
_DELETE_FOLDER = "delete the folder and run the same command again"
_DELETE_FILE = "delete the file and run the same command again"


def check_records(folder: Path, records: Sequence[Record]) -> None:
    """Raise RecordError unless records are complete, of one run, and each of a different fold or seed."""
    run = records[0].run
    try:
        check_run(run)
        for record in records:
            if len(record.logits[0]) != len(run["classes"]):
                raise ValueError("its records have logits for a different number of classes")
            if record.tuning is not None:
                parse_tuning(record.tuning)
            if wrong := [name for name in _SHARED_IN_RUN if record.run.get(name) != run[name]]:
                raise ValueError(f"the records of its folds differ in {wrong[0]}")
        if len({(record.fold, record.seed) for record in records}) < len(records):
            raise ValueError("it has two records of one fold")
        if wrong := list(find_repeated(records)):
            raise ValueError(wrong[0])
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise RecordError(
            f"is not a run ({describe_parse_error(error)})", where=folder, remedy=_DELETE_FOLDER
        ) from error
    for record in records:
        for line in find_contradictions(record):
            path = record_path(folder, record.fold, record.seed)
            raise RecordError(f"contradicts itself: {line}", where=path, remedy=_DELETE_FILE)


def check_comparable(runs: Mapping[Path, Sequence[Record]]) -> None:
    """Raise RecordError unless runs have the same samples, task and splits."""
    (first, (reference, *_)), *others = runs.items()
    for folder, records in others:
        for name in _SHARED:
            if records[0].run[name] != reference.run[name]:
                raise RecordError(
                    f"{name} is {records[0].run[name]}, but {reference.run[name]} in {first.name}",
                    where=folder,
                    remedy="compare runs over the same data, task and splits",
                )
    samples: dict[str, tuple[object, ...]] = {}
    for folder, records in runs.items():
        for record in records:
            mine = (record.ids, record.labels, record.units)
            if samples.setdefault(record.fold, mine) != mine:
                message = f"fold {record.fold} differs in samples, labels or units from the same fold of another record"
                raise RecordError(message, where=folder, remedy=_DELETE_FOLDER)
        if len(samples) > int(reference.run["folds"]):
            message = f"has more folds than the {reference.run['folds']} of its splits"
            raise RecordError(message, where=folder, remedy=_DELETE_FOLDER)


def check_run_list(runs: Sequence[str], seeds: int) -> None:
    """Raise ValueError unless a file lists folders of runs next to it and a number of seeds."""
    if not runs or not all(map(_is_beside, runs)):
        raise ValueError("it does not list folders of runs next to it")
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise ValueError("it has no number of seeds")


def _is_beside(name: object) -> bool:
    return isinstance(name, str) and Path(name).name == name and len(name.encode()) <= _LONGEST
