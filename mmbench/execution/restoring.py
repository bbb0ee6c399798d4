"""Restores the trained model of a record, its plan, and the data it was tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.contract import Training
from mmbench.data import FOLDS_FILE, Fold, Inputs, Store, read_fold_file
from mmbench.errors import RecordError
from mmbench.execution.plan import Plan, build_model, closed_files, known_labels, make_inputs, needs_isolation
from mmbench.integrity import find_size, guard_files
from mmbench.registry import Recipe, Spec, parse_spec, training_seed, update_training
from mmbench.results import Record, check_rebuildable, described_predictor, read_record
from mmbench.storage import describe_parse_error
from mmbench.training import EstimatorModel, Model, check_weights_file, restore_weights, weights_path
from mmbench.tuning import set_parameters

_AGAIN = "run the same command again: it prepares what is missing and keeps the records"


@dataclass(frozen=True)
class RestoredPlan:
    """A record, the plan of its training with the CPU as device, its fold, and the prepared store."""

    record: Record
    plan: Plan
    fold: Fold
    store: Store


@dataclass(frozen=True)
class RestoredModel(RestoredPlan):
    """A trained model in evaluation mode and its inputs; the record holds no labels, which no component may see."""

    model: Model
    inputs: Inputs


def restore_model(path: Path, cache: Path, plugins: tuple[str, ...] = ()) -> RestoredModel:
    """The model behind the record at ``path``, on the CPU: from its weights, or an estimator fitted again.

    ``cache`` is the folder of prepared data, ``plugins`` the files that were loaded with it. Raises RecordError when
    the weights were not kept, or the prepared data are no longer there.
    """
    found = restore_plan(path, cache, plugins)
    found = replace(found, record=replace(found.record, labels=()))
    record, plan, store = found.record, found.plan, found.store
    draw = training_seed(record.seed, record.fold, record.run.get("seeding"))
    with guard_files(closed_files(plan)):
        inputs = make_inputs(plan, store, found.fold)
        if plan.recipe.kind == "fusion":
            check_weights_file(weights_path(path), find_size(lambda: build_model(plan, store, draw)) or 0)
        model = build_model(plan, store, draw)
        if isinstance(model, EstimatorModel):
            labels, training = known_labels(store, plan.task, found.fold), plan.recipe.training
            model.fit_targets(labels[found.fold.train])
            model.fit_estimator(inputs, found.fold.train, labels, training, draw)
        else:
            restore_weights(weights_path(path), model, record.weights or "")
    return RestoredModel(**vars(found), model=model.eval(), inputs=inputs)


def restore_plan(path: Path, cache: Path, plugins: tuple[str, ...] = ()) -> RestoredPlan:
    """The plan and data of the record at ``path``; RecordError as `restore_model`."""
    record = read_rebuildable(path)
    if record.weights is None and described_predictor(record.run).kind == "fusion":
        raise RecordError(
            "kept no weights", where=path, remedy="delete it and run the same command again with --weights keep"
        )
    plan, store = _find_plan(record, path.parent, cache, plugins)
    fold = find_fold(path.parent.parent / FOLDS_FILE, record.fold, store)
    return RestoredPlan(record, plan, fold, store)


def read_rebuildable(path: Path) -> Record:
    """A record that describes how its model was built; RecordError if it is incomplete or damaged."""
    record = read_record(path)
    try:
        check_rebuildable(record.run, record.tuning)
    except ValueError as error:
        raise RecordError(
            f"does not describe how its model was built ({describe_parse_error(error)})",
            where=path,
            remedy="delete it and run the same command again",
        ) from error
    return record


def _find_plan(record: Record, folder: Path, cache: Path, plugins: tuple[str, ...]) -> tuple[Plan, Store]:
    run = record.run
    dataset = parse_spec(run["dataset"]).name
    store = Store(_existing(cache / "prepared" / f"{dataset}-{run['prepared'][:16]}.h5"))
    tokens = {
        name: _existing(cache / "tokens" / f"{encoder['tokens']}.h5")
        for name, encoder in run["encoders"].items()
        if encoder["tokens"]
    }
    return rebuild_plan(record, folder, store, tokens, plugins), store


def rebuild_plan(
    record: Record, folder: Path, store: Store, tokens: Mapping[str, Path], plugins: tuple[str, ...]
) -> Plan:
    """The plan that a record was made by, over files that are at hand, for the CPU; it keeps no weights.

    Where the fold was tuned, its model has the parameters that were chosen for it. Raises RecordError for a record of
    other data than those in ``store``.
    """
    run = record.run
    _check_data(run, store, folder)
    tuned = record.tuning["chosen"] if record.tuning else {}
    predictor = described_predictor(run)
    recipe = Recipe(
        label=run["method"],
        modalities=tuple(run["modalities"]),
        predictor=Spec(predictor.name, predictor.params),
        encoders={name: Spec(encoder["name"], encoder["params"]) for name, encoder in run["encoders"].items()},
        training=Training(**run["training"]),
        kind=predictor.kind,
        trainer=Spec(run["trainer"]["name"], run["trainer"]["params"]) if "trainer" in run else None,
    )
    recipe = set_parameters(recipe, tuned)
    return Plan(
        recipe=replace(recipe, training=update_training(Training(), asdict(recipe.training), f"{folder} training")),
        tokens=tokens,
        store=store.path,
        task=run["task"],
        standardize=run["standardize"],
        plugins=plugins,
        device="cpu",
        threads=run["threads"],
        folder=folder,
        run=run,
        keep="drop",
        isolated=needs_isolation(recipe, plugins),
    )


def _check_data(run: Mapping[str, Any], store: Store, folder: Path) -> None:
    known = {modality.name for modality in store.schema.modalities}
    wanted = "subject" if run["standardize"] == "subject" else None
    if (
        not known >= set(run["modalities"])
        or run["task"] not in store.schema.tasks
        or wanted not in (None, *store.groups)
    ):
        raise RecordError(f"is of other data than {store.path.name}", where=folder, remedy=_AGAIN)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RecordError("the data behind this run are no longer in the cache", where=path, remedy=_AGAIN)
    return path


def find_fold(path: Path, name: str, store: Store) -> Fold:
    """The rows of a fold, from the file of folds; RecordError if that is damaged or lacks the fold."""
    try:
        folds = read_fold_file(path)
        row_of = {sample: row for row, sample in enumerate(store.ids.tolist())}
        return Fold(name, *(_rows(folds.samples(name, part), row_of) for part in ("train", "validation", "test")))
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(f"lacks the samples of fold {name}", where=path, remedy=_AGAIN) from error


def _rows(ids: Sequence[str], row_of: dict[str, int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([row_of[sample] for sample in ids], dtype=np.int64)
