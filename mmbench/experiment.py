"""A run from its spec to its records: prepare, split, encode, train what is missing, compare."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from joblib import Parallel, delayed

from mmbench.comparison import Comparison, load_comparison
from mmbench.errors import ProtocolError, RecordError, SpecError
from mmbench.features import Encoding, build_encoder, encode
from mmbench.files import make_folder, write_text
from mmbench.hashing import code_digest, digest
from mmbench.inputs import Standardize
from mmbench.jobs import Plan, run_job
from mmbench.methods import Recipe, Wishes, resolve
from mmbench.plugins import Registry, load_registry
from mmbench.prepare import Preparation, default_cache, locate, prepare
from mmbench.progress import reporter
from mmbench.records import read_record, record_path, slug
from mmbench.relay import Relay
from mmbench.specs import Spec, did_you_mean, parse_spec
from mmbench.splits import Fold, default_protocol, find_protocol, fingerprint, make_folds
from mmbench.statistics import unit_of
from mmbench.store import Store
from mmbench.training import choose_device


@dataclass(frozen=True)
class RunSpec:
    """Everything one comparison is asked to be. ``mmbench run --help`` tells each."""

    method: str
    dataset: str
    against: tuple[str, ...] = ()
    protocol: str | None = None
    folds: int = 5
    task: str | None = None
    standardize: Standardize = "train"
    seeds: int = 1
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    data: Path | None = None
    out: Path = Path("runs")
    cache: Path | None = None
    device: str = "auto"
    jobs: int | None = None
    threads: int = 1
    bad: str = "error"
    plugins: tuple[str, ...] = ()


def run(method: str, dataset: str, against: Sequence[str] = (), **options: Any) -> Comparison:
    """Run ``method`` and the baselines ``against`` on ``dataset``; options are those of `RunSpec`.

    Only what no earlier run has done is done. Raises UserError for anything the user can mend.
    """
    return run_spec(RunSpec(method, dataset, tuple(against), **options))


def run_spec(spec: RunSpec) -> Comparison:
    """Run a comparison from its spec."""
    check_spec(spec)
    registry = load_registry(spec.plugins)
    cache = spec.cache or default_cache()
    dataset = parse_spec(spec.dataset)
    schema = registry.dataset(dataset).schema()
    # Whatever can be wrong with the line is found before hours of preparing.
    protocol = find_protocol(spec.protocol or default_protocol(schema), schema, spec.dataset)
    task = choose_task(schema.tasks, spec.task)
    if spec.standardize == "subject" and "subject" not in schema.groups:
        raise ProtocolError(f"{dataset.name} has no subjects", where="--standardize subject", remedy="choose train")
    wishes = Wishes(spec.encoders, spec.training, spec.preset)
    recipes = resolve(registry, spec.method, spec.against, dataset.name, schema, wishes)
    root = locate(registry, dataset, spec.data, cache)
    store = prepare(Preparation(dataset, root, cache, spec.plugins, spec.bad), jobs=n_jobs(spec))
    rows = np.flatnonzero(store.labels(task) >= 0)
    folds = _on_rows(make_folds(store.ids[rows], _groups(store, rows), protocol, spec.folds), rows)
    mark = fingerprint(folds, store.ids)
    home = make_folder(spec.out / slug(f"{dataset.name}-{task}-{protocol.name}-{mark}"))
    about = {
        "dataset": str(dataset),
        "card": asdict(registry.dataset(dataset).card),
        "prepared": store.key,
        "dropped": len(store.attributes["dropped"]),
        "protocol": protocol.name,
        "fingerprint": mark,
        "task": task,
        "classes": list(schema.tasks[task]),
        "standardize": spec.standardize,
        "unit": unit_of(store.groups, store.ids)[0],
    }
    plans = [_plan(spec, registry, recipe, store, about, home, cache) for recipe in recipes]
    write_text(home / "folds.json", json.dumps(_folds_as_ids(folds, store)))
    _run_missing(spec, plans, folds)
    return _write_comparison(home, plans)


def check_spec(spec: RunSpec) -> None:
    """Refuse options outside their range."""
    for name, value in (("seeds", spec.seeds), ("threads", spec.threads), ("jobs", n_jobs(spec))):
        if value < 1:
            raise SpecError(f"{value} is too few", where=f"--{name}", remedy="ask for 1 or more")
    choices = (("standardize", spec.standardize, get_args(Standardize)), ("bad", spec.bad, ("error", "drop")))
    for name, given, known in choices:
        if given not in known:
            raise SpecError(f"no choice {given!r}", where=f"--{name}", remedy=did_you_mean(str(given), known))


def n_jobs(spec: RunSpec) -> int:
    """Processes to use: as asked, else one a core."""
    return spec.jobs if spec.jobs is not None else len(os.sched_getaffinity(0))


def choose_task(tasks: Mapping[str, Sequence[str]], wanted: str | None) -> str:
    """The task asked for, or the dataset's first."""
    if wanted is not None and wanted not in tasks:
        raise SpecError(f"no task {wanted!r}", where="--task", remedy=did_you_mean(wanted, tasks))
    return wanted or next(iter(tasks))


