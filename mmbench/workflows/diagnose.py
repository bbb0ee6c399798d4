"""``mmbench diagnose``: effects of each modality on the trained models of a finished run, from their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmbench.data import NOISE_OBSTACLES, Store, default_cache_folder
from mmbench.errors import RecordError, SpecError
from mmbench.execution import (
    Plan,
    RestoredModel,
    call_components,
    closed_files,
    diagnose_trained,
    restore_model,
    restore_plan,
)
from mmbench.features import Encoding
from mmbench.integrity import guard_files
from mmbench.registry import did_you_mean, load_registry
from mmbench.results import (
    Comparison,
    DiagnosisLevel,
    MethodResult,
    Record,
    described_predictor,
    find_records,
    load_comparison,
    plan_diagnosis,
    read_record,
    write_record,
)
from mmbench.storage import current_reporter, in_processes, track
from mmbench.training import choose_device, predict
from mmbench.workflows.ablation_results import is_ablation, load_ablation

_FULL: DiagnosisLevel = "full"
_AGREEMENT = 0.98  # share of test samples with the recorded prediction; rounding may change some
_AGAIN = "delete this record and run the same command again"


@dataclass(frozen=True, repr=False)
class Diagnosis(Comparison):
    """The methods of a comparison that were diagnosed; ``print`` shows the effects of their modalities."""


def diagnose(
    path: Path | str,
    method: str | None = None,
    *,
    cache: Path | None = None,
    plugins: tuple[str, ...] = (),
    jobs: int = 1,
) -> Diagnosis:
    """Complete the diagnosis of a finished run or comparison, noise included, and add it to its records.

    ``method`` is one of several methods, ``cache`` the folder of prepared data, ``plugins`` are the plugin files of the
    run. Methods without kept weights cannot be diagnosed; raises RecordError if none can.
    """
    path = Path(path)
    if not path.exists():
        raise RecordError("no such file or folder", where=path, remedy="give the path that mmbench run printed")
    plugins = tuple(str(Path(file).resolve()) for file in plugins)
    load_registry(plugins)  # its metrics score the records
    chosen = _choose(_load(path), method)
    for each in chosen:
        _complete(each, cache or default_cache_folder(), plugins, jobs)
    found = _load(path)
    names = [each.name for each in chosen]
    diagnosed = tuple(each for each in found.methods if each.name in names)
    comparison = Diagnosis(found.path, diagnosed, found.lost, found.headless, found.has_reference)
    if not any(each.diagnosis for each in comparison.methods):
        raise RecordError(
            "has no kept weights to diagnose",
            where=", ".join(names),
            remedy="delete its folder and run the same command again with --weights keep",
        )
    return comparison


def _load(path: Path) -> Comparison:
    return load_ablation(path).comparison if is_ablation(path) else load_comparison(path)


def _choose(comparison: Comparison, name: str | None) -> Sequence[MethodResult]:
    names = [method.name for method in comparison.methods]
    if name is not None and name not in names:
        raise SpecError(f"no method {name!r} here", where="--method", remedy=did_you_mean(name, names))
    chosen = [method for method in comparison.methods if name in (None, method.name)]
    if chosen and all(method.is_elsewhere for method in chosen):
        raise RecordError(
            "was not trained here, so that no model can be diagnosed",
            where=", ".join(method.name for method in chosen),
            remedy="choose a method that mmbench trained",
        )
    several = [method for method in chosen if len(method.run["encoders"]) > 1]
    if not several:
        raise RecordError(
            "reads fewer than two modalities, so that the diagnosis does not apply",
            where=", ".join(method.name for method in chosen),
            remedy="choose a method that fuses several",
        )
    return several


def _complete(method: MethodResult, cache: Path, plugins: tuple[str, ...], jobs: int) -> None:
    """Diagnose the folds of one method without a complete diagnosis."""
    records = {path: read_record(path) for path in find_records(method.folder)}
    missing = {path: record for path, record in records.items() if _is_missing(record)}
    without = [path for path, record in missing.items() if record.weights is None and _has_weights(record)]
    if without:
        current_reporter().message(
            f"{method.name}: {len(without)} of {len(records)} folds have no kept weights and cannot be diagnosed; "
            "run again with --weights keep"
        )
    tasks = [(path, cache, plugins) for path in missing if path not in without]
    # The first one encodes the noisy tokens, which the others read.
    for _ in in_processes(1, diagnose_record, tasks[:1]):
        pass
    rest = in_processes(max(1, min(jobs, len(tasks) - 1)), diagnose_record, tasks[1:])
    for _ in track(rest, f"diagnosing {method.name}", total=len(tasks[1:])):
        pass


def _has_weights(record: Record) -> bool:
    """Whether the model has weights to keep: an estimator has none, and is fitted again."""
    return described_predictor(record.run).kind == "fusion"


def _is_missing(record: Record) -> bool:
    """Whether a fold has no diagnosis, or one without noise that there could be."""
    return record.diagnosis is None or not set(record.diagnosis["left_out"].values()) <= {*NOISE_OBSTACLES.values()}


def diagnose_record(path: Path, cache: Path, plugins: tuple[str, ...]) -> None:
    """Diagnose one fold from its weights and write its record with the diagnosis."""
    recalled = restore_plan(path, cache, plugins)
    plan = replace(recalled.plan, device=_device_of(recalled.record.run))
    frozen = {
        name: Encoding(plan.store, name, plan.recipe.encoders[name], plugins, plan.device, plan.threads)
        for name in plan.tokens
    }
    schema = Store(plan.store).schema
    read = [schema.modality(name) for name in plan.recipe.encoders]
    plan = replace(plan, diagnosis=plan_diagnosis(_FULL, read, frozen, cache))
    found = call_components(plan, _diagnose, plan, path, cache)
    write_record(path, replace(recalled.record, diagnosis=found))


def _diagnose(_: object, plan: Plan, path: Path, cache: Path) -> dict[str, Any] | None:
    torch.set_num_threads(plan.threads)
    restored = restore_model(path, cache, plan.plugins)
    with guard_files(closed_files(plan)):
        _check_agreement(restored, torch.device(plan.device), path)
        return diagnose_trained(plan, restored.store, restored.fold, restored.model, restored.inputs)


def _device_of(run: Mapping[str, str]) -> str:
    """Device of the run, where predictions are bitwise equal; the CPU if it is not available."""
    there = choose_device("auto").type
    return run["device"] if run["device"] == there else "cpu"


def _check_agreement(restored: RestoredModel, device: torch.device, path: Path) -> None:
    """Raise RecordError if predictions differ from the record, as when the code of a plugin has changed."""
    predicted = predict(restored.model.to(device), restored.inputs, restored.fold.test, device).argmax(axis=1)
    if np.mean(predicted == restored.record.predictions) < _AGREEMENT:
        raise RecordError(
            "its model no longer gives the recorded predictions: code or data have changed", where=path, remedy=_AGAIN
        )
