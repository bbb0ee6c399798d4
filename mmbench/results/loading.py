"""Comparisons from the files of their records: those of a run, of a folder of runs, or that a file lists."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.results.comparison import Comparison
from mmbench.results.compatibility import check_comparable, check_records, check_run_list
from mmbench.results.failures import find_failures, make_all_failed_error
from mmbench.results.method_labels import NamedRun, make_distinct_names
from mmbench.results.method_result import MethodResult
from mmbench.results.records import Record, find_records, read_record
from mmbench.results.run_list import find_comparison_files
from mmbench.storage import check_printable, describe_parse_error, load_object


def load_comparison(path: Path | str) -> Comparison:
    """Load a comparison from its file, the newest file in the folder of its runs, or the folder of a run.

    Of a folder of runs with the same splits and without a file, all are compared, and none is the reference.
    Raises RecordError where there are none.
    """
    path = Path(path)
    if path.is_file():
        return _load_listed(path)
    if _is_run(path):
        return compare(path, [path])
    if files := find_comparison_files(path):
        return _load_listed(files[0])
    folders = sorted(folder for folder in path.glob("*") if folder.is_dir() and _is_run(folder))
    if not folders:
        problem = "holds no records" if path.exists() else "no such file or folder"
        remedy = "give a path that mmbench run printed; mmbench show FOLDER lists them"
        raise RecordError(problem, where=path, remedy=remedy)
    found = compare(path, folders)
    best_first = sorted(found.methods, key=lambda method: -method.orient(method.score.mean))
    return replace(found, methods=tuple(best_first), has_reference=False)


def compare(path: Path, folders: Sequence[Path], seeds: int | None = None) -> Comparison:
    """The comparison of runs, with the first ``seeds`` seeds (None: all).

    Raises RecordError unless samples, task and splits are the same, JobError if all jobs failed.
    """
    found = {folder: find_failures(folder, seeds) for folder in folders}
    lost = {folder: failures for folder, failures in found.items() if failures and not _records(folder, seeds)}
    if len(lost) == len(folders):
        raise make_all_failed_error(lost)
    methods = tuple(load_method(folder, seeds) for folder in folders if folder not in lost)
    check_comparable({method.folder: method.records for method in methods})
    named = [NamedRun(method.name, method.folder, method.run, len(method.seeds)) for method in methods]
    named += [NamedRun(failures[0].method, folder, {}, 0) for folder, failures in lost.items()]
    names = make_distinct_names(named)
    methods = tuple(replace(method, label=name) for method, name in zip(methods, names, strict=False))
    by_name = dict(zip(names[len(methods) :], lost.values(), strict=True))
    return Comparison(path, methods, by_name, headless=folders[0] in lost)


def load_method(folder: Path, seeds: int | None = None) -> MethodResult:
    """Load the records of one run, of all or the first ``seeds`` seeds."""
    records = _records(folder, seeds)
    if not records:
        raise RecordError("holds no records", where=folder, remedy="give the path that mmbench run printed")
    check_records(folder, records)
    return MethodResult(folder, records[0].run, records, find_failures(folder, seeds))


def _records(folder: Path, seeds: int | None) -> tuple[Record, ...]:
    records = (read_record(path) for path in find_records(folder))
    return tuple(record for record in records if seeds is None or record.seed < seeds)


def _load_listed(path: Path) -> Comparison:
    try:
        listed = load_object(path)
        runs, seeds = listed["runs"], listed["seeds"]
        check_run_list(runs, seeds)
        check_printable(runs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(
            f"is not a comparison ({describe_parse_error(error)})",
            where=path,
            remedy="give the path that mmbench run printed",
        ) from error
    return compare(path, [path.parent / name for name in runs], seeds)


def _is_run(folder: Path) -> bool:
    return any(find_records(folder)) or bool(find_failures(folder))
