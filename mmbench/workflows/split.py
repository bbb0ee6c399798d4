"""Splits prepared data into folds that all methods of a comparison share, and describes the split for the records."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Task
from mmbench.data import (
    Fold,
    Rows,
    SampleIndex,
    Split,
    Store,
    find_group_overlap,
    find_labelled,
    find_missing_classes,
    indicate_bins,
    indicate_classes,
    make_full_fold,
    make_split,
    number_labels,
    split_fingerprint,
)
from mmbench.errors import ProtocolError
from mmbench.execution import Setup
from mmbench.integrity import find_identical_samples, find_missing_modalities, measure_copied_share
from mmbench.results import choose_scoring, find_statistical_units
from mmbench.storage import slug
from mmbench.workflows.request import budget_of, n_jobs
from mmbench.workflows.resolve import CheckedRequest

_PARTS = ("train", "validation", "test")


def split_data(request: CheckedRequest, store: Store) -> Setup:
    """The folds over the labelled samples, and what else all methods share; nothing is encoded or written."""
    spec, settings = request.spec, request.settings
    rows = find_labelled(store.labels(request.task))
    if len(store) and not len(rows):
        raise ProtocolError(f"no sample is labelled for {request.task}", where="--task", remedy="choose another task")
    split = _cut(request, store, rows)
    folds = split.folds
    notes = [*split.notes, *_note_unused_parts(request, store, rows)]
    described = {
        "dataset": str(request.dataset_spec),
        **_name_data(request),
        "card": asdict(request.dataset.card_of(request.files.root)),
        "protocol": request.protocol.name,
        **({"stratify": True} if settings.stratify else {}),
        **({"split_notes": notes} if notes else {}),
        "standardize": settings.standardize,
        "task": request.task,
        **choose_scoring(store.schema.tasks[request.task], request.metric).described(),
        "units": request.files.units,
        "offered": [modality.name for modality in request.schema.modalities],
        **_describe_split(store, folds, request),
        "copies": _share_copied(request, store, rows, folds),
    }
    called = described.get("data_name", request.dataset_spec.name)
    home = spec.out / slug(f"{called}-{request.task}-{request.protocol.name}-{described['fingerprint']}")
    return Setup(
        store=store,
        rows=rows,
        folds=tuple(folds),
        described=described,
        home=home,
        cache=spec.cache,
        plugins=spec.plugins,
        device=request.device,
        threads=spec.threads,
        jobs=n_jobs(spec),
        keep=spec.weights,
        budget=budget_of(spec),
        diagnose=spec.diagnose,
        files=request.files,
    )


def _name_data(request: CheckedRequest) -> dict[str, str]:
    """The name that the files give the data, where it is another one than that of the dataset."""
    name = request.dataset.name_of(request.files.root)
    return {} if name == request.dataset_spec.name else {"data_name": name}


def _note_unused_parts(request: CheckedRequest, store: Store, rows: Rows) -> Iterator[str]:
    """That the data have an official split, where nobody chose the protocol and the default is another one."""
    chosen = request.settings.protocol or request.dataset.protocol
    if chosen or store.parts is None or request.protocol.folding == "official":
        return
    counts = Counter(store.parts[rows].tolist())
    if counts["train"] and counts["test"]:
        sizes = ", ".join(f"{part} {counts[part]}" for part in _PARTS if counts[part])
        yield (
            f"protocol {request.protocol.name} by default ({request.protocol.summary}): the official split ({sizes}) "
            "is not used; --protocol official uses it"
        )


def _cut(request: CheckedRequest, store: Store, rows: Rows) -> Split:
    """The split of the labelled samples, over all rows of the store."""
    task, labels = store.schema.tasks[request.task], store.labels(request.task)[rows]
    index = SampleIndex(
        store.ids[rows],
        _groups(store, rows),
        store.spans[rows],
        None if store.parts is None else store.parts[rows],
        None if task.kind == "values" else labels,
        _indicate(task, labels) if request.settings.stratify else None,
    )
    split = make_split(index, request.protocol, request.settings.folds)
    return Split(tuple(_on_rows(split.folds, rows)), split.notes)


def _indicate(task: Task, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """What parts are balanced by: classes, labels, or bins of the values."""
    return indicate_bins(labels) if task.kind == "values" else indicate_classes(labels)


def make_whole_fold(request: CheckedRequest, setup: Setup) -> Fold:
    """The labelled samples as one fold that tests nothing: a training and a validation part."""
    store, rows = setup.store, setup.rows
    (whole,) = _on_rows([make_full_fold(store.ids[rows], _groups(store, rows), request.protocol)], rows)
    return whole


def folds_as_ids(setup: Setup) -> list[dict[str, Any]]:
    """The sample ids of each part of each fold, as plain values."""
    ids = setup.store.ids
    return [{"name": fold.name, **{part: ids[getattr(fold, part)].tolist() for part in _PARTS}} for fold in setup.folds]


def _share_copied(request: CheckedRequest, store: Store, rows: Rows, folds: Sequence[Fold]) -> float:
    """The share of test samples that have a copy in the other parts, over all modalities of the dataset."""
    names = [modality.name for modality in request.schema.modalities]
    everything = np.arange(len(store))
    same = {name: rows[pairs] for name, pairs in find_identical_samples(store, rows, names).items()}
    labels = number_labels(store.labels(request.task))
    return measure_copied_share(same, find_missing_modalities(store, everything, names), labels, folds)


def _describe_split(store: Store, folds: Sequence[Fold], request: CheckedRequest) -> dict[str, Any]:
    """What records say of the samples and their folds."""
    task, protocol = request.task, request.protocol
    return {
        "prepared": store.key,
        "dropped": len(store.attributes["dropped"]),
        "lost": list(store.attributes.get("lost", ())),
        "gaps": store.attributes["gaps"],
        "classes": list(store.schema.tasks[task].names),
        "unit": find_statistical_units(store.groups, store.ids)[0],
        "folds": len(folds),
        "fingerprint": split_fingerprint(folds, store.ids),
        "straddling": find_group_overlap(folds, store.groups, protocol.spans_subjects),
        "lacking": _describe_lacking(store, folds, task),
    }


def _describe_lacking(store: Store, folds: Sequence[Fold], task: str) -> dict[str, dict[str, int]]:
    """In how many folds the training or the validation part lacks a class or label, by part and name."""
    classes = store.schema.tasks[task].names
    if store.schema.tasks[task].kind == "values":
        return {}
    found = find_missing_classes(folds, store.labels(task), range(len(classes)))
    return {part: {classes[label]: count for label, count in counts.items()} for part, counts in found.items()}


def _groups(store: Store, rows: Rows) -> dict[str, Any]:
    return {name: values[rows] for name, values in store.groups.items()}


def _on_rows(folds: Sequence[Fold], rows: Rows) -> list[Fold]:
    """Folds over ``rows`` as folds over all rows of the store."""
    return [Fold(fold.name, rows[fold.train], rows[fold.validation], rows[fold.test]) for fold in folds]
