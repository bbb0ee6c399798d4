"""Schema of records, validated when they are read; raises ValueError for missing or wrong values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from math import isfinite
from typing import Any, Literal

from mmbench.contract import TaskKind, Training
from mmbench.data import is_protocol
from mmbench.results.scoring import Scoring, scoring_fields

EPOCHS = ("chosen", "last", "oracle")
_MAX_INTEGER = 2**31  # seeds, epochs and numbers of threads must be below


@dataclass(frozen=True)
class _NamedComponent:
    name: str


@dataclass(frozen=True)
class _Component:
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class _Card:
    access: str


@dataclass(frozen=True)
class _TrainingLoop:
    epochs: int
    patience: int


@dataclass(frozen=True)
class _Budget:
    trials: int
    seconds: float | None
    scope: str


@dataclass(frozen=True)
class _Missingness:
    present: int
    inferred: int
    without: int


@dataclass(frozen=True)
class _Run:
    """The description of a run that tables need; records hold more, to reproduce it."""

    method: str
    dataset: str
    prepared: str
    task: str
    fingerprint: str
    protocol: str
    standardize: str
    unit: str
    device: str
    classes: tuple[str, ...]
    folds: int
    dropped: int
    offered: tuple[str, ...]
    modalities: tuple[str, ...]
    encoders: Mapping[str, _NamedComponent]
    straddling: Mapping[str, float]
    own_encoders: bool
    card: _Card
    training: _TrainingLoop
    units: tuple[str, ...] | None
    preset: Mapping[str, str | Mapping[str, Any]] | None
    gaps: Mapping[str, _Missingness] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    lacking: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    copies: float = 0.0
    lint: tuple[str, ...] = ()
    stratify: bool = False
    split_notes: tuple[str, ...] = ()
    tuning: _Budget | None = None
    trainer: _Component | None = None


@dataclass(frozen=True)
class _Encoder(_Component):
    tokens: str | None


@dataclass(frozen=True)
class _RebuildableRun:
    """The description of a run from which its model can be rebuilt."""

    method: str
    dataset: str
    prepared: str
    task: str
    standardize: Literal["train", "subject"]
    threads: int
    dropped: int
    modalities: tuple[str, ...]
    fusion: _Component
    encoders: Mapping[str, _Encoder]
    training: Training
    units: tuple[str, ...] | None
    trainer: _Component | None = None


@dataclass(frozen=True)
class _Chosen:
    chosen: Mapping[str, Any]


@dataclass(frozen=True)
class _Epoch:
    validation_score: float


@dataclass(frozen=True)
class _Environment:
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Fold:
    """The values of a record, except those with readers of their own."""

    run: Mapping[str, Any]
    fold: str
    seed: int
    ids: tuple[str, ...]
    labels: tuple[int, ...] | tuple[tuple[float, ...], ...]
    units: tuple[str, ...]
    logits: tuple[tuple[float, ...], ...]
    scores: Mapping[str, Mapping[str, float]]
    epochs: Mapping[str, int]
    history: tuple[_Epoch, ...]
    parameters: Mapping[str, int]
    seconds: float
    environment: _Environment
    weights: str | None = None
    tuning: Mapping[str, Any] | None = None
    diagnosis: Mapping[str, Any] | None = None
    cost: Mapping[str, float | None] = field(default_factory=dict)
    spread: tuple[float, ...] | None = None


def check_fold(plain: Mapping[str, Any]) -> None:
    """Raise ValueError unless a record's values have the right types and its columns the same length."""
    fold: _Fold = _adapter(_Fold).validate_python(plain)
    if not len(fold.ids) == len(fold.labels) == len(fold.units) == len(fold.logits):
        raise ValueError("its columns differ in length")
    if type(plain["seed"]) is not int or not 0 <= fold.seed < _MAX_INTEGER:
        raise ValueError("its seed is not a valid number")
    if not fold.ids:
        raise ValueError("it has no samples")
    scoring = _scoring(plain["run"])
    _check_labels(fold, scoring.kind)
    if missing := [name for name in EPOCHS if not set(scoring.metrics) <= fold.scores.get(name, {}).keys()]:
        raise ValueError(f"it lacks scores of the {missing[0]} epoch")
    if not all(0 <= fold.epochs.get(name, -1) < _MAX_INTEGER for name in EPOCHS):
        raise ValueError("it lacks the epochs of its scores")
    if fold.spread is not None and (
        len(fold.spread) != len(fold.logits[0]) or not all(isfinite(each) and each >= 0 for each in fold.spread)
    ):
        raise ValueError("its spread is not one number per target")
    if "total" not in fold.parameters:
        raise ValueError("it lacks the number of parameters")
    scores = [value for name in EPOCHS for value in fold.scores[name].values()]
    if not all(map(isfinite, [fold.seconds, *scores, *(value for value in fold.cost.values() if value is not None)])):
        raise ValueError("it has scores, times or costs that are not finite numbers")


