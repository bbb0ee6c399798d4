"""Records: one JSON file per fold and seed, written atomically, with everything needed to check and reproduce it."""

import json
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import RecordError
from mmbench.results.diagnosis.predictions import read_diagnosis
from mmbench.results.record_schema import check_fold
from mmbench.results.scoring import scoring_of
from mmbench.storage import check_printable, describe_parse_error, digest, load_object, slug, write_text

FORMAT = 3


@dataclass(frozen=True)
class Record:
    """Results of one fold and seed of a run.

    ``labels`` are the classes of the test samples, or rows of 0 and 1 or of values. ``logits`` ``(n, C)`` are the
    outputs of the epoch chosen on validation data: logits, or values in units of the data. ``scores`` holds the scores
    of that epoch under ``chosen``, of the last epoch under ``last`` and of the epoch that is best on test data under
    ``oracle``: no result, but the bias of choosing the epoch on test data. ``run`` describes the run and is the same in
    all of its records. ``weights`` is the SHA-256 of the file of weights; None if it was not kept. ``tuning`` holds the
    tuning trials of this fold and the chosen parameters (`FoldTuning.to_plain`); None without tuning. ``diagnosis``
    holds predictions with modalities removed or perturbed (`Diagnosis.to_plain`); None if the model was not diagnosed.
    ``cost`` is what training and prediction cost (`Cost`) on the machine that made the record. ``spread`` ``(V,)`` are
    the standard deviations of the residuals of the validation part, for a task of values.
    """

    run: Mapping[str, Any]
    fold: str
    seed: int
    ids: tuple[str, ...]
    labels: tuple[int, ...] | tuple[tuple[float, ...], ...]
    units: tuple[str, ...]
    logits: tuple[tuple[float, ...], ...]
    scores: Mapping[str, Mapping[str, float]]
    epochs: Mapping[str, int]
    history: tuple[Mapping[str, float], ...]
    parameters: Mapping[str, int]
    seconds: float
    environment: Mapping[str, Any]
    weights: str | None = None
    tuning: Mapping[str, Any] | None = None
    diagnosis: Mapping[str, Any] | None = None
    cost: Mapping[str, float | None] = field(default_factory=dict)
    format: int = FORMAT
    spread: Sequence[float] | None = None

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Predicted classes ``(n,)``, those of the largest logits; of a task of one class only."""
        if (kind := scoring_of(self.run).kind) != "class":
            raise ValueError(f"a task of the kind {kind!r} predicts no class")
        predictions: NDArray[np.int64] = np.asarray(self.logits, dtype=np.float64).argmax(axis=1)
        return predictions


def record_path(folder: Path, fold: str, seed: int) -> Path:
    """Path of the record of a fold and seed in the folder of its run."""
    name = slug(fold)
    if name != fold:
        # Different fold names may give the same file name.
        name += f"-{digest(fold)[:8]}"
    return folder / f"fold-{name}-seed-{seed}.json"


def write_record(path: Path, record: Record) -> None:
    """Write a record; creates the folder if needed."""
    plain = {name: value for name, value in vars(record).items() if name != "spread" or value is not None}
    write_text(path, json.dumps(plain, separators=(",", ":")) + "\n")


def read_record(path: Path) -> Record:
    """Read a record; raises RecordError if it is damaged or has another format."""
    try:
        plain = load_object(path)
        if plain["format"] != FORMAT:
            raise ValueError(f"format {plain['format']}, not {FORMAT}")
        lists = {name: tuple(plain[name]) for name in ("ids", "units", "history")}
        lists |= {name: as_rows(plain[name]) for name in ("labels", "logits")}
        record = Record(**{**plain, **lists})
        check_fold(plain)
        check_printable(plain["run"], record.fold, record.ids, record.units)
        if record.diagnosis is not None:
            kind = scoring_of(record.run).kind
            read_diagnosis(record.diagnosis, len(record.ids), len(record.run["classes"]), kind)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"is not a record ({describe_parse_error(error)})",
            where=path,
            remedy="delete it and run the same command again",
        ) from error
    return record


def as_rows(values: Sequence[Any]) -> tuple[Any, ...]:
    """A list of numbers or of rows as tuples."""
    return tuple(tuple(each) if isinstance(each, list) else each for each in values)


def find_records(folder: Path) -> Iterator[Path]:
    """Paths of the records in the folder of a run, sorted."""
    yield from sorted(folder.glob("fold-*.json"))


@cache
def describe_environment() -> Mapping[str, Any]:
    """Machine and versions of packages; all but ``platform`` determine results to the last bit."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpu": _cpu(),
        "packages": dict(sorted(_versions())),
    }


def _cpu() -> str:
    """Name of the processor and the instruction set that torch uses: both determine how sums are rounded."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{found[0] if found else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _versions() -> Iterator[tuple[str, str]]:
    """Versions of the host, of distributions with plugins, and of their direct requirements."""
    installed = {canonical(distribution.name): distribution for distribution in distributions()}
    plugins = {
        name for name, found in installed.items() if any(point.group == "mmbench" for point in found.entry_points)
    }
    for name in {"mmbench", *plugins} & installed.keys():
        yield name, installed[name].version
        for requirement in installed[name].requires or ():
            needed = canonical(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
            if needed in installed:
                yield needed, installed[needed].version


def canonical(name: str) -> str:
    """The normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
