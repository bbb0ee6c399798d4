"""Records: one file a fold, written whole or not at all, with all that is needed to check and repeat it."""

import json
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import RecordError
from mmbench.results.diagnosis.kept import read_diagnosis
from mmbench.results.record_schema import check_fold
from mmbench.storage import check_printable, describe_parse_error, digest, load_object, slug, write_text

FORMAT = 3


@dataclass(frozen=True)
class Record:
    """What one fold of one run produced.

    ``logits`` ``(n, C)`` are those of the epoch that validation chose. ``scores`` has them under ``chosen``;
    ``last`` is the last epoch and ``oracle`` the best epoch in hindsight of the test labels, which is no result, but
    shows what peeking would buy. ``run`` is the spec of the run, the same in each of its records. ``weights`` is the
    SHA-256 of the file with the weights, where they were kept. ``tuning`` holds the trials that chose the parameters
    of this fold, and what they chose (`trials.FoldTuning.to_plain`); None where the defaults were taken. ``diagnosis``
    holds the predictions with modalities taken away or disturbed (`diagnosis.kept.Diagnosis.to_plain`); None where
    there was nothing to diagnose, or none was asked for. ``cost`` is what training and prediction took
    (`costs.Cost`), on the machine that made the record.
    """

    run: Mapping[str, Any]
    fold: str
    seed: int
    ids: tuple[str, ...]
    labels: tuple[int, ...]
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

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The class of the largest logit, a sample."""
        predictions: NDArray[np.int64] = np.asarray(self.logits, dtype=np.float64).argmax(axis=1)
        return predictions


def record_path(folder: Path, fold: str, seed: int) -> Path:
    """Where the record of a fold lies in the folder of its run."""
    name = slug(fold)
    if name != fold:
        # Two folds of names that only look alike as file names must not take each other for done.
        name += f"-{digest(fold)[:8]}"
    return folder / f"fold-{name}-seed-{seed}.json"


def write_record(path: Path, record: Record) -> None:
    """Write a record; the folder is made where there is none."""
    write_text(path, json.dumps(vars(record), separators=(",", ":")) + "\n")


def read_record(path: Path) -> Record:
    """Read a record; RecordError when it is damaged or of another format."""
    try:
        plain = load_object(path)
        if plain["format"] != FORMAT:
            raise ValueError(f"format {plain['format']}, not {FORMAT}")
        lists = {name: tuple(plain[name]) for name in ("ids", "labels", "units", "history")}
        record = Record(**{**plain, **lists, "logits": tuple(map(tuple, plain["logits"]))})
        check_fold(plain)
        check_printable(plain["run"], record.fold, record.ids, record.units)
        if record.diagnosis is not None:
            read_diagnosis(record.diagnosis, len(record.ids), len(record.run["classes"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"is not a record ({describe_parse_error(error)})",
            where=path,
            remedy="delete it and run the same command again",
        ) from error
    return record


def find_records(folder: Path) -> Iterator[Path]:
    """The records in the folder of a run, in order."""
    yield from sorted(folder.glob("fold-*.json"))


@cache
def environment() -> Mapping[str, Any]:
    """The machine and the versions that a number depends on; without ``platform``, what its last bits depend on."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpu": _cpu(),
        "packages": dict(sorted(_versions())),
    }


def _cpu() -> str:
    """The processor's name and the instructions that torch uses of it: what decides how sums are rounded."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{found[0] if found else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _versions() -> Iterator[tuple[str, str]]:
    """The host, the distributions that bring plugins, and every installed one that these ask for by name."""
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
    """A distribution's name as one compares it: small letters, dashes (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
