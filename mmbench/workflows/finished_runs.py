"""Finished runs: the comparison of a repeated request, found without loading its components or torch.

A note beside the records names the comparison of a request whose folds all have records. The name of the note is a
digest of what decides the result: the options, the files of mmbench and its plugins, the installed packages, the GPUs.
The dataset's files are compared by their digests, and the records are read and checked as always. Whatever a note does
not cover is resolved and planned as a new request.
"""

import json
import os
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmbench.data import FOLDS_FILE, Preparation, describe_preparation
from mmbench.errors import UserError
from mmbench.registry import Spec, find_code, load_registry
from mmbench.results import Comparison, check_data_agreement, load_comparison
from mmbench.storage import (
    FileResolver,
    current_reporter,
    digest,
    file_stamp,
    ignore_unwritable,
    key_digest,
    load_object,
    write_text,
)
from mmbench.workflows.request import RunSpec, with_absolute_paths


@dataclass(frozen=True)
class StartedRun:
    """The key of the note of a request as it is when it starts, and the time in ns since the epoch.

    A run may take days, in which its plugins are edited: a note of the new files must not stand for results of the old.
    """

    key: Mapping[str, Any]
    time: int

    @property
    def name(self) -> str:
        """The name of the note."""
        return f".finished-{digest(self.key)[:16]}.json"

    def is_current(self) -> bool:
        """Whether the files and packages of the key are those of the start."""
        sources: Mapping[str, Any] = self.key["sources"]
        return _stamp_files(map(Path, sources)) == sources and sorted(_installed()) == self.key["packages"]


def start_run(spec: RunSpec) -> StartedRun:
    """The start of a run, by which a finished one is found, and noted at its end."""
    return StartedRun(_make_key(spec), time.time_ns())


@dataclass(frozen=True)
class FinishedRun:
    """What a request came to: its files, the key of its prepared data, its comparison, and the lines it printed."""

    preparation: Preparation
    prepared: str
    comparison: Comparison
    lines: Sequence[str]


def find_finished_run(spec: RunSpec, started: StartedRun) -> Comparison | None:
    """The comparison of an equal request that is complete and unchanged; None if there is none."""
    if not _is_covered(spec):
        return None
    try:
        path = next(with_absolute_paths(spec).out.glob(f"*/{started.name}"), None)
        note = load_object(path) if path else {}
        if not path or not _is_unchanged(note, path.parent):
            return None
        comparison = load_comparison(path.with_name(note["comparison"]))
        lines, n = [str(line) for line in note["lines"]], sum(note["records"])
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return None
    if _count_records(comparison) != note["records"] or comparison.failed:
        return None
    for line in (*lines, f"{n} of {n} folds have records and are kept"):
        current_reporter().message(line)
    with ignore_unwritable():
        os.utime(comparison.path)  # of several comparisons in a folder, the newest is shown
    check_data_agreement(comparison, spec.cache)
    return comparison


def note_finished_run(spec: RunSpec, started: StartedRun, finished: FinishedRun) -> None:
    """Write the note of a complete request, unless what decides its result is unknown or has changed.

    Unknown are files that parameters name, and code that is computed; code may have changed since it was loaded.
    """
    comparison = finished.comparison
    is_complete = not (comparison.failed or any(method.missing for method in comparison.methods))
    if not (_is_covered(spec) and is_complete) or any(_names_files(method.run) for method in comparison.methods):
        return
    codes = [find_code(each) for each in load_registry(spec.plugins).classes_of(spec.plugins)]
    if any(code.unknown or not code.is_current() for code in codes):
        return
    # What plugins import in functions, and read beside them, is no loaded module of this process.
    modules = _other_modules().union(*(code.paths for code in codes)) - set(map(Path, started.key["sources"]))
    if not started.is_current() or any(_is_newer(path, started.time) for path in modules):
        return
    note = {
        "comparison": comparison.path.name,
        "records": _count_records(comparison),
        "preparation": asdict(finished.preparation),
        "prepared": finished.prepared,
        "modules": _stamp_files(modules),
        "lines": list(finished.lines),
    }
    with ignore_unwritable():
        write_text(comparison.path.with_name(started.name), json.dumps(note, default=str))


