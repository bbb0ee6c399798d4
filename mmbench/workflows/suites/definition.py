"""Suites as TOML files: the datasets with their protocols, tasks, metrics, encoders and budgets."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal

from mmbench.contract import Standardize
from mmbench.data import PROTOCOLS, is_protocol
from mmbench.errors import SpecError
from mmbench.registry import did_you_mean, parse_spec
from mmbench.storage import canonical_json, check_printable, digest, load_toml

_STRICT: Mapping[str, str] = {"extra": "forbid"}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATASET_NAME = re.compile(r"\w[\w. -]*")
_LAST_VERSION = 9999
_MINIMUM: Mapping[str, int] = {"folds": 2, "seeds": 1, "tune": 1, "threads": 1}
_OWN = ("name", "dataset", "units", "modalities", "encoders")
"""Keys of a dataset that ``[settings]`` cannot give for all."""


@dataclass(frozen=True)
class SuiteDataset:
    """One comparison of a suite: a dataset with everything that its results depend on but the methods.

    ``dataset`` is a spec such as ``eegmat[window=4]``, by default the ``name``. The other fields are options of a run,
    where None stands for all units, all modalities, the encoders of the methods, and no tuning.
    """

    __pydantic_config__: ClassVar = _STRICT
    name: str
    protocol: str
    task: str
    metric: str
    dataset: str = ""
    folds: int = 5
    seeds: int = 3
    stratify: bool = False
    standardize: Standardize = "train"
    units: tuple[str, ...] | None = None
    modalities: tuple[str, ...] | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    tune: int | None = None
    tune_scope: Literal["fold", "once"] = "fold"
    bad: Literal["error", "drop"] = "error"
    threads: int = 1

    @property
    def spec(self) -> str:
        """The spec of the dataset."""
        return self.dataset or self.name

    def described(self) -> dict[str, Any]:
        """What it says, without what it leaves open."""
        plain = {**asdict(self), "dataset": self.spec}
        return {name: value for name, value in plain.items() if value is not None and value != {}}


@dataclass(frozen=True)
class Suite:
    """A suite by its name and version; ``path`` is its file, ``title`` a line about it."""

    name: str
    version: int
    title: str
    datasets: tuple[SuiteDataset, ...]
    path: Path

    @property
    def label(self) -> str:
        """Name and version: ``quick-v1``."""
        return f"{self.name}-v{self.version}"

    def content(self) -> dict[str, Any]:
        """What results depend on: name, version, and the datasets by name, with their settings."""
        datasets = {each.name: each.described() for each in self.datasets}
        return {"name": self.name, "version": self.version, "datasets": datasets}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content; comments, the order of datasets and the title do not change it."""
        return digest(self.content())


