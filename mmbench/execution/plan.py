"""A plan is a method on a dataset, ready to run; builds the model, inputs and labels of a fold from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.contract import Encoder, Kind, Metric, Modality, Standardize, TokenSpec, Trainer
from mmbench.data import (
    ArraySource,
    Fold,
    Inputs,
    Labels,
    MemoryBudget,
    Preparation,
    PresenceSource,
    RaggedTokens,
    Rows,
    Source,
    Standardizer,
    Store,
    Stream,
    fit_standardizer,
    group_names,
    hide_labels,
    open_axis,
    open_tokens,
    parse_protocol,
    rank_groups,
    read_presence,
)
from mmbench.errors import PluginError
from mmbench.execution.failing_components import find_plugin_components, locate_error
from mmbench.execution.kept_weights import Keep
from mmbench.integrity import (
    Canaries,
    ClosedFiles,
    find_named_files,
    ignore_messages,
    is_forkable,
    name_component,
    run_isolated,
)
from mmbench.registry import (
    HostNames,
    Recipe,
    all_parameters,
    build_encoder,
    build_estimator,
    build_fusion,
    build_trainer,
    empty_token_spec,
    find_metric,
    find_replaced_name,
    host_names,
    load_registry,
    required_encoders,
)
from mmbench.results import DiagnosisPlan, scoring_of
from mmbench.storage import ProcessEndedError, file_identity
from mmbench.training import EstimatorFusion, EstimatorModel, Model
from mmbench.tuning import Budget

T = TypeVar("T")
_DECODED: tuple[Kind, ...] = ("image", "video", "audio")
"""Kinds whose instances are decoded each time they are read."""
_STANDARDIZED: tuple[Kind, ...] = ("timeseries", "audio", "vector")
"""Kinds that the host standardises; encoders of images, videos, texts and tables scale for themselves."""


@dataclass(frozen=True)
class Plan:
    """A method on a dataset, ready to run fold by fold, possibly in another process.

    ``tokens`` are the token files of modalities with a frozen encoder, ``run`` the description in its records,
    ``budget`` that of its tuning and ``diagnosis`` the plan of its diagnosis (None: no tuning, no diagnosis). ``files``
    names the dataset's files, which components may not open. ``isolated``: a component comes from a plugin, and each
    training and each evaluation of a trained model runs in a process of its own.
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
    files: Preparation | None = None
    isolated: bool = False

    @property
    def metric(self) -> Metric:
        """The metric that chooses epochs and tuning trials."""
        return find_metric(scoring_of(self.run).metric, self.plugins)

    def trainer(self) -> Trainer:
        """A new trainer, for one training."""
        return build_trainer(self.recipe.trainer, self.plugins)


def call_components(
    plan: Plan, function: Callable[..., T], *arguments: object, listen: Callable[[Any], None] = ignore_messages
) -> T:
    """Call ``function(send, *arguments)``, which runs the components of a plan, in its own process if they need it.

    Messages passed to ``send`` reach ``listen``.
    """
    if not plan.isolated:
        return function(listen, *arguments)
    recipe, plugins = plan.recipe, plan.plugins
    try:
        found: T = run_isolated(
            _call_watched, recipe, plugins, function, arguments, listen=listen, forks=is_forkable(plan.device)
        )
    except ProcessEndedError as error:
        titles = (f"{each.title} ({each.file})" for each in find_plugin_components(recipe, plugins))
        raise ProcessEndedError(error.message, where=" or ".join(titles), remedy=error.remedy) from None
    return found


def _call_watched(
    send: Callable[[Any], None],
    recipe: Recipe,
    plugins: tuple[str, ...],
    function: Callable[..., T],
    arguments: tuple[object, ...],
) -> T:
    """PluginError if the call replaces a name of the host; an error of a component with its file and line."""
    before = host_names()
    try:
        result = function(send, *arguments)
    except (Exception, SystemExit) as error:
        _check_names(before, recipe.label, error)
        if located := locate_error(error, recipe, plugins):
            raise located from error
        raise
    _check_names(before, recipe.label)
    return result


