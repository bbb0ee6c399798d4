"""The folds of a dataset as a file, for training elsewhere: the same folds that a run of the same options has."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, get_args

from mmbench import __version__
from mmbench.contract import TaskKind
from mmbench.data import find_labelled
from mmbench.errors import DataError, SpecError
from mmbench.execution import Setup
from mmbench.results import data_name, scoring_of
from mmbench.storage import counted, describe_parse_error, digest, load_json, mark_in_use, retry_on_damage, write_text
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.experiment import prepare_data
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import CheckedRequest, check_request, resolve_request
from mmbench.workflows.split import folds_as_ids, split_data

FORMAT = 1
PARTS = ("train", "validation", "test")
SUFFIXES = (".json", ".csv")
_UNTRAINED = "prior"  # a method that needs no training and no encoder, and has no preset
_REMEDY = "write it with mmbench folds DATASET --out folds.json and the options of the run, and give --folds folds.json"


@dataclass(frozen=True)
class Request:
    """The options that folds follow from, as `RunSpec` has them."""

    dataset: str
    protocol: str
    folds: int
    stratify: bool
    task: str
    metric: str
    units: tuple[str, ...] | None
    bad: str


@dataclass(frozen=True, repr=False)
class Folds:
    """The folds of one dataset, task and protocol, as ids.

    ``folds`` has the ``name`` and the ids of the parts of each. ``parts`` are what they depend on: ``data`` and
    ``folds`` are digests. ``names`` are the classes, labels or targets, in order; ``groups`` has the groups of each id.
    ``labels`` maps the ids of the training and validation part to their labels, by fold; empty unless requested.
    ``data`` is the path of data of the user, which the file does not name; ``data_name`` what the data are called.
    """

    request: Request
    parts: Mapping[str, str]
    kind: TaskKind
    names: tuple[str, ...]
    folds: tuple[Mapping[str, Any], ...]
    groups: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    path: Path | None = None
    data: Path | None = None
    data_name: str = ""

    def __repr__(self) -> str:
        samples = counted(len(self.fold_of), "sample")
        return f"<Folds: {counted(len(self.folds), 'fold')} of {samples}, fingerprint {self.fingerprint}>"

    @property
    def fingerprint(self) -> str:
        """Digest of data, task, protocol and folds."""
        return digest(dict(self.parts))[:12]

    @property
    def fold_of(self) -> dict[str, str]:
        """The fold in which each id is tested."""
        return {sample: str(fold["name"]) for fold in self.folds for sample in fold["test"]}

    def to_json(self) -> dict[str, Any]:
        """The document of the file."""
        return {
            "format": FORMAT,
            "mmbench": __version__,
            "fingerprint": self.fingerprint,
            "parts": dict(self.parts),
            "request": asdict(self.request),
            "kind": self.kind,
            "names": list(self.names),
            "columns": ["id", "fold", "seed", *self.names],
            "folds": [dict(fold) for fold in self.folds],
            "groups": {name: dict(values) for name, values in self.groups.items()},
            **({"labels": {name: dict(values) for name, values in self.labels.items()}} if self.labels else {}),
        }


def folds(dataset: Any, out: Path | str | None = None, labels: bool = False, **options: Any) -> Folds:
    """The folds of a dataset, written to ``out`` (``.json``, or ``.csv`` with the ``.json`` beside it) if it is given.

    ``dataset`` and options are those of `run` that folds depend on: ``protocol``, ``folds``, ``stratify``, ``task``,
    ``metric``, ``units``, ``bad``, ``data``, ``cache`` and ``plugins``. With ``labels``, those of the training and the
    validation part of each fold are in the file, never those of its test part.
    """
    return write_folds(make_spec(_UNTRAINED, dataset, (), options), None if out is None else Path(out), labels)


def write_folds(spec: RunSpec, out: Path | None, labels: bool = False) -> Folds:
    """The folds of the options of a run, written to ``out`` if it is given."""
    if out is not None and out.suffix not in SUFFIXES:
        raise SpecError(
            f"{out.name} is neither .json nor .csv", where="--out", remedy="name it folds.json or folds.csv"
        )
    request, setup = cut_folds(spec)
    found = describe_folds(request, setup, labels)
    if out is not None:
        write_text(out.with_suffix(".json"), json.dumps(found.to_json()) + "\n")
        if out.suffix == ".csv":
            write_text(out, _as_csv(found))
    return found


def cut_folds(spec: RunSpec) -> tuple[CheckedRequest, Setup]:
    """The request of a run and its folds, as `run` cuts them: prepares the data, encodes and trains nothing."""
    request = check_request(resolve_request(spec))
    with mark_in_use(request.spec.cache):
        return request, retry_on_damage(lambda: split_data(request, prepare_data(request)))


def describe_folds(request: CheckedRequest, setup: Setup, labels: bool = False) -> Folds:
    """The folds of a setup as ids, with what they depend on."""
    store, described = setup.store, setup.described
    ids = store.ids.tolist()
    folds = tuple(folds_as_ids(setup))
    used = {sample for fold in folds for part in PARTS for sample in fold[part]}
    return Folds(
        Request(
            dataset=str(request.dataset_spec),
            protocol=request.protocol.name,
            folds=request.settings.folds,
            stratify=bool(request.settings.stratify),
            task=request.task,
            metric=request.metric,
            units=request.files.units if request.files.units is None else tuple(request.files.units),
            bad=request.spec.bad,
        ),
        {
            "data": described["prepared"],
            "task": request.task,
            "protocol": request.protocol.name,
            "folds": described["fingerprint"],
        },
        scoring_of(described).kind,
        tuple(described["classes"]),
        folds,
        {
            name: {sample: value for sample, value in zip(ids, values.tolist(), strict=True) if sample in used}
            for name, values in store.groups.items()
        },
        _training_labels(request, setup) if labels else {},
        data=request.spec.data,
        data_name=data_name(described),
    )


def _training_labels(request: CheckedRequest, setup: Setup) -> dict[str, dict[str, Any]]:
    """Labels of the training and the validation part of each fold: names of classes, or 0 and 1, or values."""
    store = setup.store
    names, values = setup.described["classes"], store.labels(request.task)
    known = set(find_labelled(values).tolist())
    is_class = scoring_of(setup.described).kind == "class"
    return {
        fold.name: {
            str(store.ids[row]): names[values[row]] if is_class else values[row].tolist()
            for part in (fold.train, fold.validation)
            for row in part.tolist()
            if row in known
        }
        for fold in setup.folds
    }


def read_folds(path: Path) -> Folds:
    """The folds of a file; DataError for one that is damaged, edited or no file of folds."""
    source = path.with_suffix(".json") if path.suffix.lower() == ".csv" else path
    if problem := _find_wrong_file(path, source):
        raise DataError(problem, where=path, remedy=_REMEDY)
    try:
        plain = _checked_document(load_json(source))
        found = _from_plain(plain, source)
        listed = [[fold["name"], *(sorted(fold[part]) for part in PARTS)] for fold in found.folds]
        if digest(listed)[:12] != found.parts["folds"] or found.fingerprint != plain["fingerprint"]:
            raise ValueError("its folds were edited: they do not have the fingerprint that it names")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is no file of folds: {describe_parse_error(error)}", where=source, remedy=_REMEDY) from error
    return found


def _find_wrong_file(path: Path, source: Path) -> str:
    """Why a path cannot be that of folds, of which ``source`` is the JSON file; empty if it may be."""
    if path.is_dir():
        return "is a folder, not a file of folds"
    if path.suffix.lower() not in SUFFIXES:
        return "is neither the .json that mmbench folds writes nor the .csv beside it"
    if source.exists():
        return ""
    if path.exists():
        return f"has no {source.name} beside it, which mmbench folds writes together with a table of folds"
    return "does not exist"


def _checked_document(plain: Any) -> Mapping[str, Any]:
    """The document of a file; ValueError, saying what it seems to be, for one that `Folds.to_json` did not write."""
    if isinstance(plain, list) or (isinstance(plain, dict) and {"format", "ids", "folds"} == set(plain)):
        raise ValueError("it is the folds.json of a folder of records, which has no fingerprint of the data")
    if not isinstance(plain, dict):
        raise ValueError(f"it holds one {type(plain).__name__}, not an object")
    if missing := [
        name for name in ("format", "request", "parts", "folds", "names", "fingerprint") if name not in plain
    ]:
        held = f"; it has {', '.join(map(repr, list(plain)[:3]))}" if plain else "; it is empty"
        raise ValueError(f"it has no {missing[0]!r}{held}")
    if plain["format"] != FORMAT:
        raise ValueError(f"its format is {plain['format']!r:.20}, of another version of mmbench, not {FORMAT}")
    return plain


def _from_plain(plain: Mapping[str, Any], path: Path) -> Folds:
    request = dict(plain["request"])
    request["units"] = None if request["units"] is None else tuple(request["units"])
    folds = tuple(plain["folds"])
    for fold in folds:
        if not isinstance(fold["name"], str) or not all(isinstance(each, str) for part in PARTS for each in fold[part]):
            raise ValueError("a fold has no name or no ids")
    return Folds(
        Request(**request),
        {name: str(plain["parts"][name]) for name in ("data", "task", "protocol", "folds")},
        _checked_kind(plain["kind"]),
        tuple(map(str, plain["names"])),
        folds,
        plain.get("groups", {}),
        path=path,
    )


def _checked_kind(kind: Any) -> TaskKind:
    if kind not in get_args(TaskKind):
        raise ValueError(f"{kind!r} is no kind of task")
    found: TaskKind = kind
    return found


def _as_csv(found: Folds) -> str:
    """A row for each sample and fold: fold, id, part, groups, and with labels the label of all but test samples."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_header(found))
    writer.writerows(_rows(found))
    return text.getvalue()


def _header(found: Folds) -> list[str]:
    columns = ["fold", "id", "part", *found.groups]
    if found.labels:
        columns += ["label"] if found.kind == "class" else [f"label {name}" for name in found.names]
    return columns


def _rows(found: Folds) -> Iterator[list[Any]]:
    n_labels = 0 if not found.labels else 1 if found.kind == "class" else len(found.names)
    for fold in found.folds:
        labels = found.labels.get(fold["name"], {})
        for part in PARTS:
            for sample in fold[part]:
                groups = [values.get(sample, "") for values in found.groups.values()]
                yield [fold["name"], sample, part, *groups, *_label_cells(labels.get(sample), n_labels)]


def _label_cells(label: Any, n: int) -> Sequence[Any]:
    if label is None:
        return [""] * n
    return label if isinstance(label, list) else [label]