def find_suites() -> dict[str, Path]:
    """The paths of the suites of the package by name and version, sorted."""
    folder = Path(str(files("mmbench") / "suites"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_suite(text: str) -> Suite:
    """The suite of the package by name and version, such as ``quick-v1``, or of the TOML file at a path.

    Raises SpecError with the file and the key for what is not valid.
    """
    known = find_suites()
    if text in known:
        return read_suite(known[text])
    path = Path(text).expanduser()
    if path.suffix != ".toml":
        remedy = f"give the path of a TOML file, or {did_you_mean(text, known)}"
        raise SpecError(f"no suite {text!r}", where="suite", remedy=remedy)
    return read_suite(path)


def read_suite(path: Path) -> Suite:
    """The suite in a TOML file."""
    try:
        plain = load_toml(path)
        check_printable(plain)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError(f"cannot be read ({reason})", where=path, remedy="give the TOML file of a suite") from error
    for where, message, remedy in _faults(plain):
        raise SpecError(message, where=f"{path} {where}".strip(), remedy=remedy)
    settings = plain.get("settings", {})
    datasets = tuple(_read_dataset(path, settings, each) for each in plain["datasets"])
    for each in datasets:
        for where, message, remedy in _faults_of_dataset(each):
            raise SpecError(message, where=f"{path} [[datasets]] {each.name!r} {where}", remedy=remedy)
    return Suite(plain["name"], plain["version"], plain["title"], datasets, path)


_KEYS: Mapping[str, type] = {"name": str, "version": int, "title": str, "settings": dict, "datasets": list}

_WORDS = {str: "a text", int: "a whole number", dict: "a table", list: "a [[datasets]] for each dataset"}


def _faults(plain: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Errors of the keys of a file, each with where, what, and the remedy."""
    for key in plain:
        if key not in _KEYS:
            yield key, "is not a key of a suite", did_you_mean(key, _KEYS)
    for key, kind in _KEYS.items():
        if key not in plain and key != "settings":
            yield key, "is missing", f"add [[{key}]]" if kind is list else f"add {key} = ..."
        elif key in plain and (not isinstance(plain[key], kind) or isinstance(plain[key], bool)):
            yield key, f"invalid value {plain[key]!r:.60}", f"write {_WORDS[kind]}"
    if not _NAME.fullmatch(plain["name"]):
        yield "name", f"invalid name {plain['name']!r}", "use small letters, digits and single hyphens"
    if not 1 <= plain["version"] <= _LAST_VERSION:
        few_or_many = "few" if plain["version"] < 1 else "large"
        yield "version", f"{plain['version']} is too {few_or_many}", "count versions from 1"
    if not plain["title"].strip():
        yield "title", "is empty", "say in a line what the datasets are"
    yield from _faults_of_tables(plain.get("settings", {}), plain["datasets"])


def _faults_of_tables(settings: Mapping[str, Any], datasets: list[Any]) -> Iterator[tuple[str, str, str]]:
    known = {each.name for each in fields(SuiteDataset)} - set(_OWN)
    for key in settings:
        if key not in known:
            remedy = "set it in [[datasets]]" if key in _OWN else did_you_mean(key, known)
            yield f"[settings] {key}", "is not a setting of all datasets", remedy
    if not datasets:
        yield "[[datasets]]", "is empty", "name at least one dataset"
    if any(not isinstance(each, dict) for each in datasets):
        yield "datasets", "is no list of tables", "write a [[datasets]] for each"
    for number, each in enumerate(datasets, 1):
        if "name" not in each:
            yield f"[[datasets]] number {number}", "has no name", "add name = ..."
    names = [each["name"] for each in datasets]
    for name in names:
        where = f"[[datasets]] {name!r}"
        if not isinstance(name, str) or not _DATASET_NAME.fullmatch(name):
            yield where, "is not a name", "use letters, digits, blanks, hyphens, dots and underscores, a letter first"
        if names.count(name) > 1:
            yield where, "is the name of several datasets", "give each a name of its own, and its dataset = ..."


def _read_dataset(path: Path, settings: Mapping[str, Any], own: Mapping[str, Any]) -> SuiteDataset:
    from pydantic import TypeAdapter, ValidationError

    merged = {**settings, **own}
    if isinstance(settings.get("training"), dict) and isinstance(own.get("training", {}), dict):
        merged["training"] = {**settings["training"], **own.get("training", {})}
    try:
        # As JSON, of which pydantic takes tables and lists as strictly as numbers: 1 is not true.
        return TypeAdapter(SuiteDataset).validate_json(json.dumps(merged, default=str), strict=True)
    except ValidationError as error:
        problems = sorted(error.errors(), key=lambda each: each["type"] != "unexpected_keyword_argument")
        raise _explain(f"{path} [[datasets]] {own['name']!r}", problems[0]) from error


def _explain(where: str, problem: Mapping[str, Any]) -> SpecError:
    """The error of pydantic in one line."""
    where = f"{where} {'.'.join(map(str, problem['loc']))}"
    if problem["type"] == "unexpected_keyword_argument":
        known = [each.name for each in fields(SuiteDataset)]
        return SpecError(
            "is not a key of a dataset in a suite", where=where, remedy=did_you_mean(problem["loc"][-1], known)
        )
    if problem["type"] == "missing":
        return SpecError("is missing", where=where, remedy=f"add {problem['loc'][-1]} = ... here or in [settings]")
    return SpecError(f"invalid value {problem['input']!r}: {problem['msg']}", where=where, remedy="correct the value")


def _faults_of_dataset(dataset: SuiteDataset) -> Iterator[tuple[str, str, str]]:
    for name, least in _MINIMUM.items():
        value = getattr(dataset, name)
        if value is not None and value < least:
            yield name, f"{value} is too few", f"use {least} or more"
    if not is_protocol(dataset.protocol):
        yield "protocol", f"no protocol {dataset.protocol!r}", did_you_mean(dataset.protocol, PROTOCOLS)
    for name in ("units", "modalities"):
        values = getattr(dataset, name)
        if values == ():
            yield name, "is empty", "name one or more, or leave it out"
        if values and len(set(values)) < len(values):
            yield name, f"has {next(each for each in values if values.count(each) > 1)!r} twice", "name each once"
    for name, text in (
        ("dataset", dataset.spec),
        *((f"encoders {key}", each) for key, each in dataset.encoders.items()),
    ):
        try:
            parse_spec(text)
        except SpecError as error:
            yield name, error.line, "correct the text"


def find_changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[str]:
    """What differs between the contents of two suites, a part each; empty if they are equal."""
    before, after = older["datasets"], newer["datasets"]
    changes = [f"{name} was removed" for name in before if name not in after]
    changes += [f"{name} was added" for name in after if name not in before]
    changed: dict[tuple[str, str, str], list[str]] = {}  # the datasets with a change, since settings change of all
    for name in (name for name in before if name in after):
        one, other = before[name], after[name]
        for key in dict.fromkeys((*one, *other)):
            was, now = _value(one, key), _value(other, key)
            if was != now:
                changed.setdefault((key, was, now), []).append(name)
    changes += [f"{key} of {', '.join(names)} was {was} and is {now}" for (key, was, now), names in changed.items()]
    return changes


def _value(plain: Mapping[str, Any], key: str) -> str:
    return canonical_json(plain[key]) if key in plain else "not given"
