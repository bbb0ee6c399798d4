"""One job: a method trained and tested on one fold with one seed, from the prepared store to its record."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmbench.data import Fold, Inputs, Store
from mmbench.errors import PluginError
from mmbench.execution.kept_weights import Keep, is_kept
from mmbench.execution.plan import (
    Plan,
    call_components,
    closed_files,
    find_presence,
    known_labels,
    make_canaries,
    make_inputs,
    open_store,
    used_modalities,
)
from mmbench.features import FROZEN_SEED, read_encoder_size
from mmbench.integrity import guard_files
from mmbench.registry import build_encoder, orient, training_seed
from mmbench.results import (
    Record,
    TrainedModel,
    as_rows,
    describe_environment,
    diagnose_model,
    find_statistical_units,
    scoring_of,
    write_record,
)
from mmbench.training import (
    Cost,
    Epoch,
    EstimatorModel,
    FitResult,
    ForwardPass,
    Model,
    PeakMemory,
    add_costs,
    check_metric,
    fit,
    measure_frozen_encoder,
    measure_model,
    most_complete_row,
    save_weights,
    score_outputs,
    weights_path,
    weights_size,
)


class Outcome(NamedTuple):
    """What training and evaluation on one fold gave; none of it depends on labels of the test part.

    ``parameters`` are counts by part of the model, ``weights`` is the digest of the weights file if there is one.
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
    """Train, predict and write the record of one fold; ``tuning`` is the record of its tuning.

    Raises PluginError if a component opens a file it may not read, keeps state from fold to fold, or changes its
    weights in evaluation.
    """
    try:
        outcome = call_components(plan, train_fold, plan, fold, seed, weights_path(path), listen=on_epoch)
    except PluginError:
        weights_path(path).unlink(missing_ok=True)
        raise
    record = _record(plan, fold, seed, outcome)
    write_record(path, replace(record, tuning=tuning))


def train_fold(on_epoch: Callable[[Epoch], None], plan: Plan, fold: Fold, seed: int, weights: Path) -> Outcome:
    """Train, predict, diagnose and measure the cost on one fold; labels of the test part are not read.

    ``weights`` is the path of the weights file.
    """
    torch.set_num_threads(plan.threads)
    start, memory, device = time.perf_counter(), PeakMemory(torch.device(plan.device)), torch.device(plan.device)
    store = open_store(plan.store)
    inputs = make_inputs(plan, store, fold)
    labels, training = known_labels(store, plan.task, fold), plan.recipe.training
    draw = training_seed(seed, fold.name, plan.run.get("seeding"))
    with guard_files(closed_files(plan)):
        canaries = make_canaries(plan, store, inputs, fold, labels, draw)
        model = canaries.build()
        began = time.perf_counter()
        fitted = fit(
            model,
            inputs,
            fold,
            labels,
            training,
            seed=draw,
            device=device,
            metric=plan.metric,
            on_epoch=on_epoch,
            trainer=plan.trainer(),
        )
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
    """The cost of predicting one sample, the most complete of the dataset: each frozen encoder, then the model."""
    row = most_complete_row([find_presence(plan.store, modality.name) for modality in used_modalities(plan, store)])
    device = torch.device(plan.device)

    def frozen(name: str) -> ForwardPass | None:
        modality, spec = store.schema.modality(name), plan.recipe.encoders[name]
        build = partial(build_encoder, spec, modality, plan.plugins, FROZEN_SEED)
        return measure_frozen_encoder(plan.tokens[name], build, store.source(name), row, device)

    return [*map(frozen, plan.tokens), measure_model(model, inputs, row, device, trained)]


def _is_kept(keep: Keep, model: Model) -> bool:
    if isinstance(model, EstimatorModel):
        return False  # it is fitted again where it is needed
    return is_kept(keep, weights_size(model))


def diagnose_trained(plan: Plan, store: Store, fold: Fold, model: Model, inputs: Inputs) -> dict[str, Any] | None:
    """The diagnosis of a trained model as plain values: its predictions with modalities removed or disturbed."""
    if plan.diagnosis is None:
        return None
    names, device = tuple(plan.recipe.encoders), torch.device(plan.device)
    noisy, left_out = plan.diagnosis.noisy, plan.diagnosis.left_out
    return diagnose_model(TrainedModel(model, inputs, store, fold, names, noisy, left_out, device)).to_plain()


def _record(plan: Plan, fold: Fold, seed: int, outcome: Outcome) -> Record:
    store, rows, fitted = open_store(plan.store), fold.test, outcome.fitted
    labels, scoring = store.labels(plan.task)[rows], scoring_of(plan.run)
    metrics = scoring.find_metrics(plan.plugins)
    for metric in metrics.values():
        check_metric(metric, labels, fitted.test_outputs[fitted.chosen])
    scored = [score_outputs(metrics, labels, outputs) for outputs in fitted.test_outputs]
    chosen_by = scoring.metric
    oracle = max(range(len(scored)), key=lambda at: (orient(metrics[chosen_by], scored[at][chosen_by]), -at))
    epochs = {"chosen": fitted.chosen, "last": len(scored) - 1, "oracle": oracle}
    frozen = sum(read_encoder_size(path, name) for name, path in plan.tokens.items())
    _, units = find_statistical_units(store.groups, store.ids)
    return Record(
        run=plan.run,
        fold=fold.name,
        seed=seed,
        ids=tuple(store.ids[rows].tolist()),
        labels=as_rows(labels.tolist()),
        units=tuple(units[rows].tolist()),
        logits=tuple(tuple(row) for row in fitted.test_outputs[fitted.chosen].tolist()),
        scores={name: scored[epoch] for name, epoch in epochs.items()},
        epochs=epochs,
        history=tuple(asdict(epoch) for epoch in fitted.history),
        parameters={**outcome.parameters, "total": outcome.parameters["total"] + frozen},
        seconds=outcome.seconds,
        environment=describe_environment(),
        weights=outcome.weights,
        spread=fitted.spread,
        diagnosis=outcome.diagnosis,
        cost=asdict(outcome.cost),
    )
