"""Files of a dataset: its folder, their problems, its units and its schema."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmbench.contract import Dataset, Problem, Schema, overrides
from mmbench.data.samples.schema import check_schema
from mmbench.errors import DataError, SpecError
from mmbench.registry import Registry, Spec
from mmbench.storage import (
    ignore_unwritable,
    make_folder,
)

FOLDER = "folder"
"""The name of the dataset of paths: each folder is other data."""


def default_cache_folder() -> Path:
    """The folder of caches: ``$MMBENCH_CACHE`` or the platform's own."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("MMBENCH_CACHE") or user_cache_path("mmbench"))


def find_dataset(registry: Registry, text: str, data: Path | None) -> tuple[str, Path | None]:
    """The dataset and its folder: ``text`` may be the path of a folder or file, which ``folder`` then reads.

    A path contains a separator, or exists and is no dataset's name. SpecError for one that does not exist.
    """
    path = Path(text).expanduser()
    is_spec = "[" in text or text in registry.datasets
    if is_spec or not ("/" in text or os.sep in text or path.exists()):
        return text, data
    if data is not None:
        raise SpecError("is a path, and --data another", where=text, remedy="leave --data out")
    if not path.exists():
        raise SpecError("no such folder or file", where=text, remedy="give the path of data, or the name of a dataset")
    return FOLDER, path.resolve()


def find_dataset_folder(registry: Registry, spec: Spec, data: Path | None, cache: Path) -> Path:
    """The folder of a dataset: ``data``, ``$MMBENCH_DATA/<name>``, or the answer of `Dataset.locate`."""
    dataset = registry.dataset(spec)
    folder = os.environ.get("MMBENCH_DATA")
    root = data or (Path(folder) / spec.name if folder and (Path(folder) / spec.name).is_dir() else None)
    root = root or dataset.locate(_folder_of_datasets(cache))
    if root is None:
        raise DataError(
            f"{dataset.card.title} is not here",
            where=spec.name,
            remedy=dataset.access_instructions() or "give --data DIR",
        )
    if not root.is_dir() and not (spec.name == FOLDER and root.is_file()):
        raise DataError("no such folder", where=root, remedy=f"give --data the folder of {spec.name}")
    return root


def name_on_shell(dataset: Dataset, root: Path) -> str:
    """What stands for a dataset on the command line: its name, or the path that `find_dataset` takes for it."""
    return str(root) if dataset.name == FOLDER else dataset.name


def _folder_of_datasets(cache: Path) -> Path:
    """The folder in which simulated datasets create their files; created unless the cache is read-only."""
    folder = cache / "data"
    with ignore_unwritable():
        make_folder(folder)
    return folder


def check_dataset_files(dataset: Dataset, root: Path, units: Sequence[str] | None = None, bad: str = "error") -> None:
    """Raise DataError about the first problem that `Dataset.check` finds.

    With ``units``, problems of files that belong only to other units are ignored; with ``bad=drop``, problems of single
    samples or units.
    """
    problems = dataset.check(root)
    if problems and units is not None:
        sources = _paths_by_unit(dataset, root)
        mine = set().union(*(paths for unit, paths in sources.items() if unit in units))
        others = set().union(*sources.values()) - mine
        problems = [problem for problem in problems if not _is_about(problem, others)]
    if problems and bad == "drop":
        problems = without_droppable(dataset, root, problems)
    if problems:
        first = problems[0]
        rest = f" (and {len(problems) - 1} more: mmbench data check {name_on_shell(dataset, root)})"
        more = rest if len(problems) > 1 else ""
        raise DataError(first.message + more, where=first.path, remedy=first.remedy)


