"""Checks of datasets: without files, then on the first units of a folder."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import get_args
from unittest import SkipTest

from mmbench.conformance.declaration import check_name, check_parameters, check_space, params_for, subject_of
from mmbench.conformance.opened import opened_files
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.samples import (
    demand_finite,
    demand_groups,
    demand_ids,
    demand_labels,
    demand_shapes,
    same_sample,
)
from mmbench.contract import Access, Dataset, Problem, Sample, Schema, Task, check_pins, overrides
from mmbench.data import check_schema as validate_schema
from mmbench.data import find_protocol
from mmbench.errors import DataError, PluginError, ProtocolError

N_UNITS = 2


@dataclass
class DatasetCase:
    """A dataset with its folder; samples are read once and shared by the checks."""

    cls: type[Dataset]
    params: Mapping[str, object]
    given: Path | None = None
    cache: Path | None = None

    def build(self) -> Dataset:
        """A new instance."""
        return self.cls(**self.params)

    @cached_property
    def root(self) -> Path:
        """The folder of the files: ``given``, or from `Dataset.locate`; SkipTest if there is none."""
        root = self.given or self.build().locate(self._cache())
        if root is None:
            raise SkipTest("no folder is given and the dataset has none of its own")
        return root

    @cached_property
    def units(self) -> list[str]:
        """The first units."""
        return self.build().units(self.root)[:N_UNITS]

    @cached_property
    def samples(self) -> list[Sample]:
        """The samples of the first units."""
        return list(self.read())

    @cached_property
    def schema(self) -> Schema:
        """The whole schema, from a new instance."""
        return self.build().schema_of(self.root)

    def read(self) -> Iterator[Sample]:
        """The samples of the first units, from a new instance."""
        dataset = self.build()
        for unit in self.units:
            for sample in dataset.read(self.root, unit):
                if isinstance(sample, DataError):
                    raise sample
                yield sample

    def _cache(self) -> Path:
        if self.cache is None:
            self.cache = Path(tempfile.mkdtemp(prefix="mmbench-check-"))
            weakref.finalize(self, shutil.rmtree, self.cache, ignore_errors=True)
        return self.cache


def check_dataset(
    cls: type[Dataset], root: Path | None = None, *, cache: Path | None = None, **params: object
) -> Iterator[Check]:
    """All checks of a dataset; those that need files use ``root``, or the folder that ``locate(cache)`` returns.

    Reads the first two units. Where there are no files these checks are skipped.
    """
    subject = subject_of("dataset", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space, check_card)
    yield from checks_of(subject, DatasetCase(cls, params_for(cls, params), root, cache), *CHECKS)


def check_card(cls: type[Dataset]) -> None:
    """The card is complete; that of a gated dataset says how to request the files."""
    card = getattr(cls, "card", None)
    demand(card is not None, "card is missing")
    for name in ("title", "licence", "citation"):
        demand(bool(getattr(card, name)), f"card.{name} is empty")
    access = getattr(card, "access", None)
    demand(access in get_args(Access), f"card.access is {access!r}, not one of {', '.join(get_args(Access))}")
    demand(
        access != "gated" or bool(getattr(card, "request", "")), "card.request does not say how to ask for the files"
    )
    notes = getattr(card, "notes", None)
    is_valid = isinstance(notes, tuple) and all(isinstance(note, str) and note for note in notes)
    demand(is_valid, f"card.notes is {notes!r}, not a tuple of sentences")


def check_schema(case: DatasetCase) -> None:
    """Modalities and tasks are valid and known before any file is read."""
    with opened_files() as opened:
        schema = case.build().schema()
    demand(not opened, f"schema() opens {min(opened, default=None)}")
    _demand_valid(schema, case.cls.name)
    if _is_known(case, schema):
        demand(len(schema.modalities) > 0 and len(schema.tasks) > 0, "the schema has no modality or no task")
    for name, task in schema.tasks.items():
        if task.names or not overrides(case.build(), "schema_of", Dataset):
            _demand_names(name, task)


def _is_known(case: DatasetCase, before: Schema) -> bool:
    """Whether anything is known without files: a dataset whose files may be anything returns an empty schema."""
    return before != Schema((), {}) or not overrides(case.build(), "schema_of", Dataset)


def check_schema_of(case: DatasetCase) -> None:
    """The schema of the files extends the one known without files and does not contradict it."""
    before, schema = case.build().schema(), case.schema
    if not _is_known(case, before):
        _demand_valid(schema, case.cls.name)
        return
    demand(schema.modalities == before.modalities, "schema_of() has other modalities than schema()")
    demand(set(before.groups) <= set(schema.groups), "schema_of() lacks a group of schema()")
    demand(list(schema.tasks) == list(before.tasks), "schema_of() has other tasks than schema()")
    for task, declared in before.tasks.items():
        found = schema.tasks[task]
        same = replace(found, names=declared.names) == declared and declared.names in (found.names, ())
        demand(same, f"schema_of() has another task {task} than schema()")
        if not declared.names:
            _demand_names(task, found)
    _demand_valid(schema, case.cls.name)
    _demand_protocol(case.cls, schema)


def _demand_protocol(cls: type[Dataset], schema: Schema) -> None:
    """The protocol that a dataset declares exists, and its groups are declared."""
    if cls.protocol is not None:
        try:
            find_protocol(cls.protocol, schema, cls.name)
        except ProtocolError as error:
            raise PluginError(f"protocol: {error.message}") from error


def _demand_valid(schema: Schema, dataset: str) -> None:
    """The host accepts the schema: names, kinds, shapes, columns."""
    try:
        validate_schema(schema, dataset)
    except DataError as error:
        demand(False, f"{error.message}: {error.remedy}")


def _demand_names(name: str, task: Task) -> None:
    """A task has at least two classes, one label or one value, with different names."""
    least = 2 if task.kind == "class" else 1
    wanted = "two different classes" if task.kind == "class" else f"names of its {task.kind} that all differ"
    demand(len(set(task.names)) == len(task.names) >= least, f"task {name} has no {wanted}")


def check_empty_folder(case: DatasetCase) -> None:
    """An empty folder is reported as a problem, with a remedy."""
    with tempfile.TemporaryDirectory(prefix="mmbench-check-") as folder:
        problems = case.build().check(Path(folder))
    demand(len(problems) > 0, "check() finds nothing missing in an empty folder")
    for problem in problems:
        demand(isinstance(problem, Problem) and bool(problem.path and problem.message), f"{problem} names no path")
        demand(bool(problem.remedy), f"{problem.path}: {problem.message}: the problem has no remedy")


def check_units(case: DatasetCase) -> None:
    """There are units, they are distinct, and the same in each call."""
    units = case.build().units(case.root)
    demand(len(units) > 0, f"no units in {case.root}")
    demand(len(set(units)) == len(units), "two units have the same name")
    demand(case.build().units(case.root) == units, "units() differs from call to call")


def check_download(case: DatasetCase) -> None:
    """A download has a URL, and each file a path under the folder, a hash and a size."""
    if download := case.build().download():
        check_pins(download)


def check_left_out(case: DatasetCase) -> None:
    """Everything that is left out has a reason, and no unit is left out."""
    left_out = case.build().left_out(case.root)
    for what, reason in left_out.items():
        demand(bool(what) and bool(reason), f"left_out() gives no reason for {what!r}")
    both = sorted(set(left_out) & set(case.build().units(case.root)))
    demand(not both, f"left_out() and units() both name {', '.join(both)}")


def check_contents(case: DatasetCase) -> None:
    """Contents are counted, and assumptions are sentences."""
    dataset = case.build()
    contents = dataset.contents(case.root)
    demand(len(contents) > 0, "contents() counts nothing")
    for name, number in contents.items():
        counted = isinstance(number, int) and number >= 0
        demand(bool(name) and counted, f"contents() says {number!r} of {name!r}, which is not a number of files")
    for line in dataset.assumptions(case.root):
        demand(isinstance(line, str) and bool(line), f"assumptions() holds {line!r}, which is not a sentence")


def check_sources(case: DatasetCase) -> None:
    """Sources exist, and no other file under the folder is opened while reading."""
    dataset = case.build()
    for unit in case.units:
        sources = {path.resolve() for path in dataset.sources(case.root, unit)}
        demand(len(sources) > 0, f"unit {unit} has no sources")
        for path in sorted(sources):
            demand(path.is_file(), f"the source {path} of unit {unit} is not a file")
        with opened_files() as opened:
            for _ in dataset.read(case.root, unit):
                pass
        under = {path for path in opened if path.is_relative_to(case.root.resolve())}
        strange = sorted(under - sources)
        demand(not strange, f"unit {unit} reads {strange[0] if strange else ''}, which is not among its sources")


def check_ids(case: DatasetCase) -> None:
    """There are samples, with unique ids."""
    demand_ids(case.samples)


def check_groups(case: DatasetCase) -> None:
    """Every sample declares every group of the schema."""
    for sample in case.samples:
        demand_groups(sample, case.schema)


def check_labels(case: DatasetCase) -> None:
    """Every label is one that its task can have."""
    for sample in case.samples:
        demand_labels(sample, case.schema)


def check_shapes(case: DatasetCase) -> None:
    """Data match the schema."""
    for sample in case.samples:
        demand_shapes(sample, case.schema)


def check_finite(case: DatasetCase) -> None:
    """Data of present instances are finite."""
    for sample in case.samples:
        demand_finite(sample)


def check_reads_equal(case: DatasetCase) -> None:
    """A second read gives the same samples in the same order."""
    for first, second in zip_longest(case.samples, case.read()):
        same = first is not None and second is not None and same_sample(first, second)
        demand(same, f"two reads differ at {(first or second).id}")


CHECKS = (
    check_schema,
    check_schema_of,
    check_download,
    check_empty_folder,
    check_units,
    check_left_out,
    check_contents,
    check_sources,
    check_ids,
    check_groups,
    check_labels,
    check_shapes,
    check_finite,
    check_reads_equal,
)
