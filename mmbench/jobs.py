"""One job is one method on one fold with one seed: from the prepared file to a record on disk."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.building import all_params, build_encoder, build_fusion, unused
from mmbench.canaries import Canaries
from mmbench.checkpoints import save_weights, weights_path, weights_size
from mmbench.costs import Pass, frozen_pass, model_pass, most_complete, total
from mmbench.diagnosis.bench import Trained
from mmbench.diagnosis.diagnose import diagnose
from mmbench.diagnosis.plans import DiagnosisPlan
from mmbench.features import FROZEN_SEED, encoder_size
from mmbench.guard import Closed, guarded, named_files
from mmbench.inputs import Inputs, PresenceSource, Standardize, Standardizer, Stream, fit_standardizer
from mmbench.memory import PeakMemory
from mmbench.methods import Recipe
from mmbench.metrics import score_all
from mmbench.model import Model
from mmbench.networks import Encoder
from mmbench.prepare import Preparation
from mmbench.records import Record, environment, write_record
from mmbench.seals import identity
from mmbench.splits import Fold
from mmbench.statistics import unit_of
from mmbench.store import ArraySource, Rows, Store, read_presence
from mmbench.training import Epoch, Fitted, fit
from mmbench.trials import Budget
from mmbench.types import Modality, TokenSpec

Keep = Literal["auto", "keep", "drop"]
"""Whether trained weights stay beside the records; ``auto`` keeps up to 256 MB a fold."""

_SMALL = 256 * 2**20


@dataclass(frozen=True)
class Plan:
    """A method on a dataset, ready to be run fold by fold, possibly in another process.

    ``tokens`` are the token files of the modalities whose encoder is frozen; ``run`` is what its records say of it;
    ``budget`` is what it may spend on tuning, ``diagnosis`` what it takes to diagnose it, None for nothing; ``data``
    tells the dataset's files, which it may not open.
    """

    recipe: Recipe
    tokens: Mapping[str, Path]
    store: Path
    task: str
    standardize: Standardize
    plugins: tuple[str, ...]
    device: str
    threads: int
    folder: Path
    run: Mapping[str, Any]
    keep: Keep = "auto"
    budget: Budget | None = None
    diagnosis: DiagnosisPlan | None = None
    data: Preparation | None = None


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
    torch.set_num_threads(plan.threads)
    start, memory = time.perf_counter(), PeakMemory(torch.device(plan.device))
    store = _store(plan.store)
    inputs = make_inputs(plan, store, fold)
    labels = hide_test(store.labels(plan.task), fold)
    closed = closed_to(plan)
    with guarded(closed):
        canaries = make_canaries(plan, store, inputs, fold, labels, seed)
    with guarded(closed):
        model = canaries.build()
        began = time.perf_counter()
        fitted = fit(
            model,
            inputs,
            fold,
            labels,
            plan.recipe.training,
            seed=seed,
            device=torch.device(plan.device),
            on_epoch=on_epoch,
        )
        trained, peak = time.perf_counter() - began, memory.read()
        canaries.check_predictions(model, fitted)
        canaries.check_rebuilt()
    record = _record(plan, store, fold, seed, fitted, model, time.perf_counter() - start)
    diagnosis = diagnose_trained(plan, store, fold, model, inputs)
    kept = save_weights(weights_path(path), model) if _is_kept(plan.keep, model) else None
    cost = total(_passes(plan, store, model, inputs, trained), peak, trained)
    write_record(path, replace(record, weights=kept, tuning=tuning, diagnosis=diagnosis, cost=asdict(cost)))


def _passes(plan: Plan, store: Store, model: Model, inputs: Inputs, trained: float) -> list[Pass | None]:
    """What it takes to predict one sample, the most complete of the dataset: each frozen encoder, then the model."""
    row = most_complete([_presence(plan.store, modality.name) for modality in _shown(plan, store)])
    device = torch.device(plan.device)

    def frozen(name: str) -> Pass | None:
        modality, spec = store.schema.modality(name), plan.recipe.encoders[name]
        build = partial(build_encoder, spec, modality, plan.plugins, FROZEN_SEED)
        return frozen_pass(plan.tokens[name], build, store.source(name), row, device)

    return [*map(frozen, plan.tokens), model_pass(model, inputs, row, device, trained)]


def _is_kept(keep: Keep, model: Model) -> bool:
    return keep == "keep" or (keep == "auto" and 0 < weights_size(model) <= _SMALL)


def diagnose_trained(plan: Plan, store: Store, fold: Fold, model: Model, inputs: Inputs) -> dict[str, Any] | None:
    """What a model that was trained by a plan predicts with modalities taken away or disturbed, as records tell it."""
    if plan.diagnosis is None:
        return None
    names, device = tuple(plan.recipe.encoders), torch.device(plan.device)
    noisy, left_out = plan.diagnosis.noisy, plan.diagnosis.left_out
    return diagnose(Trained(model, inputs, store, fold, names, noisy, left_out, device)).to_plain()


def hide_test(labels: NDArray[np.int64], fold: Fold) -> NDArray[np.int64]:
    """Labels of the training and the validation part; -1 everywhere else."""
    seen = np.full_like(labels, -1)
    for rows in (fold.train, fold.validation):
        seen[rows] = labels[rows]
    return seen


def closed_to(plan: Plan) -> Closed:
    """The files that the method's encoders and fusion may not open while they are trained and tested."""
    return Closed(
        label=plan.recipe.label,
        plugins=plan.plugins,
        cache=tuple({path.resolve().parent for path in (plan.store, *plan.tokens.values())}),
        run=plan.folder.resolve(),
        data=plan.data,
        given=named_files(all_params(plan.recipe, plan.plugins)),
    )