def problem_lines(problems: Sequence[Problem], most: int = 3) -> list[str]:
    """A line for each problem; where more than ``most`` differ only in file and numbers, the first of them."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((re.sub(r"\d+", "", problem.message), re.sub(r"\d+", "", problem.remedy)), []).append(problem)
    return [line for kind in kinds.values() for line in _describe_kind(kind, most)]


def _describe_kind(kind: Sequence[Problem], most: int) -> Iterator[str]:
    more = f" (and {len(kind) - 1} more like it: --json)" if len(kind) > most else ""
    for problem in kind[:1] if more else kind:
        yield f"{problem.path}: {problem.message}{more}" + (f" — {problem.remedy}" if problem.remedy else "")


def without_droppable(dataset: Dataset, root: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The problems that stop a run even with ``--bad drop``: those of neither single samples nor units."""
    whole = [problem for problem in problems if problem.concerns == "dataset"]
    if not whole:
        return []
    try:
        sources = _paths_by_unit(dataset, root)
    except DataError:  # then no unit can be read
        return whole
    shared = set.intersection(*sources.values()) if sources else set()
    of_units = set[str]().union(*sources.values()) - shared
    return [problem for problem in whole if problem.path not in of_units]


def _is_about(problem: Problem, paths: Collection[str]) -> bool:
    """Whether a problem is of one of the files, or of a place in it such as ``FILE, trial 3``."""
    return problem.path in paths or any(problem.path.startswith(f"{path}, ") for path in paths)


def _paths_by_unit(dataset: Dataset, root: Path) -> dict[str, set[str]]:
    return {unit: {str(path) for path in dataset.sources(root, unit)} for unit in dataset.units(root)}


def choose_units(
    dataset: Dataset, root: Path, wanted: Sequence[str] | None = None, source: str = "--units"
) -> list[str]:
    """The ``wanted`` units of a dataset, all for None, in its own order.

    Raises SpecError about the option ``source`` for an unknown unit, DataError if there is no unit at all.
    """
    units = dataset.units(root)
    if not units:
        raise DataError(
            "holds no unit of the dataset", where=root, remedy=f"mmbench data check {name_on_shell(dataset, root)}"
        )
    for unit in wanted or ():
        if unit not in units:
            if reason := dataset.left_out(root).get(unit):
                raise SpecError(f"{unit} of {dataset.name} is excluded: {reason}", where=source, remedy="omit it")
            raise SpecError(
                f"{dataset.name} has no {unit!r} here", where=source, remedy=f"choose from {', '.join(units)}"
            )
    return units if wanted is None else [unit for unit in units if unit in wanted]


def find_unreadable_units(dataset: Dataset, root: Path, units: Sequence[str]) -> dict[str, str]:
    """The units of which a source file is missing or cannot be opened, each with the file and the reason."""
    return {unit: why for unit in units for why in [_find_unreadable(dataset.sources(root, unit))] if why}


def _find_unreadable(sources: Sequence[Path]) -> str | None:
    for path in sources:
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would block
                return f"{path}: is not a file"
            path.open("rb").close()
        except OSError as error:
            return f"{path}: {error.strerror or error}"
    return None


def find_schema(dataset: Dataset, find: Callable[[], Path], bad: str = "error") -> Schema:
    """The schema of a dataset; ``find`` gives its folder, used only where the schema depends on the files."""
    if not overrides(dataset, "schema_of", Dataset):
        return check_schema(dataset.schema(), dataset.name)
    root = find()
    check_dataset_files(dataset, root, bad=bad)
    return check_schema(dataset.schema_of(root), dataset.name)


@contextmanager
def reading_errors(root: Path) -> Iterator[None]:
    """Raise DataError for a file that is missing, cannot be opened or holds text of another encoding than UTF-8."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"a file holds text that is not {error.encoding.upper()}: byte {error.object[error.start]:#04x} at "
            f"{error.start}",
            where=root,
            remedy="convert it to UTF-8, or read it with its own encoding in the dataset",
        ) from error
    except OSError as error:
        raise DataError(
            error.strerror or str(error), where=error.filename or root, remedy="see mmbench data check"
        ) from error
