"""A dataset's files into one prepared HDF5 file: by unit, in parallel, resumed, named by content."""

import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmbench.contract import Dataset, Problem, Sample, Schema, overrides
from mmbench.data.inventory import take_inventory
from mmbench.data.merge import merge
from mmbench.data.missingness import Dropped, count_missing
from mmbench.data.store import STORE_FORMAT, Store, write_samples
from mmbench.data.validation import check_sample, check_schema
from mmbench.errors import DamagedError, DataError, SpecError
from mmbench.registry import Registry, Spec, find_code, load_registry
from mmbench.storage import (
    ChecksummedFile,
    FileDigests,
    KeyParts,
    current_reporter,
    find_nearest_file,
    ignore_read_only,
    in_processes,
    key_digest,
    locked,
    make_folder,
    map_in_threads,
    open_cached,
    remove_stale_files,
    report_damaged,
    track,
    written_whole,
)


@dataclass(frozen=True)
class Preparation:
    """What to prepare: the dataset's spec, its folder, the plugins it may be from and the cache.

    ``bad`` says what becomes of a sample that cannot be used: ``error`` ends the preparation, ``drop`` leaves it out,
    and with it whole units of which a file is missing or damaged.
    ``units`` are those to prepare; None: all.
    """

    dataset: Spec
    root: Path
    cache: Path
    plugins: tuple[str, ...] = ()
    bad: str = "error"
    units: tuple[str, ...] | None = None


def default_cache_folder() -> Path:
    """Folder of caches: ``$MMBENCH_CACHE`` or the platform's own."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("MMBENCH_CACHE") or user_cache_path("mmbench"))


def find_dataset_folder(registry: Registry, spec: Spec, data: Path | None, cache: Path) -> Path:
    """The folder of a dataset: the one named, ``$MMBENCH_DATA/<name>``, or where the dataset itself keeps its files."""
    dataset = registry.dataset(spec)
    shelf = os.environ.get("MMBENCH_DATA")
    root = data or (Path(shelf) / spec.name if shelf and (Path(shelf) / spec.name).is_dir() else None)
    root = root or dataset.locate(_folder_of_datasets(cache))
    if root is None:
        raise DataError(
            f"{dataset.card.title} is not here", where=spec.name, remedy=dataset.card.request or "give --data DIR"
        )
    if not root.is_dir():
        raise DataError("no such folder", where=root, remedy=f"give --data the folder of {spec.name}")
    return root


def _folder_of_datasets(cache: Path) -> Path:
    """Where datasets make files of their own: there, unless the cache may only be read and none was made so far."""
    folder = cache / "data"
    with ignore_read_only():
        make_folder(folder)
    return folder


def check_dataset_files(dataset: Dataset, root: Path, units: Sequence[str] | None = None, bad: str = "error") -> None:
    """Raise DataError about the first of a dataset's files that is missing or damaged, as its own check sees it.

    Where ``units`` are named, damage to files that are only of other units does not matter; where ``bad`` ones are
    dropped, neither does what concerns single samples or units.
    """
    problems = dataset.check(root)
    if problems and units is not None:
        sources = _paths_by_unit(dataset, root)
        mine = set().union(*(paths for unit, paths in sources.items() if unit in units))
        others = set().union(*sources.values()) - mine
        problems = [problem for problem in problems if problem.path not in others]
    if problems and bad == "drop":
        problems = without_droppable(dataset, root, problems)
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: mmbench data check {dataset.name})" if len(problems) > 1 else ""
        raise DataError(first.message + more, where=first.path, remedy=first.remedy)


def without_droppable(dataset: Dataset, root: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The problems that stop a run with ``--bad drop``, too: those that concern neither single samples nor units."""
    whole = [problem for problem in problems if problem.concerns == "dataset"]
    if not whole:
        return []
    try:
        sources = _paths_by_unit(dataset, root)
    except DataError:  # then no unit is to be had
        return whole
    shared = set.intersection(*sources.values()) if sources else set()
    of_units = set[str]().union(*sources.values()) - shared
    return [problem for problem in whole if problem.path not in of_units]


def _paths_by_unit(dataset: Dataset, root: Path) -> dict[str, set[str]]:
    return {unit: {str(path) for path in dataset.sources(root, unit)} for unit in dataset.units(root)}


