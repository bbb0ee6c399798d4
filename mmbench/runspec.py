"""What a comparison is asked to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from joblib import cpu_count

from mmbench.errors import SpecError
from mmbench.inputs import Standardize
from mmbench.prepare import default_cache
from mmbench.specs import did_you_mean


@dataclass(frozen=True)
class RunSpec:
    """Everything one comparison is asked to be. ``mmbench run --help`` tells each."""

    method: str
    dataset: str
    against: tuple[str, ...] = ()
    protocol: str | None = None
    folds: int = 5
    task: str | None = None
    standardize: Standardize = "train"
    seeds: int = 1
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    save_encoders: Mapping[str, Path] = field(default_factory=dict)
    data: Path | None = None
    out: Path = Path("runs")
    cache: Path = field(default_factory=default_cache)
    device: str = "auto"
    jobs: int | None = None
    threads: int = 1
    bad: str = "error"
    plugins: tuple[str, ...] = ()


def check_spec(spec: RunSpec) -> None:
    """Refuse options outside their range."""
    limits = (
        ("folds", spec.folds, 2),
        ("seeds", spec.seeds, 1),
        ("threads", spec.threads, 1),
        ("jobs", n_jobs(spec), 1),
    )
    for name, value, least in limits:
        if value < least:
            raise SpecError(f"{value} is too few", where=f"--{name}", remedy=f"ask for {least} or more")
    choices = (("standardize", spec.standardize, get_args(Standardize)), ("bad", spec.bad, ("error", "drop")))
    for name, given, known in choices:
        if given not in known:
            raise SpecError(f"no choice {given!r}", where=f"--{name}", remedy=did_you_mean(str(given), known))


def anchored(spec: RunSpec) -> RunSpec:
    """The spec with whole paths: worker processes may live in another folder than the one we are in now."""
    return replace(
        spec,
        out=spec.out.resolve(),
        cache=spec.cache.resolve(),
        save_encoders={name: Path(path).resolve() for name, path in spec.save_encoders.items()},
        data=spec.data.resolve() if spec.data else None,
        plugins=tuple(str(Path(file).resolve()) for file in spec.plugins),
    )


def n_jobs(spec: RunSpec) -> int:
    """Processes to use: as asked, else one a core."""
    return spec.jobs if spec.jobs is not None else cpu_count()