def make_canaries(
    plan: Plan, store: Store, inputs: Inputs, fold: Fold, labels: NDArray[np.int64], seed: int
) -> Canaries:
    """The trials of one training; ``labels`` are those that may be known."""
    return Canaries(
        partial(build_model, plan, store, seed),
        inputs,
        fold,
        labels,
        plan.recipe.training,
        seed=seed,
        device=torch.device(plan.device),
        plugins=plan.plugins,
    )


def build_model(plan: Plan, store: Store, seed: int) -> Model:
    """The encoders that are trained, and the fusion, with weights drawn from ``seed``."""
    encoders = {
        name: build_encoder(spec, store.schema.modality(name), plan.plugins, seed)
        for name, spec in plan.recipe.encoders.items()
        if name not in plan.tokens
    }
    inputs = {modality.name: _token_spec(plan, modality, encoders) for modality in _shown(plan, store)}
    fusion = build_fusion(plan.recipe.fusion, inputs, len(store.schema.tasks[plan.task]), plan.plugins, seed)
    return Model(encoders, fusion)


def _token_spec(plan: Plan, modality: Modality, encoders: Mapping[str, Encoder]) -> TokenSpec:
    if modality.name in encoders:
        return replace(encoders[modality.name].out, instances=modality.instances)
    if modality.name in plan.tokens:
        shape = _tokens(plan.tokens[modality.name], modality.name).x.shape
        return TokenSpec(length=shape[2], dim=shape[3], instances=modality.instances)
    return unused(modality)


def make_inputs(plan: Plan, store: Store, fold: Fold) -> Inputs:
    """Raw instances or tokens of every modality that the method sees, standardised as the run says."""
    return Inputs({modality.name: _stream(plan, store, modality, fold) for modality in _shown(plan, store)})


def _shown(plan: Plan, store: Store) -> list[Modality]:
    return [store.schema.modality(name) for name in plan.recipe.modalities]


def _stream(plan: Plan, store: Store, modality: Modality, fold: Fold) -> Stream:
    if modality.name not in plan.recipe.encoders:
        return Stream(PresenceSource(_presence(plan.store, modality.name)), None, len(store))
    if modality.name in plan.tokens:
        tokens = _tokens(plan.tokens[modality.name], modality.name)
        return Stream(tokens, _standardizer(plan, store, tokens, fold, over_time=False), len(store))
    source = store.source(modality.name)
    if modality.kind == "image":
        return Stream(source, None, len(store))
    over_time = modality.kind == "timeseries"
    return Stream(source, _standardizer(plan, store, source, fold, over_time=over_time), len(store))


def _standardizer(plan: Plan, store: Store, source: Any, fold: Fold, over_time: bool) -> Standardizer:
    if plan.standardize == "train":
        everybody = np.zeros(len(store), dtype=np.int64)
        return fit_standardizer(source, [fold.train], everybody, over_time)
    subjects, group = np.unique(store.groups["subject"], return_inverse=True)
    parts: list[Rows] = [np.flatnonzero(group == index) for index in range(len(subjects))]
    return fit_standardizer(source, parts, group.astype(np.int64), over_time)


def _record(plan: Plan, store: Store, fold: Fold, seed: int, fitted: Fitted, model: Model, seconds: float) -> Record:
    rows = fold.test
    labels = store.labels(plan.task)[rows]
    n_classes = len(store.schema.tasks[plan.task])
    scored = [score_all(labels, logits.argmax(axis=1), n_classes) for logits in fitted.test_logits]
    oracle = max(range(len(scored)), key=lambda index: (scored[index]["balanced_accuracy"], -index))
    epochs = {"chosen": fitted.chosen, "last": len(scored) - 1, "oracle": oracle}
    parameters = model.count()
    parameters["total"] += sum(encoder_size(path, name) for name, path in plan.tokens.items())
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
        parameters=parameters,
        seconds=seconds,
        environment=environment(),
    )


@lru_cache(maxsize=4)
def _store(path: Path) -> Store:
    return Store(path)


def _tokens(path: Path, modality: str) -> ArraySource:
    return _opened(path, modality, identity(path))


@lru_cache(maxsize=16)
def _opened(path: Path, modality: str, which: tuple[int, ...]) -> ArraySource:
    return ArraySource(path, modality)


@lru_cache(maxsize=16)
def _presence(path: Path, modality: str) -> NDArray[np.bool_]:
    return read_presence(path, modality)