def choose_units(
    dataset: Dataset, root: Path, wanted: Sequence[str] | None = None, source: str = "--units"
) -> list[str]:
    """The units of a dataset that are wanted, all for None, in its own order.

    Raises SpecError about ``source`` for one that is not there, DataError where there is none at all.
    """
    units = dataset.units(root)
    if not units:
        raise DataError("holds no unit of the dataset", where=root, remedy=f"mmbench data check {dataset.name}")
    for unit in wanted or ():
        if unit not in units:
            if reason := dataset.left_out(root).get(unit):
                raise SpecError(f"{unit} of {dataset.name} is left out: {reason}", where=source, remedy="leave it out")
            raise SpecError(f"{dataset.name} has no {unit!r} here", where=source, remedy=f"there is {', '.join(units)}")
    return units if wanted is None else [unit for unit in units if unit in wanted]


def prepare(what: Preparation, jobs: int = 1) -> Store:
    """The prepared file of a dataset, made now or found.

    Units are read in ``jobs`` processes and each is kept when it is done, so that an interrupted preparation goes on
    where it stopped. Raises DataError for files that are missing or damaged, StorageError where it has to be made and
    the cache may only be read.
    """
    made_from = describe_preparation(what)
    path = prepared_path(what, made_from)
    dataset = load_registry(what.plugins).dataset(what.dataset)
    for line in take_inventory(dataset, what.root, tolerant=what.bad == "drop").brief_lines(dataset.name):
        current_reporter().message(line)
    if store := open_cached(path, Store):
        return store
    make_folder(path.parent)
    with locked(path):
        return find_prepared(path) or _make(what, made_from, path, jobs)


def describe_preparation(what: Preparation) -> dict[str, Any]:
    """All that the samples depend on: what the key of the prepared file is the digest of.

    Raises DataError for files that are missing or damaged.
    """
    dataset = load_registry(what.plugins).dataset(what.dataset)
    check_dataset_files(dataset, what.root, what.units, what.bad)
    units = choose_units(dataset, what.root, what.units)
    if what.bad == "drop":
        units = [unit for unit in units if unit not in find_unreadable_units(dataset, what.root, units)]
    return {
        "dataset": {
            "name": what.dataset.name,
            "params": load_registry(what.plugins).bound("datasets", what.dataset),
            "version": dataset.version,
            **find_code(type(dataset)).described(),
        },
        "schema": json.loads(json.dumps(asdict(check_schema(dataset.schema_of(what.root), dataset.name)))),
        "bad": what.bad,
        "format": STORE_FORMAT,
        "sources": _source_digests(what, dataset, units),
    }


def find_unreadable_units(dataset: Dataset, root: Path, units: Sequence[str]) -> dict[str, str]:
    """The units of which a file is missing or cannot be opened, and which file that is and why."""
    return {unit: why for unit in units for why in [_why_lost(dataset.sources(root, unit))] if why}


def _why_lost(sources: Sequence[Path]) -> str | None:
    for path in sources:
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
                return f"{path}: is no file"
            path.open("rb").close()
        except OSError as error:
            return f"{path}: {error.strerror or error}"
    return None


def prepared_path(what: Preparation, made_from: KeyParts) -> Path:
    """Where the prepared file lies that is made from this."""
    return what.cache / "prepared" / f"{what.dataset.name}-{key_digest(made_from)[:16]}.h5"


def find_prepared(path: Path) -> Store | None:
    """The prepared file at ``path``, None where there is none; a damaged one is set aside, which is told."""
    if not path.exists():
        return None
    try:
        return Store(path)
    except DamagedError as error:
        report_damaged(path, error.message)
        return None


def find_schema(dataset: Dataset, find: Callable[[], Path], bad: str = "error") -> Schema:
    """The whole schema; the folder is found, and its files checked, only for a dataset whose files tell more."""
    if not overrides(dataset, "schema_of", Dataset):
        return check_schema(dataset.schema(), dataset.name)
    root = find()
    check_dataset_files(dataset, root, bad=bad)
    return check_schema(dataset.schema_of(root), dataset.name)


def source_digests(what: Preparation) -> frozenset[str]:
    """SHA-256 of every file that the samples of a dataset are made from."""
    dataset = load_registry(what.plugins).dataset(what.dataset)
    found = _source_digests(what, dataset, choose_units(dataset, what.root, what.units))
    return frozenset(value for files in found.values() for value in files.values())


@contextmanager
def reading_errors(root: Path) -> Iterator[None]:
    """Turn a file that is missing or cannot be opened into one clear line."""
    try:
        yield
    except OSError as error:
        raise DataError(
            error.strerror or str(error), where=error.filename or root, remedy="see mmbench data check"
        ) from error


