"""One job is one method on one fold with one seed: from the prepared file to a record on disk."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmbench.data import Fold, Inputs, Store
from mmbench.errors import PluginError
from mmbench.execution.plan import (
    Keep,
    Plan,
    call,
    closed_to,
    find_presence,
    known_labels,
    make_canaries,
    make_inputs,
    open_store,
    shown,
)
from mmbench.features import FROZEN_SEED, encoder_size
from mmbench.integrity import guarded
from mmbench.registry import build_encoder, training_seed
from mmbench.results import Record, Trained, diagnose, environment, unit_of, write_record
from mmbench.training import (
    Cost,
    Epoch,
    FitResult,
    ForwardPass,
    Model,
    PeakMemory,
    add_costs,
    fit,
    measure_frozen_encoder,
    measure_model,
    most_complete_row,
    save_weights,
    score_all,
    weights_path,
    weights_size,
)

_SMALL = 256 * 2**20


class Outcome(NamedTuple):
    """What the components of a plan left of one fold; nothing of it depends on labels of the test part.

    ``parameters`` counts those of the model, ``weights`` is the digest of those that were kept.
    """

    fitted: FitResult
    parameters: dict[str, int]
    cost: Cost
    weights: str | None
    diagnosis: dict[str, Any] | None
    seconds: float


def run_job(
    plan: Plan,
    fold: Fold,
    seed: int,
    path: Path,
    on_epoch: Callable[[Epoch], None],
    tuning: Mapping[str, Any] | None = None,
) -> None:
    """Train, predict and write the record of one fold; ``tuning`` tells how the parameters were chosen.

    Raises PluginError where a component opens what is closed to it, keeps something from fold to fold, or learns while
    it predicts.
    """
    try:
        outcome = call(plan, train_fold, plan, fold, seed, weights_path(path), listen=on_epoch)
    except PluginError:
        weights_path(path).unlink(missing_ok=True)
        raise
    record = _record(plan, fold, seed, outcome)
    write_record(path, replace(record, tuning=tuning))


def train_fold(on_epoch: Callable[[Epoch], None], plan: Plan, fold: Fold, seed: int, weights: Path) -> Outcome:
    """All that the components of a plan do on one fold: they are trained, tested, diagnosed and measured.

    ``weights`` is where those are written that are kept. Labels of the test part are not read.
    """
    torch.set_num_threads(plan.threads)
    start, memory, device = time.perf_counter(), PeakMemory(torch.device(plan.device)), torch.device(plan.device)
    store = open_store(plan.store)
    inputs = make_inputs(plan, store, fold)
    labels, training = known_labels(store, plan.task, fold), plan.recipe.training
    draw = training_seed(seed, fold.name, plan.run.get("seeding"))
    with guarded(closed_to(plan)):
        canaries = make_canaries(plan, store, inputs, fold, labels, draw)
        model = canaries.build()
        began = time.perf_counter()
        fitted = fit(model, inputs, fold, labels, training, seed=draw, device=device, on_epoch=on_epoch)
        trained, peak = time.perf_counter() - began, memory.read()
        canaries.check_predictions(model, fitted)
        canaries.check_rebuilt()
        seconds = time.perf_counter() - start
        diagnosis = diagnose_trained(plan, store, fold, model, inputs)
        parameters = model.count()
        cost = add_costs(_passes(plan, store, model, inputs, trained), peak, trained)
    kept = save_weights(weights, model) if _is_kept(plan.keep, model) else None
    return Outcome(fitted, parameters, cost, kept, diagnosis, seconds)


def _passes(plan: Plan, store: Store, model: Model, inputs: Inputs, trained: float) -> list[ForwardPass | None]:
    """What it takes to predict one sample, the most complete of the dataset: each frozen encoder, then the model."""
    row = most_complete_row([find_presence(plan.store, modality.name) for modality in shown(plan, store)])
    device = torch.device(plan.device)

    def frozen(name: str) -> ForwardPass | None:
        modality, spec = store.schema.modality(name), plan.recipe.encoders[name]
        build = partial(build_encoder, spec, modality, plan.plugins, FROZEN_SEED)
        return measure_frozen_encoder(plan.tokens[name], build, store.source(name), row, device)

    return [*map(frozen, plan.tokens), measure_model(model, inputs, row, device, trained)]


def _is_kept(keep: Keep, model: Model) -> bool:
    return keep == "keep" or (keep == "auto" and 0 < weights_size(model) <= _SMALL)


def diagnose_trained(plan: Plan, store: Store, fold: Fold, model: Model, inputs: Inputs) -> dict[str, Any] | None:
    """What a model that was trained by a plan predicts with modalities taken away or disturbed, as records tell it."""
    if plan.diagnosis is None:
        return None
    names, device = tuple(plan.recipe.encoders), torch.device(plan.device)
    noisy, left_out = plan.diagnosis.noisy, plan.diagnosis.left_out
    return diagnose(Trained(model, inputs, store, fold, names, noisy, left_out, device)).to_plain()


def _record(plan: Plan, fold: Fold, seed: int, outcome: Outcome) -> Record:
    store, rows, fitted = open_store(plan.store), fold.test, outcome.fitted
    labels = store.labels(plan.task)[rows]
    n_classes = len(store.schema.tasks[plan.task])
    scored = [score_all(labels, logits.argmax(axis=1), n_classes) for logits in fitted.test_logits]
    oracle = max(range(len(scored)), key=lambda index: (scored[index]["balanced_accuracy"], -index))
    epochs = {"chosen": fitted.chosen, "last": len(scored) - 1, "oracle": oracle}
    frozen = sum(encoder_size(path, name) for name, path in plan.tokens.items())
    _, units = unit_of(store.groups, store.ids)
    return Record(
        run=plan.run,
        fold=fold.name,
        seed=seed,
        ids=tuple(store.ids[rows].tolist()),
        labels=tuple(labels.tolist()),
        units=tuple(units[rows].tolist()),
        logits=tuple(tuple(row) for row in fitted.test_logits[fitted.chosen].tolist()),
        scores={name: scored[epoch] for name, epoch in epochs.items()},
        epochs=epochs,
        history=tuple(asdict(epoch) for epoch in fitted.history),
        parameters={**outcome.parameters, "total": outcome.parameters["total"] + frozen},
        seconds=outcome.seconds,
        environment=environment(),
        weights=outcome.weights,
        diagnosis=outcome.diagnosis,
        cost=asdict(outcome.cost),
    )