def _check_labels(fold: _Fold, kind: TaskKind) -> None:
    n_outputs = len(fold.logits[0])
    if not all(len(row) == n_outputs and all(map(isfinite, row)) for row in fold.logits):
        what = {
            "class": "logits are not one finite number per class",
            "labels": "logits are not one finite number per label",
        }
        raise ValueError(f"its {what.get(kind, 'predictions are not one finite number per target')}")
    if kind == "class":
        if not all(isinstance(label, int) and 0 <= label < n_outputs for label in fold.labels):
            raise ValueError("it has a label that is not a class")
    elif not all(isinstance(label, tuple) and len(label) == n_outputs for label in fold.labels):
        raise ValueError("its labels and its outputs differ in width")
    elif not all(isfinite(value) and (kind == "values" or value in (0, 1)) for row in fold.labels for value in row):  # type: ignore[union-attr]
        raise ValueError(f"it has labels that are not {'finite numbers' if kind == 'values' else '0 or 1'}")


def _scoring(run: Mapping[str, Any]) -> Scoring:
    scoring: Scoring = _adapter(Scoring).validate_python(scoring_fields(run))
    return scoring


def check_run(plain: Mapping[str, Any]) -> None:
    """Raise ValueError unless the description of a run is complete and has the right types."""
    run: _Run = _adapter(_Run).validate_python(plain)
    scoring = _scoring(plain)
    if len(run.classes) < (2 if scoring.kind == "class" else 1):
        raise ValueError("it has fewer than two classes" if scoring.kind == "class" else "it predicts nothing")
    if scoring.metric not in scoring.metrics:
        raise ValueError(f"its metrics lack {scoring.metric!r}, which decides")
    if not is_protocol(run.protocol):
        raise ValueError(f"unknown protocol {run.protocol!r}")
    if run.preset is not None and not isinstance(run.preset.get("name"), str):
        raise ValueError("its preset has no name")
    if any(gap.inferred > gap.present for gap in run.gaps.values()):
        raise ValueError("it has more inferred instances than instances")


def check_rebuildable(run: Mapping[str, Any], tuning: Mapping[str, Any] | None) -> None:
    """Raise ValueError unless a record holds everything needed to rebuild its model."""
    made: _RebuildableRun = _adapter(_RebuildableRun).validate_python(run)
    if not made.encoders.keys() <= set(made.modalities):
        raise ValueError("it encodes a modality that it does not read")
    if type(run["threads"]) is not int or not 0 < made.threads < _MAX_INTEGER:
        raise ValueError("its number of threads is not valid")
    chosen: _Chosen = _adapter(_Chosen).validate_python({"chosen": {}} if tuning is None else tuning)
    settings = {field.name for field in fields(Training)}
    for settings_of in (run["training"], (name[9:] for name in chosen.chosen if name.startswith("training."))):
        if unknown := set(settings_of) - settings:
            raise ValueError(f"the training has no setting {min(unknown)!r}")


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
