"""Schema of records, validated when they are read; raises ValueError for missing or wrong values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, Literal, NamedTuple

from mmbench.contract import TaskKind, Training
from mmbench.data import is_protocol
from mmbench.registry import HOST_TRAINER, Spec
from mmbench.results.elsewhere.origin import Elsewhere, is_elsewhere
from mmbench.results.scoring import Scoring, scoring_fields
from mmbench.storage import type_adapter

PREDICTORS: tuple[Literal["fusion", "estimator"], ...] = ("fusion", "estimator")
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
class _Pretrained:
    file: str
    sha256: str
    parts: tuple[str, ...]
    trained_on: str | None


@dataclass(frozen=True)
class _Missingness:
    present: int
    inferred: int
    without: int


@dataclass(frozen=True)
class _Described:
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
    units: tuple[str, ...] | None
    preset: Mapping[str, str | Mapping[str, Any]] | None
    gaps: Mapping[str, _Missingness] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    lacking: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    copies: float = 0.0
    data_name: str = ""
    lint: tuple[str, ...] = ()
    stratify: bool = False
    split_notes: tuple[str, ...] = ()
    tuning: _Budget | None = None
    trainer: _Component | None = None
    pretrained: tuple[_Pretrained, ...] = ()


@dataclass(frozen=True)
class _Run(_Described):
    training: _TrainingLoop = field(kw_only=True)


@dataclass(frozen=True)
class _RunElsewhere(_Described):
    """Predictions that were made elsewhere: nothing is known of their training."""

    elsewhere: Elsewhere = field(kw_only=True)


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
    encoders: Mapping[str, _Encoder]
    training: Training
    units: tuple[str, ...] | None
    fusion: _Component | None = None
    estimator: _Component | None = None
    trainer: _Component | None = None


def data_name(run: Mapping[str, Any]) -> str:
    """What the data of a run are called: the name that files of the user give them, else that of the dataset."""
    return str(run.get("data_name") or run["dataset"])


class DescribedPredictor(NamedTuple):
    """The fusion or the estimator of a run, as its records describe it."""

    kind: Literal["fusion", "estimator"]
    name: str
    params: Mapping[str, Any]


def described_predictor(run: Mapping[str, Any]) -> DescribedPredictor:
    """The fusion or the estimator in the description of a run; KeyError if it has neither."""
    kind = next((kind for kind in PREDICTORS if kind in run), PREDICTORS[0])
    return DescribedPredictor(kind, run[kind]["name"], run[kind].get("params", {}))


def described_trainer(run: Mapping[str, Any]) -> str | None:
    """The trainer of a run with its parameters; None for an estimator, and for predictions that were made elsewhere.

    Records of networks that name none were made by that of the host.
    """
    if "fusion" not in run or is_elsewhere(run):
        return None
    described = run.get("trainer")
    return str(Spec(described["name"], described["params"])) if described else HOST_TRAINER


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
    fold: _Fold = type_adapter(_Fold).validate_python(plain)
    if not len(fold.ids) == len(fold.labels) == len(fold.units) == len(fold.logits):
        raise ValueError("its columns differ in length")
    if type(plain["seed"]) is not int or not 0 <= fold.seed < _MAX_INTEGER:
        raise ValueError("its seed is not a valid number")
    if not fold.ids:
        raise ValueError("it has no samples")
    scoring = _scoring(plain["run"])
    _check_labels(fold, scoring.kind)
    if missing := [name for name in _epochs_of(fold) if not set(scoring.metrics) <= fold.scores.get(name, {}).keys()]:
        raise ValueError(f"it lacks scores of the {missing[0]} epoch")
    _check_training(fold)
    if fold.spread is not None and (
        len(fold.spread) != len(fold.logits[0]) or not all(isfinite(each) and each >= 0 for each in fold.spread)
    ):
        raise ValueError("its spread is not one number per target")
    scores = [value for name in _epochs_of(fold) for value in fold.scores[name].values()]
    if not all(map(isfinite, [fold.seconds, *scores, *(value for value in fold.cost.values() if value is not None)])):
        raise ValueError("it has scores, times or costs that are not finite numbers")


def _epochs_of(fold: _Fold) -> tuple[str, ...]:
    """The epochs that a record has scores of: predictions made elsewhere have no other than the chosen one."""
    return EPOCHS[:1] if is_elsewhere(fold.run) else EPOCHS


def _check_training(fold: _Fold) -> None:
    if is_elsewhere(fold.run):
        trained = (fold.epochs, fold.history, fold.parameters, fold.weights, fold.tuning, fold.diagnosis, fold.spread)
        if set(fold.scores) != {"chosen"} or any(trained):
            raise ValueError("it was not trained here, but describes a training")
        return
    if not all(0 <= fold.epochs.get(name, -1) < _MAX_INTEGER for name in EPOCHS):
        raise ValueError("it lacks the epochs of its scores")
    if "total" not in fold.parameters:
        raise ValueError("it lacks the number of parameters")


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
    scoring: Scoring = type_adapter(Scoring).validate_python(scoring_fields(run))
    return scoring


def check_run(plain: Mapping[str, Any]) -> None:
    """Raise ValueError unless the description of a run is complete and has the right types."""
    run: _Described = type_adapter(_RunElsewhere if is_elsewhere(plain) else _Run).validate_python(plain)
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
    made: _RebuildableRun = type_adapter(_RebuildableRun).validate_python(run)
    if (made.fusion is None) == (made.estimator is None):
        raise ValueError("it has not one of a fusion and an estimator")
    if not made.encoders.keys() <= set(made.modalities):
        raise ValueError("it encodes a modality that it does not read")
    if type(run["threads"]) is not int or not 0 < made.threads < _MAX_INTEGER:
        raise ValueError("its number of threads is not valid")
    chosen: _Chosen = type_adapter(_Chosen).validate_python({"chosen": {}} if tuning is None else tuning)
    settings = {field.name for field in fields(Training)}
    for settings_of in (run["training"], (name[9:] for name in chosen.chosen if name.startswith("training."))):
        if unknown := set(settings_of) - settings:
            raise ValueError(f"the training has no setting {min(unknown)!r}")