def _groups(store: Store, rows: Any) -> dict[str, Any]:
    return {name: values[rows] for name, values in store.groups.items()}


def _on_rows(folds: Sequence[Fold], rows: Any) -> list[Fold]:
    """Folds over some rows as folds over all."""
    return [Fold(fold.name, rows[fold.train], rows[fold.validation], rows[fold.test]) for fold in folds]


def _folds_as_ids(folds: Sequence[Fold], store: Store) -> list[dict[str, Any]]:
    parts = ("train", "validation", "test")
    return [{"name": fold.name, **{part: store.ids[getattr(fold, part)].tolist() for part in parts}} for fold in folds]


def _plan(
    spec: RunSpec,
    registry: Registry,
    recipe: Recipe,
    store: Store,
    about: Mapping[str, Any],
    home: Path,
    cache: Path,
) -> Plan:
    device = str(choose_device(spec.device))
    tokens = {}
    for name, encoder in recipe.encoders.items():
        modality = store.schema.modality(name)
        if build_encoder(encoder, modality, spec.plugins, 0).frozen:
            what = Encoding(store.path, name, encoder, spec.plugins, device, spec.threads)
            tokens[name] = encode(what, cache, n_jobs(spec))
    described = {
        **about,
        "method": recipe.label,
        "fusion": _component(registry, "fusions", recipe.fusion),
        "encoders": {
            name: {**_component(registry, "encoders", encoder), "tokens": tokens[name].stem if name in tokens else None}
            for name, encoder in recipe.encoders.items()
        },
        "own_encoders": recipe.own_encoders,
        "training": asdict(recipe.training),
        "device": torch.device(device).type,
        "threads": spec.threads,
        "torch": torch.__version__,
    }
    key = digest({name: value for name, value in described.items() if name not in ("card", "dropped")})
    folder = home / f"{slug(recipe.label)}-{key[:10]}"
    return Plan(
        recipe,
        tokens,
        store.path,
        str(about["task"]),
        spec.standardize,
        spec.plugins,
        device,
        spec.threads,
        folder,
        {**described, "key": key, "preset": recipe.preset},
    )


def _component(registry: Registry, kind: str, spec: Spec) -> dict[str, Any]:
    cls = registry.find(kind, spec.name).component
    return {
        "name": spec.name,
        "params": registry.bound(kind, spec),
        "version": cls.version,
        "code": code_digest(cls),
    }


def _run_missing(spec: RunSpec, plans: Sequence[Plan], folds: Sequence[Fold]) -> None:
    # Folds before methods: an interrupted comparison has compared something.
    wanted = [(plan, fold, seed) for seed in range(spec.seeds) for fold in folds for plan in plans]
    missing = list(_missing(wanted))
    if len(missing) < len(wanted):
        reporter().message(f"{len(wanted) - len(missing)} of {len(wanted)} folds were done before")
    if not missing:
        return
    jobs = 1 if plans[0].device.startswith("cuda") else min(n_jobs(spec), len(missing))
    with Relay(jobs, len(missing), "folds") as relay:
        work = (delayed(run_one)(plan, fold, seed, path, relay.channel) for plan, fold, seed, path in missing)
        for label in Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(work):
            relay.done(label)


def _missing(wanted: Sequence[tuple[Plan, Fold, int]]) -> Iterator[tuple[Plan, Fold, int, Path]]:
    for plan, fold, seed in wanted:
        path = record_path(plan.folder, fold.name, seed)
        if path.exists():
            try:
                read_record(path)
                continue
            except RecordError as error:
                reporter().message(f"done again: {error.message} ({path.name})")
        yield plan, fold, seed, path


def run_one(plan: Plan, fold: Fold, seed: int, path: Path, channel: Any) -> str:
    """One job, telling its epochs to ``channel``; returns what it was."""
    label = f"{plan.recipe.label} · fold {fold.name}" + (f" · seed {seed}" if seed else "")
    run_job(plan, fold, seed, path, lambda epoch: channel.put((label, plan.recipe.training.epochs, epoch)))
    channel.put((label, 0, None))
    return label


def _write_comparison(home: Path, plans: Sequence[Plan]) -> Comparison:
    folders = [plan.folder.name for plan in plans]
    path = home / f"comparison-{digest(folders)[:10]}.json"
    write_text(path, json.dumps({"runs": folders}))
    return load_comparison(path)
