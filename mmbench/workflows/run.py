"""A run from its spec to its records: prepare, split, encode, train what is missing, compare."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.data import (
    Fold,
    Preparation,
    Rows,
    Store,
    find_group_overlap,
    find_missing_classes,
    make_folds,
    make_full_fold,
    missing_class_lines,
    prepare,
    source_digests,
    split_fingerprint,
)
from mmbench.execution import Plan, Setting, make_plan, run_missing, tuned_for
from mmbench.integrity import Findings, find_missing, find_same, refuse_seen, share_copied, tell
from mmbench.registry import Recipe, all_parameters, check_augmentation, resolve_methods
from mmbench.results import Comparison, check_agreement, load_comparison, unit_of
from mmbench.storage import current_reporter, digest, make_folder, mark_in_use, retry_on_damage, slug, write_text
from mmbench.workflows.claims.commands import portable_command
from mmbench.workflows.forecast import forecast_lines
from mmbench.workflows.request import RunSpec, budget_of, n_jobs
from mmbench.workflows.resolve import Asked, examine, find_files, settle
from mmbench.workflows.reuse import Asking, describe_asking
from mmbench.workflows.save_encoder import Saving, check_saving, save_encoders, unsaved


def run(method: str, dataset: str, against: Sequence[str] = (), **options: Any) -> Comparison:
    """Run ``method`` and the baselines ``against`` on ``dataset``; options are those of `RunSpec`.

    Only what no earlier run has done is done. Raises UserError for anything the user can mend.
    """
    return run_spec(RunSpec(method, dataset, tuple(against), **options))


def run_spec(spec: RunSpec) -> Comparison:
    """Run a comparison from its spec."""
    asked = settle(spec)
    recipes = resolve_methods(asked.registry, spec.method, spec.against, asked.name.name, asked.schema, asked.wishes)
    files = find_files(asked)
    # Whatever can be wrong with the line is found before hours of preparing.
    findings = examine(asked, recipes)
    check_saving(spec.save_encoders, recipes[0], asked.schema.modalities, spec.plugins)
    home, plans = carry_out(asked, files, recipes, findings)
    return _write_comparison(home, plans, spec, asked.design.seeds, describe_asking(asked, recipes))


@dataclass(frozen=True)
class Layout:
    """What is to be trained: every plan on every fold, over the ``rows`` that have a label; records go to ``home``."""

    home: Path
    store: Store
    rows: Rows
    folds: Sequence[Fold]
    plans: list[Plan]


def carry_out(
    asked: Asked, files: Preparation, recipes: Sequence[Recipe], findings: Findings
) -> tuple[Path, list[Plan]]:
    """Prepare, split, encode and train what is missing; the folder of the records, and what was done."""
    with mark_in_use(asked.spec.cache):
        return retry_on_damage(lambda: _carry_out(asked, files, recipes, findings))


def _carry_out(
    asked: Asked, files: Preparation, recipes: Sequence[Recipe], findings: Findings
) -> tuple[Path, list[Plan]]:
    layout = lay_out(asked, files, recipes, findings)
    missing = unsaved(asked.spec.save_encoders, layout.plans[0])
    run_missing(layout.plans, layout.folds, asked.design.seeds, n_jobs(asked.spec), asked.spec.cluster)
    if missing:
        store, rows = layout.store, layout.rows
        (whole,) = _on_rows([make_full_fold(store.ids[rows], _groups(store, rows), asked.protocol)], rows)
        plan = tuned_for(layout.plans[0], whole, layout.folds)
        save_encoders(Saving(missing, source_digests(files)), plan, whole)
    return layout.home, layout.plans


def lay_out(asked: Asked, files: Preparation, recipes: Sequence[Recipe], findings: Findings) -> Layout:
    """Prepare, split and encode: everything but training."""
    tell(findings)
    return lay_out_on(open_data(asked, files, recipes), asked, files, recipes, findings)


def open_data(asked: Asked, files: Preparation, recipes: Sequence[Recipe]) -> Store:
    """The prepared data, for recipes that may be trained on them."""
    plugins = asked.spec.plugins
    check_augmentation(recipes[0], asked.schema, plugins)
    for params in (params for recipe in recipes for params in all_parameters(recipe, plugins)):
        refuse_seen(params, lambda: source_digests(files))
    return prepare(files, jobs=n_jobs(asked.spec))


def lay_out_on(store: Store, asked: Asked, files: Preparation, recipes: Sequence[Recipe], findings: Findings) -> Layout:
    """Split prepared data and encode them."""
    rows, folds, setting = share_out(store, asked, files)
    for line in missing_class_lines(setting.about["lacking"], len(folds)):
        current_reporter().message(line)
    for line in forecast_lines(store, asked, rows, folds, len(recipes) - 1):
        current_reporter().message(line)
    make_folder(setting.home)
    plans = [make_plan(setting, recipe, findings[recipe.label]) for recipe in recipes]
    write_text(setting.home / "folds.json", json.dumps(_folds_as_ids(folds, store)))
    return Layout(setting.home, store, rows, folds, plans)


def share_out(store: Store, asked: Asked, files: Preparation) -> tuple[Rows, Sequence[Fold], Setting]:
    """The samples that have a label, their folds, and what all methods share; nothing is encoded or written."""
    spec, design = asked.spec, asked.design
    rows = labelled_rows(store, asked.task)
    labels = store.labels(asked.task)[rows]
    cut = make_folds(store.ids[rows], _groups(store, rows), asked.protocol, design.folds, labels=labels)
    folds = _on_rows(cut, rows)
    about = {
        "dataset": str(asked.name),
        "card": asdict(asked.dataset.card_of(files.root)),
        "protocol": asked.protocol.name,
        "standardize": design.standardize,
        "task": asked.task,
        "units": files.units,
        "offered": [modality.name for modality in asked.schema.modalities],
        **_describe_split(store, folds, asked.task),
        "copies": _share_copied(store, rows, folds, asked),
    }
    home = spec.out / slug(f"{asked.name.name}-{asked.task}-{asked.protocol.name}-{about['fingerprint']}")
    setting = Setting(
        store,
        about,
        home,
        spec.cache,
        spec.plugins,
        asked.device,
        spec.threads,
        n_jobs(spec),
        spec.weights,
        budget_of(spec),
        spec.diagnose,
        files,
    )
    return rows, folds, setting


def _share_copied(store: Store, rows: Rows, folds: Sequence[Fold], asked: Asked) -> float:
    """The share of test samples of which a copy is in the other parts, in all modalities that are offered."""
    names = [modality.name for modality in asked.schema.modalities]
    everything = np.arange(len(store))
    same = {name: rows[pairs] for name, pairs in find_same(store, rows, names).items()}
    return share_copied(same, find_missing(store, everything, names), store.labels(asked.task), folds)


def labelled_rows(store: Store, task: str) -> Rows:
    """The samples that have a label of the task."""
    return np.flatnonzero(store.labels(task) >= 0)


def _describe_split(store: Store, folds: Sequence[Fold], task: str) -> dict[str, Any]:
    """What records say of the samples and of how they are shared out."""
    return {
        "prepared": store.key,
        "dropped": len(store.attributes["dropped"]),
        "lost": list(store.attributes.get("lost", ())),
        "gaps": store.attributes["gaps"],
        "classes": list(store.schema.tasks[task]),
        "unit": unit_of(store.groups, store.ids)[0],
        "folds": len(folds),
        "fingerprint": split_fingerprint(folds, store.ids),
        "straddling": find_group_overlap(folds, store.groups),
        "lacking": _describe_lacking(store, folds, task),
    }


def _describe_lacking(store: Store, folds: Sequence[Fold], task: str) -> dict[str, dict[str, int]]:
    """In how many folds the training or the validation part lacks a class, by part and name of the class."""
    classes = store.schema.tasks[task]
    found = find_missing_classes(folds, store.labels(task), range(len(classes)))
    return {part: {classes[label]: count for label, count in counts.items()} for part, counts in found.items()}


def _groups(store: Store, rows: Any) -> dict[str, Any]:
    return {name: values[rows] for name, values in store.groups.items()}


def _on_rows(folds: Sequence[Fold], rows: Any) -> list[Fold]:
    """Folds over some rows as folds over all."""
    return [Fold(fold.name, rows[fold.train], rows[fold.validation], rows[fold.test]) for fold in folds]


def _folds_as_ids(folds: Sequence[Fold], store: Store) -> list[dict[str, Any]]:
    parts = ("train", "validation", "test")
    return [{"name": fold.name, **{part: store.ids[getattr(fold, part)].tolist() for part in parts}} for fold in folds]


def _write_comparison(home: Path, plans: Sequence[Plan], spec: RunSpec, seeds: int, asking: Asking) -> Comparison:
    listed = {"runs": [plan.folder.name for plan in plans], "seeds": seeds}
    path = home / f"comparison-{digest(listed)[:10]}.json"
    write_text(path, json.dumps({**listed, "asked": asdict(asking), "command": portable_command(spec)}))
    comparison = load_comparison(path)
    check_agreement(comparison, Path(spec.cache))  # in Python, a path may be a str
    return comparison