def _check_names(before: HostNames, label: str, cause: BaseException | None = None) -> None:
    if (name := find_replaced_name(before)) is not None:
        raise PluginError(
            f"replaces {name} while it is trained or tested",
            where=label,
            remedy="results of a component that changes the host are invalid: fix it, or leave it out",
        ) from cause


def needs_isolation(recipe: Recipe, plugins: tuple[str, ...]) -> bool:
    """Whether a component of a recipe comes from a plugin."""
    registry = load_registry(plugins)
    encoders = all(registry.is_own("encoders", spec.name) for spec in recipe.encoders.values())
    trainer = recipe.trainer is None or registry.is_own("trainers", recipe.trainer.name)
    return not (encoders and trainer and registry.is_own(f"{recipe.kind}s", recipe.predictor.name))


def build_model(plan: Plan, store: Store, seed: int) -> Model:
    """The model: encoders that are not frozen, and the fusion or estimator; ``seed`` draws the initial weights."""
    encoders = {
        name: build_encoder(spec, store.schema.modality(name), plan.plugins, seed)
        for name, spec in plan.recipe.encoders.items()
        if name not in plan.tokens
    }
    inputs = {modality.name: _token_spec(plan, modality, encoders) for modality in used_modalities(plan, store)}
    task = store.schema.tasks[plan.task]
    if plan.recipe.kind == "estimator":
        fusion = EstimatorFusion(inputs, task, build_estimator(plan.recipe.predictor, plan.plugins))
        return EstimatorModel(encoders, fusion, _codes_of_whole_groups(plan, store))
    return Model(encoders, build_fusion(plan.recipe.predictor, inputs, task, plan.plugins, seed))


def _codes_of_whole_groups(plan: Plan, store: Store) -> NDArray[np.int64]:
    """Codes ``(N,)`` of the groups that the protocol keeps whole: in an official split the strictest, else samples."""
    protocol = parse_protocol(plan.run["protocol"])
    whole = next(iter(rank_groups(store.groups)), None) if protocol.folding == "official" else protocol.whole
    names = store.ids if whole is None else group_names(store.groups, whole)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _token_spec(plan: Plan, modality: Modality, encoders: Mapping[str, Encoder]) -> TokenSpec:
    if modality.name in encoders:
        return replace(encoders[modality.name].out, instances=modality.instances)
    if modality.name in plan.tokens:
        tokens = _tokens(plan.tokens[modality.name], modality.name)
        length = tokens.x.shape[2] if tokens.lengths is None else None
        return TokenSpec(length=length, dim=tokens.x.shape[-1], instances=modality.instances)
    return empty_token_spec(modality)


def make_inputs(plan: Plan, store: Store, fold: Fold) -> Inputs:
    """Inputs of the method: raw instances or tokens of each of its modalities, standardised as the run says."""
    budgets = {decoded: MemoryBudget(decoded=decoded) for decoded in (False, True)}
    decoded = {each.name: each.kind in _DECODED and each.name not in plan.tokens for each in store.schema.modalities}
    used = used_modalities(plan, store)
    return Inputs({each.name: _stream(plan, store, each, fold, budgets[decoded[each.name]]) for each in used})


def used_modalities(plan: Plan, store: Store) -> list[Modality]:
    """The modalities that the method uses."""
    return [store.schema.modality(name) for name in plan.recipe.modalities]