def _is_covered(spec: RunSpec) -> bool:
    """Whether a request does nothing but compare, with what is on this machine."""
    return not (spec.save_encoders or spec.cluster or spec.tune_storage or spec.weights == "keep")


def _count_records(comparison: Comparison) -> list[int]:
    return [len(method.records) for method in comparison.methods]


def _names_files(described: object) -> bool:
    """Whether the description of a run holds digests of files that parameters name."""
    if isinstance(described, Mapping):
        return "files" in described or any(_names_files(value) for value in described.values())
    return False


def _make_key(spec: RunSpec) -> dict[str, Any]:
    """All that decides the result of a request, but its data and the modules of its plugins' neighbours."""
    options = asdict(with_absolute_paths(spec))
    del options["jobs"]  # no result depends on it
    gpus = sorted(map(str, Path("/dev").glob("nvidia*")))
    return {
        "options": json.loads(json.dumps(options, default=str)),
        "sources": _stamp_files((*_own_sources(spec.plugins), *_preset_file(spec))),
        "packages": sorted(_installed()),
        "machine": [*gpus, os.environ.get("CUDA_VISIBLE_DEVICES"), sys.version, os.environ.get("PYTHONPATH")],
        "dataset": os.path.realpath(spec.dataset),  # where its name is a relative path or a link
        "settings": {name: value for name, value in os.environ.items() if name.startswith("MMBENCH_")},
    }


def _stamp_files(paths: Iterable[Path]) -> dict[str, list[Any] | None]:
    """Stamps by path; None for a file that is not there, which the run itself then refuses by its name."""
    return {str(path): file_stamp(path) if path.is_file() else None for path in paths}


def _preset_file(spec: RunSpec) -> list[Path]:
    """The file of a preset that is not a plugin's."""
    return [path for path in (Path(spec.preset),) if path.is_file()] if spec.preset else []


def _own_sources(plugins: Iterable[str]) -> Iterator[Path]:
    """The files of mmbench, of the packages of its plugins, and of plugin files."""
    modules = {point.value.partition(":")[0].partition(".")[0] for point in entry_points(group="mmbench")}
    for name in sorted({"mmbench", *modules}):
        found = find_spec(name)
        for folder in (found.submodule_search_locations or ()) if found else ():
            yield from _files(Path(folder))
    yield from map(Path, plugins)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(parent, name) for name in sorted(names))


def _installed() -> Iterator[str]:
    """Names and versions of the installed packages, from the names of their folders."""
    for folder in map(Path, sys.path):
        if folder.is_dir():
            yield from (entry.name for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info")))


def _other_modules() -> set[Path]:
    """Files of loaded modules that are neither installed nor part of Python: a plugin may import its neighbours."""
    resolve = FileResolver()
    names = ("stdlib", "purelib", "platlib")
    covered = tuple(f"{Path(sysconfig.get_path(name)).resolve()}{os.sep}" for name in names)
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    paths = {resolve(file) for file in files if isinstance(file, str)}
    return {Path(path) for path in paths if not path.startswith(covered) and Path(path).is_file()}


def _is_newer(path: Path, time_ns: int) -> bool:
    """Whether a file was changed or removed after a time."""
    try:
        stat = path.stat()
    except OSError:
        return True
    return max(stat.st_mtime_ns, stat.st_ctime_ns) > time_ns


def _is_unchanged(note: Mapping[str, Any], home: Path) -> bool:
    """Whether the dataset's files, the other modules and the folds are those of the note."""
    if _stamp_files(map(Path, note["modules"])) != note["modules"]:
        return False
    if not (home / FOLDS_FILE).is_file():
        return False
    prepared: str = note["prepared"]
    return key_digest(describe_preparation(_read_preparation(note["preparation"]))) == prepared


def _read_preparation(plain: Mapping[str, Any]) -> Preparation:
    units = plain["units"]
    return Preparation(
        Spec(**plain["dataset"]),
        Path(plain["root"]),
        Path(plain["cache"]),
        tuple(plain["plugins"]),
        plain["bad"],
        None if units is None else tuple(units),
    )
