"""Explanations of trained fusions: weights of instances, tokens and modalities on test samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from mmbench.contract import Fusion, Modality
from mmbench.data import Rows
from mmbench.errors import RecordError
from mmbench.execution import RestoredModel, RestoredPlan, call_components, closed_files, restore_model, restore_plan
from mmbench.integrity import guard_files
from mmbench.registry import load_registry
from mmbench.results import Comparison, MethodResult, Record, described_predictor, find_records, read_record, scoring_of
from mmbench.storage import in_processes, track

WeightKind = Literal["instances", "tokens", "modality"]
_BATCH = 64


@dataclass(frozen=True)
class ExplainedSample:
    """A test sample with its bag ``x`` ``(K, *shape)``, ``present`` and ``weights`` ``(K,)``, and names of classes."""

    id: str
    label: str
    prediction: str
    x: NDArray[Any]
    present: NDArray[np.bool_]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Explanation:
    """Weights of one method in one modality.

    ``what`` is ``instances`` (weight of each instance of the bag), ``tokens`` (attention to each token) or ``modality``
    (one weight of the modality). ``values`` has a row per test sample of every fold with kept weights, ``ids`` are
    these samples; ``shown`` are a few samples of the first of these folds. ``simulated``: whether the data are.
    """

    modality: Modality
    what: WeightKind
    ids: tuple[str, ...]
    values: NDArray[np.float32]
    shown: tuple[ExplainedSample, ...]
    simulated: bool


def explain_methods(
    comparison: Comparison, cache: Path, plugins: tuple[str, ...] = (), n_shown: int = 4
) -> Iterator[tuple[MethodResult, list[Explanation]]]:
    """Explanations of every method whose fusion supports them; raises RecordError if none does."""
    explainable = [method for method in comparison.methods if can_explain(method, plugins)]
    if not explainable:
        names = ", ".join(method.name for method in comparison.methods)
        raise RecordError(
            "no method supports explanations", where=names, remedy="run a method whose fusion implements explain"
        )
    for method in explainable:
        yield method, explain(method, cache, plugins, n_shown)


def can_explain(method: MethodResult, plugins: tuple[str, ...] = ()) -> bool:
    """Whether the fusion of a method implements ``explain``; False for estimators and predictions made elsewhere.

    Raises SpecError if its plugin is not loaded.
    """
    if method.is_elsewhere:
        return False
    predictor = described_predictor(method.run)
    if predictor.kind == "estimator":
        return False
    fusion = load_registry(plugins).find("fusions", predictor.name).component
    return bool(fusion.explain is not Fusion.explain)


def explain(method: MethodResult, cache: Path, plugins: tuple[str, ...] = (), n_shown: int = 4) -> list[Explanation]:
    """Explanations of a trained method, from the weights next to its records.

    Raises RecordError if no weights were kept or the prepared data are missing.
    """
    kept = [path for path in find_records(method.folder) if read_record(path).weights]
    if not kept:
        raise RecordError(
            "has no kept weights",
            where=method.folder,
            remedy="delete the folder and run the same command again with --weights keep",
        )
    rows: dict[str, list[NDArray[np.float32]]] = {}
    ids: list[str] = []
    weights_of_folds = in_processes(1, _explain_fold, [(path, cache, plugins) for path in kept])
    for weights in track(weights_of_folds, f"explaining {method.name}", len(kept)):
        for name, values in weights.items():
            rows.setdefault(name, []).append(values)
    for path in kept:
        ids += read_record(path).ids
    first = restore_plan(kept[0], cache, plugins)
    return [_collect(first, name, ids, join_rows(parts), n_shown) for name, parts in sorted(rows.items())]


def _explain_fold(path: Path, cache: Path, plugins: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    return call_components(restore_plan(path, cache, plugins).plan, _restore_and_compute, path, cache, plugins)


def _restore_and_compute(
    _: object, path: Path, cache: Path, plugins: tuple[str, ...]
) -> dict[str, NDArray[np.float32]]:
    restored = restore_model(path, cache, plugins)
    with guard_files(closed_files(restored.plan)):
        return _compute_weights(restored)


@torch.no_grad()
def _compute_weights(restored: RestoredModel) -> dict[str, NDArray[np.float32]]:
    """``Fusion.explain`` on the test part."""
    parts: dict[str, list[NDArray[np.float32]]] = {}
    for rows in _batches(restored.fold.test):
        tokens = restored.model.tokens(restored.inputs.batch(rows, torch.device("cpu")))
        for name, values in restored.model.fusion.explain(tokens).items():
            parts.setdefault(name, []).append(values.float().numpy())
    return {name: join_rows(values) for name, values in parts.items()}


def join_rows(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Weights of all batches, one below the other; weights of tokens of open length are padded with zeros."""
    if parts[0].ndim < 2:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])


def _batches(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _collect(
    first: RestoredPlan, name: str, ids: Sequence[str], values: NDArray[np.float32], n_shown: int
) -> Explanation:
    modality_name, _, what = name.rpartition(".")
    modality = first.store.schema.modality(modality_name)
    kind: WeightKind = "modality" if values.ndim == 1 else "instances" if what == "instances" else "tokens"
    shown = _choose_shown(first, modality, values, n_shown) if kind == "instances" else ()
    simulated = first.record.run["card"]["access"] == "simulated"
    return Explanation(modality, kind, tuple(ids), values, shown, simulated)


def _choose_shown(
    first: RestoredPlan, modality: Modality, values: NDArray[np.float32], n_shown: int
) -> tuple[ExplainedSample, ...]:
    record = first.record
    x, present = first.store.source(modality.name).read(first.fold.test)
    chosen = _choose(record, np.asarray(present.any(axis=1)), n_shown)
    return tuple(
        ExplainedSample(
            id=record.ids[at],
            label=_describe_target(record, record.labels[at]),
            prediction=_describe_prediction(record, at),
            x=x[at],
            present=present[at],
            weights=values[at],
        )
        for at in chosen
    )


def _describe_prediction(record: Record, at: int) -> str:
    kind = scoring_of(record.run).kind
    if kind == "class":
        return _describe_target(record, record.predictions[at])
    return _describe_target(record, [float(logit > 0) if kind == "labels" else logit for logit in record.logits[at]])


def _describe_target(record: Record, target: Any) -> str:
    """A class, the labels that are there, or the values of the targets, in words."""
    names, kind = record.run["classes"], scoring_of(record.run).kind
    if kind == "class":
        return str(names[target])
    if kind == "labels":
        return ", ".join(name for name, there in zip(names, target, strict=True) if there) or "none"
    return ", ".join(f"{name} {value:.3g}" for name, value in zip(names, target, strict=True))


def _choose(record: Record, usable: NDArray[np.bool_], n_shown: int) -> list[int]:
    """Positions of samples with a bag.

    Classes in turn, within each by decreasing probability of the true class; other tasks in the order of the samples.
    """
    if scoring_of(record.run).kind != "class":
        return np.flatnonzero(usable).tolist()[:n_shown]
    labels = [label for label in record.labels if isinstance(label, int)]
    queues: Mapping[int, list[int]] = {label: [] for label in sorted(set(labels))}
    sure = log_softmax(np.asarray(record.logits), axis=1)
    for at in sorted(np.flatnonzero(usable).tolist(), key=lambda at: -sure[at, labels[at]]):
        queues[labels[at]].append(at)
    order = [at for turn in range(len(labels)) for queue in queues.values() for at in queue[turn : turn + 1]]
    return order[:n_shown]