def _stream(plan: Plan, store: Store, modality: Modality, fold: Fold, budget: MemoryBudget) -> Stream:
    if modality.name not in plan.recipe.encoders:
        return Stream(PresenceSource(find_presence(plan.store, modality.name)), None, len(store))
    # Weights that a fusion brings with its encoders were trained on inputs and tokens as they are.
    is_raw = modality.name in required_encoders(load_registry(plan.plugins), plan.recipe, used_modalities(plan, store))
    if modality.name in plan.tokens:
        tokens = _tokens(plan.tokens[modality.name], modality.name)
        standardizer = None if is_raw else _standardizer(plan, store, tokens, fold, over_time=False)
        return Stream(tokens, standardizer, len(store), budget=budget)
    source = open_source(plan.store, modality.name)
    axis = open_axis(modality) if modality.is_open else 0
    if is_raw or modality.kind not in _STANDARDIZED:
        return Stream(source, None, len(store), axis, budget)
    over_time = modality.kind != "vector"
    return Stream(source, _standardizer(plan, store, source, fold, over_time=over_time), len(store), axis, budget)


def _standardizer(plan: Plan, store: Store, source: Any, fold: Fold, over_time: bool) -> Standardizer:
    if plan.standardize == "train":
        everybody = np.zeros(len(store), dtype=np.int64)
        return fit_standardizer(source, [fold.train], everybody, over_time)
    subjects, group = np.unique(store.groups["subject"], return_inverse=True)
    parts: list[Rows] = [np.flatnonzero(group == index) for index in range(len(subjects))]
    return fit_standardizer(source, parts, group.astype(np.int64), over_time)


def known_labels(store: Store, task: str, fold: Fold) -> Labels:
    """Labels of the training and the validation part; marked as missing elsewhere.

    The others are overwritten in place, so that no freed memory holds them.
    """
    labels = store.labels(task)
    hide_labels(labels, _is_hidden(labels, fold))
    return labels


def mask_test_labels(labels: Labels, fold: Fold) -> Labels:
    """A copy of the labels of the training and the validation part; marked as missing elsewhere."""
    seen = labels.copy()
    hide_labels(seen, _is_hidden(labels, fold))
    return seen


def _is_hidden(labels: Labels, fold: Fold) -> NDArray[np.bool_]:
    hidden = np.ones(len(labels), dtype=bool)
    hidden[fold.train] = hidden[fold.validation] = False
    return hidden


def closed_files(plan: Plan) -> ClosedFiles:
    """The files that the method's encoders, fusion and trainer may not open while they are trained and tested."""
    return ClosedFiles(
        label=plan.recipe.label,
        plugins=plan.plugins,
        cache=tuple({path.resolve().parent for path in (plan.store, *plan.tokens.values())}),
        run=plan.folder.resolve(),
        files=plan.files,
        given=find_named_files(all_parameters(plan.recipe, plan.plugins)),
    )


def make_canaries(plan: Plan, store: Store, inputs: Inputs, fold: Fold, labels: Labels, seed: int) -> Canaries:
    """The canaries of one training; ``labels`` are those of `known_labels`."""
    return Canaries(
        partial(build_model, plan, store, seed),
        inputs,
        fold,
        labels,
        plan.recipe.training,
        seed=seed,
        device=torch.device(plan.device),
        plugins=plan.plugins,
        is_own=not plan.isolated,
        trainer=name_component(plan.trainer(), plan.plugins) if plan.recipe.trainer else None,
    )


@lru_cache(maxsize=4)
def open_store(path: Path) -> Store:
    """The prepared file of a plan; kept open for the next fold."""
    return Store(path)


def open_source(store: Path, modality: str) -> Source:
    """The instances of a modality in a prepared file; kept open for the next fold."""
    return _opened_source(store, modality, file_identity(store))


@lru_cache(maxsize=16)
def _opened_source(store: Path, modality: str, which: tuple[int, ...]) -> Source:
    return open_store(store).source(modality)


def _tokens(path: Path, modality: str) -> ArraySource | RaggedTokens:
    return _opened(path, modality, file_identity(path))


@lru_cache(maxsize=16)
def _opened(path: Path, modality: str, which: tuple[int, ...]) -> ArraySource | RaggedTokens:
    return open_tokens(path, modality)


@lru_cache(maxsize=16)
def find_presence(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality are there, bool ``(N, K)``; kept for the next fold."""
    return read_presence(path, modality)
