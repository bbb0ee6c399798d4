"""Preparation of a dataset: its files to one HDF5 file, by unit, in parallel, resumed, named by content."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from mmbench.contract import Dataset, Problem, Sample, Schema
from mmbench.data.dataset_files import (
    FOLDER,
    check_dataset_files,
    choose_units,
    find_unreadable_units,
    name_on_shell,
    reading_errors,
)
from mmbench.data.inventory import stamp_other_files, take_inventory
from mmbench.data.merge import merge
from mmbench.data.missingness import Exclusions, change_lines, sum_changes
from mmbench.data.prepared_notes import find_prepared_of, note_prepared, recall_inventory
from mmbench.data.samples.schema import check_schema, schema_to_plain
from mmbench.data.samples.validation import Changes, check_sample
from mmbench.data.source_files import SourceFiles, list_source_files
from mmbench.data.store import Store
from mmbench.data.store_writer import STORE_FORMAT, write_samples
from mmbench.errors import DamagedError, DataError, UserError
from mmbench.registry import Spec, find_code, load_registry
from mmbench.storage import (
    ChecksummedFile,
    KeyParts,
    current_reporter,
    find_nearest_file,
    in_processes,
    key_digest,
    locked,
    make_folder,
    named_ends,
    open_cached,
    remove_stale_files,
    report_damaged,
    track,
    written_whole,
)


@dataclass(frozen=True)
class Preparation:
    """What to prepare: the dataset's spec, its folder ``root``, plugin files and the cache.

    ``bad`` is what happens to unusable samples: ``error`` ends the preparation; ``drop`` leaves them out, and whole
    units of which a file is missing or damaged. ``units`` are those to prepare; None: all.
    """

    dataset: Spec
    root: Path
    cache: Path
    plugins: tuple[str, ...] = ()
    bad: str = "error"
    units: tuple[str, ...] | None = None


def prepare(what: Preparation, jobs: int = 1) -> Store:
    """The prepared dataset, from the cache or made now.

    Units are read in ``jobs`` processes and each is stored when it is finished, so that an interrupted preparation is
    resumed. Raises DataError for missing or damaged files, StorageError if the cache is read-only and lacks it.
    """
    dataset = load_registry(what.plugins).dataset(what.dataset)
    made_from = _check_and_describe(what, dataset)
    path = prepared_path(what, made_from)
    for line in _inventory_lines(what, dataset, made_from, path):
        current_reporter().message(line)
    store = open_cached(path, Store)
    if store is None:
        make_folder(path.parent)
        with locked(path):
            store = find_prepared(path) or _make(what, made_from, path, jobs)
    if dataset.name == FOLDER:
        note_prepared(what.cache, what.root, path)
    return store


def _inventory_lines(what: Preparation, dataset: Dataset, made_from: KeyParts, prepared: Path) -> Sequence[str]:
    """What the user is told of the files, from the note of the prepared file where nothing changed."""
    name = name_on_shell(dataset, what.root)

    def take() -> Sequence[str]:
        inventory = take_inventory(dataset, what.root, tolerant=what.bad == "drop", counted=False)
        return inventory.brief_lines(name)

    files = stamp_other_files(dataset, what.root, made_from["sources"])
    return recall_inventory(what.cache, prepared, {"made_from": made_from, "name": name, "files": files}, take)


def describe_preparation(what: Preparation) -> dict[str, Any]:
    """The parts of the key of the prepared file: everything that the samples depend on.

    Raises DataError for missing or damaged files.
    """
    return _check_and_describe(what, load_registry(what.plugins).dataset(what.dataset))


def check_files(what: Preparation) -> None:
    """Raise DataError about the first problem of the files, unless they are prepared: then they were checked before."""
    dataset = load_registry(what.plugins).dataset(what.dataset)
    if _describe_prepared(what, dataset) is None:
        check_dataset_files(dataset, what.root, what.units, what.bad)


def _check_and_describe(what: Preparation, dataset: Dataset) -> dict[str, Any]:
    made_from = _describe_prepared(what, dataset)
    if made_from is None:
        check_dataset_files(dataset, what.root, what.units, what.bad)
        made_from = _describe(what, dataset)
    return made_from


def _describe_prepared(what: Preparation, dataset: Dataset) -> dict[str, Any] | None:
    """The parts of the key if exactly these files are prepared with ``bad=error``, which accepts no problem."""
    if what.bad != "error":
        return None
    try:
        files = _find_source_files(what, dataset)
        if not files.are_files():
            return None
        made_from = _describe(what, dataset, files)
        return made_from if prepared_path(what, made_from).is_file() else None
    except (UserError, OSError):  # which the check describes better
        return None


def _describe(what: Preparation, dataset: Dataset, files: SourceFiles | None = None) -> dict[str, Any]:
    return {
        "dataset": {
            "name": what.dataset.name,
            "params": load_registry(what.plugins).bound("datasets", what.dataset),
            "version": dataset.version,
            **find_code(type(dataset)).described(),
        },
        "schema": json.loads(json.dumps(schema_to_plain(check_schema(dataset.schema_of(what.root), dataset.name)))),
        "bad": what.bad,
        "format": STORE_FORMAT,
        "sources": (files or _find_source_files(what, dataset)).digests(what.cache),
    }


def _find_source_files(what: Preparation, dataset: Dataset) -> SourceFiles:
    """The files of the units in use; without units of which a file cannot be read, with ``bad=drop``."""
    units = choose_units(dataset, what.root, what.units)
    if what.bad == "drop":
        unreadable = find_unreadable_units(dataset, what.root, units)
        units = [unit for unit in units if unit not in unreadable]
    return list_source_files(dataset, what.root, units)


def prepared_path(what: Preparation, made_from: KeyParts) -> Path:
    """The path of the prepared file with this key."""
    return what.cache / "prepared" / f"{what.dataset.name}-{key_digest(made_from)[:16]}.h5"


def find_prepared(path: Path) -> Store | None:
    """The prepared dataset at ``path``, None if there is none; a damaged file is renamed and reported."""
    if not path.exists():
        return None
    try:
        return Store(path)
    except DamagedError as error:
        report_damaged(path, error.message)
        return None


def source_digests(what: Preparation) -> frozenset[str]:
    """SHA-256 of every source file of a dataset, in hexadecimal."""
    dataset = load_registry(what.plugins).dataset(what.dataset)
    files = list_source_files(dataset, what.root, choose_units(dataset, what.root, what.units))
    return frozenset(value for found in files.digests(what.cache).values() for value in found.values())


def _make(what: Preparation, made_from: KeyParts, path: Path, jobs: int) -> Store:
    name = what.dataset.name
    is_folder = name == FOLDER  # of the user: another folder is other data
    earlier = find_prepared_of(what.cache, what.root) if is_folder else path.parent.glob(f"{name}-*.h5")
    if near := find_nearest_file(made_from, earlier):
        called = what.root if is_folder else name
        current_reporter().message(f"{called} is prepared again; differences to {near.path.name}: {near.line}")
    units = {unit: _unit_file(path.parent, name, made_from, unit) for unit in made_from["sources"]}
    parts = list(units.values())
    remove_stale_files(parts)
    call = token_hex()
    tasks = [
        (what, unit, part, _unit_key(made_from, unit), call) for unit, part in units.items() if not _is_complete(part)
    ]
    work = in_processes(min(jobs, max(len(tasks), 1)), _prepare_unit, tasks)
    with named_ends(f"dataset {name}"):
        for _ in track(work, f"preparing {name}", total=len(tasks)):
            pass
    prepared = {unit: _open_unit(part) for unit, part in units.items()}
    _check_ids(prepared.values(), name)
    exclusions = _find_exclusions(what, prepared)
    n_samples = sum(len(unit.ids) for unit in prepared.values())
    if not n_samples:
        first = next(iter(exclusions.lines), None)
        reason = f"the first exclusion: {first}" if first else "the files hold no sample"
        raise DataError("no usable sample is left", where=what.root, remedy=reason)
    for line in exclusions.describe(n_samples):
        current_reporter().message(line)
    schema = Store(parts[0]).schema
    changes = sum_changes(unit.attributes.get("changes", {}) for unit in prepared.values())
    for line in change_lines(changes, schema):
        current_reporter().message(line)
    about = {
        "key": key_digest(made_from),
        **asdict(exclusions),
        "dataset": str(what.dataset),
        **_describe_changes(changes),
    }
    with written_whole(path) as temporary:
        merge(temporary, parts, schema, about, made_from)
    for part in parts:
        part.unlink(missing_ok=True)
    return Store(path)


def _unit_key(made_from: KeyParts, unit: str) -> dict[str, Any]:
    return {**made_from, "sources": {unit: made_from["sources"][unit]}}


def _unit_file(folder: Path, name: str, made_from: KeyParts, unit: str) -> Path:
    return folder / f".{name}-{key_digest(_unit_key(made_from, unit))[:16]}.unit.h5"


def _is_complete(part: Path) -> bool:
    try:
        Store(part)
        ChecksummedFile(part).check_all()
    except DataError:
        return False
    return True


_BUILT: dict[str, Dataset] = {}


def _build_dataset(what: Preparation, call: str) -> Dataset:
    """The dataset, built once for all units that a process reads during a ``call``: some list whole folders.

    Another call builds another, since files may have changed.
    """
    dataset = _BUILT.get(call)
    if dataset is None:
        dataset = load_registry(what.plugins).dataset(what.dataset)
        _BUILT.clear()
        _BUILT[call] = dataset
    return dataset


def _prepare_unit(what: Preparation, unit: str, part: Path, made_from: KeyParts, call: str) -> None:
    dataset = _build_dataset(what, call)
    schema = dataset.schema_of(what.root)
    dropped: list[DataError] = []
    lost: str | None = None
    changes: Changes = {}
    try:
        samples = list(_read_usable(dataset, what, unit, schema, dropped, changes))
    except DataError as error:
        if what.bad != "drop":
            raise
        samples, dropped, lost, changes = [], [], error.line, {}
    attributes: dict[str, Any] = {
        "unit": unit,
        "dropped": [error.line for error in dropped],
        "lost": lost,
        **_describe_changes(changes),
    }
    with written_whole(part) as temporary:
        write_samples(temporary, samples, schema, attributes, made_from)


def _describe_changes(changes: Changes) -> dict[str, Any]:
    """The attribute of a file that has the changes of its samples; none where nothing was changed."""
    return {"changes": {name: dict(counts) for name, counts in changes.items()}} if changes else {}


def _read_usable(
    dataset: Dataset, what: Preparation, unit: str, schema: Schema, dropped: list[DataError], changes: Changes
) -> Iterator[Sample]:
    """The usable samples of a unit, as they are stored; their changes are counted in ``changes``.

    The errors of unusable ones are listed in ``dropped`` or, with ``bad=error``, raised. Two samples with one id are an
    error of the unit: nothing says which of them is right.
    """
    seen: set[str] = set()
    with reading_errors(what.root):
        for sample in dataset.read(what.root, unit):
            try:
                if isinstance(sample, DataError):
                    raise sample
                stored = check_sample(sample, schema, changes)
            except DataError as error:
                if what.bad != "drop":
                    raise
                dropped.append(error)
            else:
                if stored.id in seen:
                    message = f"two samples of unit {unit} have the id {stored.id!r}"
                    raise DataError(message, where=dataset.name, remedy="correct the dataset's reader or its files")
                seen.add(stored.id)
                yield stored


def find_reading_problems(what: Preparation, jobs: int = 1) -> tuple[int, list[Problem]]:
    """The number of samples that can be read, and the problem of each that a preparation refuses.

    Every sample is read as for a run, and none is stored. Samples with the same error, such as those of one video,
    share a problem.
    """
    dataset = load_registry(what.plugins).dataset(what.dataset)
    units = choose_units(dataset, what.root, what.units)
    call = token_hex()
    tasks = [(what, unit, at, call) for at, unit in enumerate(units)]
    work = in_processes(min(jobs, len(tasks)), _try_unit, tasks)
    found = sorted(track(work, f"reading {what.dataset.name}", total=len(tasks)), key=lambda each: each[0])
    return sum(n for _, n, _ in found), [problem for _, _, problems in found for problem in problems]


def _try_unit(what: Preparation, unit: str, at: int, call: str) -> tuple[int, int, list[Problem]]:
    """The place of a unit, the number of its samples that can be read, and its problems."""
    dataset = _build_dataset(what, call)
    schema = dataset.schema_of(what.root)
    errors: list[DataError] = []
    n = 0
    try:
        for _ in _read_usable(dataset, what, unit, schema, errors, {}):
            n += 1
    except DataError as error:
        return at, 0, [Problem(str(error.where or unit), error.message, error.remedy or "")]
    numbers = Counter(error.line for error in errors)
    unique = {error.line: error for error in errors}
    return at, n, [_make_problem(error, numbers[line], unit) for line, error in unique.items()]


def _make_problem(error: DataError, n: int, unit: str) -> Problem:
    message = error.message + (f" ({n} samples)" if n > 1 else "")
    return Problem(str(error.where or unit), message, error.remedy or "", concerns="sample")


class _PreparedUnit(NamedTuple):
    """The ids of the samples of a unit, and the attributes of its file."""

    ids: list[str]
    attributes: Mapping[str, Any]


def _open_unit(part: Path) -> _PreparedUnit:
    store = Store(part)
    return _PreparedUnit(store.ids.tolist(), store.attributes)


def _find_exclusions(what: Preparation, units: Mapping[str, _PreparedUnit]) -> Exclusions:
    dataset = load_registry(what.plugins).dataset(what.dataset)
    wanted = choose_units(dataset, what.root, what.units)
    lost = find_unreadable_units(dataset, what.root, [unit for unit in wanted if unit not in units])
    for name, unit in units.items():
        if why := unit.attributes.get("lost"):
            lost[name] = why
    dropped = [line for unit in units.values() for line in unit.attributes["dropped"]]
    return Exclusions(dropped, {unit: lost[unit] for unit in wanted if unit in lost})


def _check_ids(units: Iterable[_PreparedUnit], dataset: str) -> None:
    seen: set[str] = set()
    for unit in units:
        for sample in unit.ids:
            if sample in seen:
                raise DataError(
                    f"two samples have the id {sample!r}", where=dataset, remedy="give each sample a unique id"
                )
            seen.add(sample)
