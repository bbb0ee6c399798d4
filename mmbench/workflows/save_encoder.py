"""``--save-encoder``: one more model, trained on everything, whose encoders are kept for other runs."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from mmbench.contract import Modality
from mmbench.data import Fold, Store
from mmbench.errors import SpecError, StorageError
from mmbench.execution import Plan, build_model, call_components, closed_files, known_labels, make_inputs
from mmbench.integrity import (
    WEIGHTS_SUFFIX,
    WeightProvenance,
    find_provenance,
    guard_files,
    read_provenance,
    shorten_digests,
    write_weights,
)
from mmbench.registry import Recipe, build_encoder, did_you_mean, load_registry
from mmbench.storage import current_reporter, make_folder
from mmbench.training import Epoch, FitResult, fit

_OPTION = "--save-encoder"
_SEED = 0


@dataclass(frozen=True)
class Saving:
    """The encoders that are still to be saved, by modality, and the SHA-256 of the files they learn from."""

    files: Mapping[str, Path]
    sources: frozenset[str]


def check_saving(
    files: Mapping[str, Path], recipe: Recipe, modalities: tuple[Modality, ...], plugins: tuple[str, ...]
) -> None:
    """Refuse what could not be saved, or not be read again, before anything is trained."""
    for name, path in files.items():
        where = f"{_OPTION} {name}={path}"
        if name not in recipe.encoders:
            remedy = did_you_mean(name, recipe.encoders)
            raise SpecError(f"{recipe.label} encodes no modality {name!r}", where=_OPTION, remedy=remedy)
        spec = recipe.encoders[name]
        if "weights" not in load_registry(plugins).bound("encoders", spec):
            raise SpecError(f"encoder {spec.name} reads no weights=FILE: it would be of no use", where=where)
        modality = next(item for item in modalities if item.name == name)
        if build_encoder(spec, modality, plugins, _SEED).frozen:
            raise SpecError(f"encoder {spec} is frozen: it would not be trained", where=where)
        _check_file(path, where)
    if len(set(files.values())) < len(files):
        raise SpecError("two encoders are to be saved in one file", where=_OPTION, remedy="give each its own")


def unsaved(files: Mapping[str, Path], plan: Plan) -> dict[str, Path]:
    """Those of ``files`` that this run has not written yet; SpecError if one holds anything else."""
    missing = {}
    for name, path in files.items():
        if not path.exists():
            missing[name] = path
        elif not _is_from(path, name, plan):
            raise SpecError(
                "is there already, and not from this run",
                where=f"{_OPTION} {name}={path}",
                remedy="name another file, or remove this one",
            )
    return missing


def save_encoders(saving: Saving, plan: Plan, fold: Fold) -> None:
    """Train the plan's model on ``fold``, which tests nothing, and write its encoders."""
    bars = current_reporter()
    bar = bars.start(f"{plan.recipe.label} · on all", plan.recipe.training.epochs)
    try:
        lines = call_components(plan, _save, saving, plan, fold, listen=lambda word: bars.advance(bar, word))
    finally:
        bars.finish(bar)
    for line in lines:
        bars.message(line)


def _save(send: Callable[[str], None], saving: Saving, plan: Plan, fold: Fold) -> list[str]:
    """Train and write; what is said of each file."""
    torch.set_num_threads(plan.threads)
    store, lines = Store(plan.store), []
    labels = known_labels(store, plan.task, fold)
    inputs, training, device = make_inputs(plan, store, fold), plan.recipe.training, torch.device(plan.device)

    def on_epoch(epoch: Epoch) -> None:
        send(f"validation {epoch.validation_score:.2f}")

    with guard_files(closed_files(plan)):
        model = build_model(plan, store, _SEED)
        fitted = fit(
            model,
            inputs,
            fold,
            labels,
            training,
            seed=_SEED,
            device=device,
            metric=plan.metric,
            on_epoch=on_epoch,
            trainer=plan.trainer(),
        )
    for name, path in saving.files.items():
        encoder = model.encoder(name)
        origin = _origin(saving, plan, store, fold, fitted, name)
        write_weights(path, encoder.weights_to_save(), origin)
        score = f"validation {origin.validation_score:.2f} in epoch {fitted.chosen + 1}"
        trained = f"trained on all {len(fold.train)} + {len(fold.validation)} samples ({score})"
        # Whoever reads the file needs the parameters that tuning chose.
        called = f"{name}, {plan.recipe.encoders[name]}" if plan.budget else name
        lines.append(f"encoder of {called}, {trained}: {path}")
    return lines


def _origin(saving: Saving, plan: Plan, store: Store, fold: Fold, fitted: FitResult, name: str) -> WeightProvenance:
    spec = plan.recipe.encoders[name]
    params = load_registry(plan.plugins).bound("encoders", spec)
    before = frozenset[str]().union(*(origin.sources for _, origin in find_provenance(params)))
    return WeightProvenance(
        run=plan.run["key"],
        modality=name,
        encoder=spec.name,
        params=params,
        dataset=plan.run["dataset"],
        task=plan.task,
        classes=store.schema.tasks[plan.task].names,
        samples={"train": len(fold.train), "validation": len(fold.validation)},
        validation_score=fitted.history[fitted.chosen].validation_score,
        sources=shorten_digests(saving.sources) | before,
    )


def _check_file(path: Path, where: str) -> None:
    if path.suffix != WEIGHTS_SUFFIX:
        raise SpecError(
            f"the file must end in {WEIGHTS_SUFFIX}", where=where, remedy=f"write {path.stem}{WEIGHTS_SUFFIX}"
        )
    if path.is_dir():
        raise SpecError("is a folder", where=where, remedy="name a file")
    if not os.access(make_folder(path.parent), os.W_OK):
        raise StorageError("cannot be written", where=path.parent, remedy=f"choose another folder with {_OPTION}")


def _is_from(path: Path, name: str, plan: Plan) -> bool:
    origin = read_provenance(path)
    return origin is not None and (origin.run, origin.modality) == (plan.run["key"], name)
