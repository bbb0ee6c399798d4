"""Scores of predictions made elsewhere, as records beside those of the methods that were trained here."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.data import FOLDS_FILE, default_cache_folder, make_fold_file, write_fold_file
from mmbench.errors import DataError, RecordError, SpecError
from mmbench.execution import Setup
from mmbench.registry import did_you_mean
from mmbench.results import (
    Comparison,
    Elsewhere,
    MethodResult,
    Record,
    Scoring,
    as_rows,
    check_data_agreement,
    describe_environment,
    find_records,
    find_statistical_units,
    load_comparison,
    load_method,
    read_record,
    record_path,
    scoring_of,
    write_record,
)
from mmbench.storage import (
    check_printable,
    current_reporter,
    digest,
    load_object,
    make_folder,
    slug,
    write_text,
)
from mmbench.training import score_outputs
from mmbench.workflows.predictions.assignment import Assignment, assign_rows, find_unused
from mmbench.workflows.predictions.folds import Folds, cut_folds, describe_folds, read_folds
from mmbench.workflows.predictions.outputs import Outputs, Wanted, needs_scores, read_outputs
from mmbench.workflows.predictions.table import read_table
from mmbench.workflows.request import RunSpec

_LONGEST = 80  # characters of a name
_WHAT = {
    "data": "the files, the dataset's parameters or the code that reads it changed",
    "task": "the dataset has another task under this name",
    "protocol": "the dataset has another protocol under this name",
    "folds": "the samples, their groups or the rule of the split changed",
}


@dataclass(frozen=True)
class ScoreSpec:
    """The options of one scoring; ``mmbench score --help`` explains each.

    ``predictions`` is a path, a data frame or a mapping of arrays, ``folds`` a path or the result of `folds`.
    """

    predictions: Any
    folds: Any
    name: str
    outputs: Wanted = "auto"
    against: tuple[str, ...] = ("auto",)
    source: str = ""
    data: Path | None = None
    out: Path = Path("runs")
    cache: Path = field(default_factory=default_cache_folder)
    plugins: tuple[str, ...] = ()


def score(predictions: Any, folds: Any, name: str, against: Sequence[str] | str = "auto", **options: Any) -> Comparison:
    """Score predictions that were made elsewhere, beside the methods that were run on the same folds.

    ``predictions`` is the path of a CSV, Parquet or NumPy file, a data frame, or a mapping of arrays: ``id``, ``fold``
    and ``seed`` (both may be left out), and a column for each class, label or target, or ``prediction`` with the
    predicted class. ``folds`` is the path that `folds` wrote, or its result. Options are those of `ScoreSpec`. Raises
    UserError for what the user can fix.
    """
    names = (against,) if isinstance(against, str) else tuple(against)
    return score_spec(ScoreSpec(predictions, folds, name, against=names, **options))


def score_spec(spec: ScoreSpec) -> Comparison:
    """Write the records of predictions, and compare them with the runs over the same folds."""
    _check_name(spec)
    folds = spec.folds if isinstance(spec.folds, Folds) else read_folds(Path(spec.folds))
    table = read_table(spec.predictions, folds.names)
    rows = assign_rows(table, folds)
    outputs = read_outputs(table, folds.kind, folds.names, spec.outputs)
    request, setup = cut_folds(_run_spec(spec, folds))
    _check_fingerprint(folds, describe_folds(request, setup))
    if unused := find_unused(table, outputs.columns):
        current_reporter().message(f"{table.name}: columns that are not used: {', '.join(unused)}")
    current_reporter().message(f"{table.name}: read as {outputs.kind}")
    origin = Elsewhere(outputs.kind, Path(table.name).name, hashlib.sha256(table.content).hexdigest(), spec.source)
    folder = _write(spec, setup, outputs, rows, origin)
    others = _choose_others(setup.home, folder, spec)
    comparison = _compare(folder, others, spec)
    signs = [sign for sign in comparison.suspicions if sign.method == comparison.methods[0].name]
    if signs:
        flags = tuple({"kind": sign.kind, "text": sign.text} for sign in signs)
        _add_flags(folder, flags)
        comparison = _compare(folder, others, spec)
    check_data_agreement(comparison, request.spec.cache)
    return comparison


def _check_name(spec: ScoreSpec) -> None:
    problem = None
    if not spec.name.strip() or not slug(spec.name).strip("-"):
        problem = "is empty"
    elif len(spec.name) > _LONGEST:
        problem = f"has more than {_LONGEST} characters"
    try:
        check_printable(spec.name, spec.source)
    except ValueError as error:
        problem = f"cannot be written to records: {error}"
    if problem:
        raise SpecError(problem, where="--name", remedy="name the method in a few words")


def _run_spec(spec: ScoreSpec, folds: Folds) -> RunSpec:
    request = folds.request
    return RunSpec(
        "prior",
        request.dataset,
        protocol=request.protocol,
        folds=request.folds,
        stratify=request.stratify,
        task=request.task,
        metric=request.metric,
        units=request.units,
        bad=request.bad,
        data=spec.data or folds.data,
        out=Path(spec.out),
        cache=Path(spec.cache),
        plugins=tuple(spec.plugins),
    )


def _check_fingerprint(folds: Folds, today: Folds) -> None:
    for name, found in today.parts.items():
        if folds.parts[name] != found:
            raise DataError(
                f"its {name} {folds.parts[name][:12]} is {found[:12]} today: {_WHAT[name]}",
                where=folds.path or "folds",
                remedy="write the folds again with mmbench folds, and predict their test parts",
            )
    if (folds.kind, folds.names) != (today.kind, today.names):
        raise DataError(
            f"its names are not {', '.join(today.names)}, in this order, of the task {folds.request.task}",
            where=folds.path or "folds",
            remedy="write the folds again with mmbench folds",
        )


def _write(spec: ScoreSpec, setup: Setup, outputs: Outputs, rows: Assignment, origin: Elsewhere) -> Path:
    """Write a record for each fold and seed; the folder of the records."""
    scoring, left_out = _choose_metrics(setup, outputs)
    key = digest([spec.name, origin.outputs, origin.sha256, setup.described["prepared"], scoring.metric])
    folder = setup.home / f"{slug(spec.name)}-{key[:10]}"
    earlier = len(set(_find_earlier(setup.home, spec.name)) - {folder})
    described = {name: value for name, value in setup.described.items() if name != "metrics"}
    run = {
        **described,
        **scoring.described(),
        "method": spec.name,
        "modalities": [],
        "encoders": {},
        "own_encoders": False,
        "training": {},
        "preset": None,
        "device": "elsewhere",
        "elsewhere": asdict(replace(origin, earlier=earlier, left_out=left_out)),
        "key": key,
    }
    make_folder(folder)
    write_fold_file(setup.home / FOLDS_FILE, make_fold_file(setup.store.ids, setup.folds))
    for record in _make_records(setup, run, scoring, outputs, rows):
        write_record(record_path(folder, record.fold, record.seed), record)
    return folder


def _choose_metrics(setup: Setup, outputs: Outputs) -> tuple[Scoring, tuple[str, ...]]:
    """The metrics that the outputs suffice for, and the titles of the others; SpecError where the deciding one is."""
    scoring = scoring_of(setup.described)
    if outputs.kind != "labels":
        return scoring, ()
    metrics = scoring.find_metrics(setup.plugins)
    n_outputs = outputs.values.shape[1]
    lacking = [name for name, metric in metrics.items() if needs_scores(metric, scoring.kind, n_outputs)]
    if scoring.metric in lacking:
        raise SpecError(
            f"{metrics[scoring.metric].title} needs probabilities or logits",
            where=f"--metric {scoring.metric}",
            remedy="give them for each class, or write folds with another metric",
        )
    kept = tuple(name for name in scoring.metrics if name not in lacking)
    return replace(scoring, metrics=kept), tuple(metrics[name].title for name in lacking)


def _make_records(
    setup: Setup, run: Mapping[str, Any], scoring: Scoring, outputs: Outputs, rows: Assignment
) -> Iterator[Record]:
    store, metrics = setup.store, scoring.find_metrics(setup.plugins)
    labels, units = store.labels(setup.described["task"]), find_statistical_units(store.groups, store.ids)[1]
    tested = {fold.name: fold.test for fold in setup.folds}
    for (seed, fold), mine in rows.items():
        predicted, test = outputs.values[mine], tested[fold]
        yield Record(
            run=run,
            fold=fold,
            seed=seed,
            ids=tuple(store.ids[test].tolist()),
            labels=as_rows(labels[test].tolist()),
            units=tuple(units[test].tolist()),
            logits=tuple(map(tuple, predicted.tolist())),
            scores={"chosen": score_outputs(metrics, labels[test], predicted)},
            epochs={},
            history=(),
            parameters={},
            seconds=0.0,
            environment=describe_environment(),
        )


def _find_earlier(home: Path, name: str) -> Iterator[Path]:
    """The folders of all predictions that were scored under a name."""
    for folder in sorted(home.glob(f"{slug(name)}-*")):
        try:
            run = read_record(next(find_records(folder))).run
        except (StopIteration, RecordError):
            continue
        if run["method"] == name and "elsewhere" in run:
            yield folder


def _add_flags(folder: Path, flags: Sequence[Mapping[str, str]]) -> None:
    for path in list(find_records(folder)):
        record = read_record(path)
        run = {**record.run, "elsewhere": {**record.run["elsewhere"], "flags": list(flags)}}
        write_record(path, replace(record, run=run))


def _choose_others(home: Path, mine: Path, spec: ScoreSpec) -> list[Path]:
    """The runs that the predictions are compared with: those of the comparisons over the same folds, newest first."""
    if spec.against == ("none",):
        return []
    found = dict(_find_comparable(home, load_method(mine)))
    if spec.against == ("auto",):
        if not found:
            current_reporter().message("no method was run on these folds with the same options: mmbench run runs one")
        return list(found)
    chosen = []
    for name in spec.against:
        same = [folder for folder, method in found.items() if name in (method.name, method.run["method"], folder.name)]
        if not same:
            known = [method.name for method in found.values()]
            raise SpecError(
                f"no run {name!r} on these folds",
                where="--against",
                remedy=did_you_mean(name, known) if known else "run it first with mmbench run",
            )
        chosen += same[:1]
    return list(dict.fromkeys(chosen))


def _find_comparable(home: Path, mine: MethodResult) -> Iterator[tuple[Path, MethodResult]]:
    """Complete runs of comparisons, over the same data and by the same metric; the others are reported."""
    name = mine.run["method"]
    for folder in _listed(home):
        try:
            method = load_method(folder)
        except RecordError as error:
            current_reporter().message(f"left out: {error.line}")
            continue
        if folder == mine.folder or (method.is_elsewhere and method.run["method"] == name):
            continue
        why = None
        if method.missing:
            why = "has missing folds"
        elif method.run["prepared"] != mine.run["prepared"]:
            why = "is of other data"
        elif method.metric != mine.metric:
            why = f"was chosen by {method.metric}"
        if why:
            current_reporter().message(f"left out: {method.name} {why}")
            continue
        yield folder, method


def _listed(home: Path) -> list[Path]:
    """The folders of the runs in all comparisons of a folder, of the newest comparison first."""
    listed: list[Path] = []
    for path in sorted(home.glob("comparison-*.json"), key=lambda path: (-path.stat().st_mtime_ns, path)):
        try:
            listed += [home / str(name) for name in load_object(path)["runs"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            current_reporter().message(f"left out: {path} is damaged ({type(error).__name__})")
    return [folder for folder in dict.fromkeys(listed) if any(find_records(folder))]


def _compare(mine: Path, others: Sequence[Path], spec: ScoreSpec) -> Comparison:
    """Write which records are compared, and compare them."""
    folders = [mine, *others]
    seeds = 1 + max(read_record(path).seed for folder in folders for path in find_records(folder))
    runs = {"runs": [folder.name for folder in folders], "seeds": seeds}
    path = mine.parent / f"comparison-{digest(runs)[:10]}.json"
    write_text(path, json.dumps(runs))
    return load_comparison(path)
