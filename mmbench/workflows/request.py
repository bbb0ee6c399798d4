"""The options of a comparison, as the shell or Python gives them, and their ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from joblib import cpu_count

from mmbench.contract import Standardize
from mmbench.data import default_cache_folder
from mmbench.errors import SpecError
from mmbench.execution import Keep
from mmbench.registry import SETTING_NAMES, did_you_mean
from mmbench.results import DiagnosisLevel
from mmbench.tuning import Budget, Scope, resolve_storage_url

BAD = ("error", "drop")


@dataclass(frozen=True)
class RunSpec:
    """The options of one comparison; ``mmbench run --help`` explains each.

    ``auto`` in ``against`` stands for concat, late, each single modality and prior, and for the method with the trainer
    of the host where it has another. None takes the preset's value, else the default of `RunSettings`.
    """

    method: str
    dataset: str
    against: tuple[str, ...] = ()
    protocol: str | None = None
    folds: int | None = None
    stratify: bool | None = None
    task: str | None = None
    metric: str | None = None
    standardize: Standardize | None = None
    seeds: int | None = None
    units: Sequence[str] | None = None
    modalities: Sequence[str] | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    trainer: str | None = None
    preset: str | None = None
    save_encoders: Mapping[str, Path] = field(default_factory=dict)
    data: Path | None = None
    out: Path = Path("runs")
    cache: Path = field(default_factory=default_cache_folder)
    device: str = "auto"
    jobs: int | None = None
    cluster: str | None = None
    threads: int = 1
    bad: str = "error"
    plugins: tuple[str, ...] = ()
    weights: Keep = "auto"
    tune: int | None = None
    tune_seconds: float | None = None
    tune_scope: str = "fold"
    tune_storage: str | None = None
    diagnose: DiagnosisLevel = "auto"


@dataclass(frozen=True)
class RetrainOptions:
    """Options of a retraining: folder of the dataset (None: its default), cache, processes, plugins."""

    data: Path | None
    cache: Path
    jobs: int
    plugins: tuple[str, ...] = ()


def check_spec(spec: RunSpec) -> None:
    """Raise SpecError for an option outside its range; settings that a preset may give are checked with the preset."""
    for name, value in (("threads", spec.threads), ("jobs", n_jobs(spec))):
        if value < 1:
            raise SpecError(f"{value} is too few", where=f"--{name}", remedy="use 1 or more")
    for name, choice, known in (
        ("bad", spec.bad, BAD),
        ("weights", spec.weights, get_args(Keep)),
        ("diagnose", spec.diagnose, get_args(DiagnosisLevel)),
        ("tune-scope", spec.tune_scope, get_args(Scope)),
    ):
        if choice not in known:
            raise SpecError(f"invalid value {choice!r}", where=f"--{name}", remedy=did_you_mean(choice, known))
    _check_tuning(spec)


def _check_tuning(spec: RunSpec) -> None:
    for option, amount in (("tune", spec.tune), ("tune-seconds", spec.tune_seconds)):
        if amount is not None and not amount > 0:
            raise SpecError(f"{amount:g} is too few", where=f"--{option}", remedy="use more than 0, or omit it")
    request = {"seconds": spec.tune_seconds, "scope": spec.tune_scope != "fold", "storage": spec.tune_storage}
    for name, value in request.items():
        if value and spec.tune is None:
            raise SpecError(
                "nothing is tuned", where=f"--tune-{name}", remedy="set the number of tuning trials with --tune N"
            )


def budget_of(spec: RunSpec) -> Budget | None:
    """What every method may spend on tuning; None if nothing is tuned."""
    if spec.tune is None:
        return None
    scope: Scope = "once" if spec.tune_scope == "once" else "fold"
    return Budget(spec.tune, spec.tune_seconds, scope, spec.tune_storage)


def explicit_settings(spec: RunSpec) -> dict[str, Any]:
    """The settings of a `RunSettings` that the spec sets; the others come from the preset or are defaults."""
    return {name: value for name in SETTING_NAMES if (value := getattr(spec, name)) is not None}


def with_absolute_paths(spec: RunSpec) -> RunSpec:
    """The spec with absolute paths: worker processes may have another working directory."""
    return replace(
        spec,
        out=Path(spec.out).resolve(),  # in Python, a path may be a str
        cache=Path(spec.cache).resolve(),
        save_encoders={name: Path(path).resolve() for name, path in spec.save_encoders.items()},
        data=Path(spec.data).resolve() if spec.data else None,
        tune_storage=resolve_storage_url(spec.tune_storage) if spec.tune_storage else None,
        plugins=tuple(str(Path(file).resolve()) for file in spec.plugins),
    )


def n_jobs(spec: RunSpec) -> int:
    """Number of processes: that of the spec, else one per core."""
    return spec.jobs if spec.jobs is not None else cpu_count()