def _source_digests(what: Preparation, dataset: Dataset, units: Sequence[str]) -> dict[str, dict[str, str]]:
    """SHA-256 of the files of each unit, by path from the dataset's folder."""
    digests = FileDigests(what.cache / "digests.json")
    with reading_errors(what.root):
        sources = {unit: sorted(dataset.sources(what.root, unit)) for unit in units}
        files = sorted(set().union(*sources.values()))
    for name in (*units, *(os.path.relpath(file, what.root) for file in files)):
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError("its name is not UTF-8", where=what.root / name, remedy="rename it") from None
    with reading_errors(what.root):
        values = dict(zip(files, track(map_in_threads(digests, files), "checking files", len(files)), strict=True))
    digests.save()
    return {unit: {os.path.relpath(file, what.root): values[file] for file in sources[unit]} for unit in units}


def _make(what: Preparation, made_from: KeyParts, path: Path, jobs: int) -> Store:
    name = what.dataset.name
    if near := find_nearest_file(made_from, path.parent.glob(f"{name}-*.h5")):
        current_reporter().message(f"{name} is prepared anew, unlike {near.path.name}: {near.line}")
    units = {unit: _unit_file(path.parent, name, made_from, unit) for unit in made_from["sources"]}
    parts = list(units.values())
    remove_stale_files(parts)
    tasks = [(what, unit, part, _of_unit(made_from, unit)) for unit, part in units.items() if not _is_whole(part)]
    work = in_processes(min(jobs, max(len(tasks), 1)), _prepare_unit, tasks)
    for _ in track(work, f"preparing {name}", total=len(tasks)):
        pass
    stores = [Store(part) for part in parts]
    _check_ids(stores, name)
    losses = _collect_losses(what, list(units), stores)
    n_samples = sum(map(len, stores))
    if not n_samples:
        first = next(iter([*losses.lines]), "nothing, for the files hold no sample")
        raise DataError("no sample is left", where=what.root, remedy=f"the first left out was {first}")
    for line in losses.told(n_samples):
        current_reporter().message(line)
    schema = stores[0].schema
    gaps = count_missing(parts, schema)
    about = {"key": key_digest(made_from), **asdict(losses), "dataset": str(what.dataset), "gaps": gaps}
    with written_whole(path) as aside:
        merge(aside, parts, schema, about, made_from)
    for part in parts:
        part.unlink(missing_ok=True)
    return Store(path)


def _of_unit(made_from: KeyParts, unit: str) -> dict[str, Any]:
    return {**made_from, "sources": {unit: made_from["sources"][unit]}}


def _unit_file(folder: Path, name: str, made_from: KeyParts, unit: str) -> Path:
    return folder / f".{name}-{key_digest(_of_unit(made_from, unit))[:16]}.unit.h5"


def _is_whole(part: Path) -> bool:
    try:
        Store(part)
        ChecksummedFile(part).check_all()
    except DataError:
        return False
    return True


def _prepare_unit(what: Preparation, unit: str, part: Path, made_from: KeyParts) -> None:
    dataset = load_registry(what.plugins).dataset(what.dataset)
    schema = dataset.schema_of(what.root)
    dropped: list[str] = []
    lost: str | None = None
    try:
        samples = list(_usable(dataset, what, unit, schema, dropped))
    except DataError as error:
        if what.bad != "drop":
            raise
        samples, dropped, lost = [], [], error.line
    attributes: dict[str, Any] = {"unit": unit, "dropped": dropped, "lost": lost}
    with written_whole(part) as aside:
        write_samples(aside, samples, schema, attributes, made_from)


def _usable(dataset: Dataset, what: Preparation, unit: str, schema: Schema, dropped: list[str]) -> Iterator[Sample]:
    """The samples of a unit that can be used; of the others a line goes to ``dropped``, or the first is raised."""
    with reading_errors(what.root):
        for sample in dataset.read(what.root, unit):
            try:
                if isinstance(sample, DataError):
                    raise sample
                check_sample(sample, schema)
            except DataError as error:
                if what.bad != "drop":
                    raise
                dropped.append(error.line)
            else:
                yield sample


def _collect_losses(what: Preparation, units: Sequence[str], stores: Sequence[Store]) -> Dropped:
    dataset = load_registry(what.plugins).dataset(what.dataset)
    wanted = choose_units(dataset, what.root, what.units)
    lost = find_unreadable_units(dataset, what.root, [unit for unit in wanted if unit not in units])
    for unit, store in zip(units, stores, strict=True):
        if why := store.attributes.get("lost"):
            lost[unit] = why
    dropped = [line for store in stores for line in store.attributes["dropped"]]
    return Dropped(dropped, {unit: lost[unit] for unit in wanted if unit in lost})


def _check_ids(stores: Sequence[Store], dataset: str) -> None:
    seen: set[str] = set()
    for store in stores:
        for sample in store.ids.tolist():
            if sample in seen:
                raise DataError(f"two samples are called {sample!r}", where=dataset, remedy="ids must be unique")
            seen.add(sample)
