"""A run from its spec to its records: prepare, split, encode, train what is missing, compare."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.building import all_params, check_augment, check_buildable
from mmbench.comparison import Comparison, load_comparison
from mmbench.errors import ProtocolError, SpecError
from mmbench.files import make_folder, write_text
from mmbench.hashing import digest
from mmbench.jobs import Plan
from mmbench.methods import Wishes, resolve
from mmbench.origins import refuse_seen
from mmbench.planning import Setting, make_plan
from mmbench.plugins import load_registry
from mmbench.prepare import Preparation, check_files, known_schema, locate, prepare, source_digests
from mmbench.records import slug
from mmbench.runspec import RunSpec, anchored, check_spec, n_jobs
from mmbench.saving import Saving, check_saving, save_encoders, unsaved
from mmbench.schedule import run_missing
from mmbench.specs import did_you_mean, parse_spec
from mmbench.splits import Fold, default_protocol, find_protocol, fingerprint, fold_of_all, make_folds, straddling
from mmbench.statistics import unit_of
from mmbench.store import Store
from mmbench.training import choose_device


def run(method: str, dataset: str, against: Sequence[str] = (), **options: Any) -> Comparison:
    """Run ``method`` and the baselines ``against`` on ``dataset``; options are those of `RunSpec`.

    Only what no earlier run has done is done. Raises UserError for anything the user can mend.
    """
    return run_spec(RunSpec(method, dataset, tuple(against), **options))


def run_spec(spec: RunSpec) -> Comparison:
    """Run a comparison from its spec."""
    check_spec(spec)
    spec = anchored(spec)
    registry = load_registry(spec.plugins)
    name = parse_spec(spec.dataset)
    dataset = registry.dataset(name)
    schema = known_schema(dataset, lambda: locate(registry, name, spec.data, spec.cache))
    # Whatever can be wrong with the line is found before hours of preparing.
    protocol = find_protocol(spec.protocol or default_protocol(schema), schema, spec.dataset)
    task = choose_task(schema.tasks, spec.task)
    if spec.standardize == "subject" and "subject" not in schema.groups:
        raise ProtocolError(f"{name.name} has no subjects", where="--standardize subject", remedy="choose train")
    device = str(choose_device(spec.device))
    wishes = Wishes(spec.encoders, spec.training, spec.preset)
    recipes = resolve(registry, spec.method, spec.against, name.name, schema, wishes)
    root = locate(registry, name, spec.data, spec.cache)
    check_files(dataset, root)
    check_buildable(recipes, schema, len(schema.tasks[task]), spec.plugins)
    check_augment(recipes[0], schema, spec.plugins)
    check_saving(spec.save_encoders, recipes[0], schema.modalities, spec.plugins)
    files = Preparation(name, root, spec.cache, spec.plugins, spec.bad)
    for recipe in recipes:
        for params in all_params(recipe, spec.plugins):
            refuse_seen(params, lambda: source_digests(files))
    store = prepare(files, jobs=n_jobs(spec))
    rows = np.flatnonzero(store.labels(task) >= 0)
    folds = _on_rows(make_folds(store.ids[rows], _groups(store, rows), protocol, spec.folds), rows)
    about = {
        "dataset": str(name),
        "card": asdict(dataset.card_of(root)),
        "protocol": protocol.name,
        "standardize": spec.standardize,
        "task": task,
        **_describe_split(store, folds, task),
    }
    home = make_folder(spec.out / slug(f"{name.name}-{task}-{protocol.name}-{about['fingerprint']}"))
    setting = Setting(store, about, home, spec.cache, spec.plugins, device, spec.threads, n_jobs(spec))
    plans = [make_plan(setting, recipe) for recipe in recipes]
    write_text(home / "folds.json", json.dumps(_folds_as_ids(folds, store)))
    unsaved_files = unsaved(spec.save_encoders, plans[0])
    run_missing(plans, folds, spec.seeds, n_jobs(spec))
    if unsaved_files:
        whole = fold_of_all(store.ids[rows], _groups(store, rows), protocol)
        save_encoders(Saving(unsaved_files, source_digests(files)), plans[0], *_on_rows([whole], rows))
    return _write_comparison(home, plans, spec.seeds)


def _describe_split(store: Store, folds: Sequence[Fold], task: str) -> dict[str, Any]:
    """What records say of the samples and of how they are shared out."""
    return {
        "prepared": store.key,
        "dropped": len(store.attributes["dropped"]),
        "classes": list(store.schema.tasks[task]),
        "unit": unit_of(store.groups, store.ids)[0],
        "folds": len(folds),
        "fingerprint": fingerprint(folds, store.ids),
        "straddling": straddling(folds, store.groups),
    }


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


def _write_comparison(home: Path, plans: Sequence[Plan], seeds: int) -> Comparison:
    listed = {"runs": [plan.folder.name for plan in plans], "seeds": seeds}
    path = home / f"comparison-{digest(listed)[:10]}.json"
    write_text(path, json.dumps(listed))
    return load_comparison(path)
