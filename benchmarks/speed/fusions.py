"""A comparison of five fusions, against one fusion: frozen encoders run once for all."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from timing import Contenders, Goal, ResultsDiffer

import mmbench
from speed import frozen_plugin

NAME = "fusions"
TITLE = "five fusions"
FIVE, ONE = "five fusions", "one fusion"
GOALS = (Goal("at most 1.5 times the time of one", FIVE, ONE, most=1.5),)
METHODS = ("concat", "late", "gated", "lowrank", "attention")
EPOCHS = 5


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    samples = 8 if quick else 96
    (folder / "data").mkdir()
    contenders = {FIVE: runner(folder, METHODS, samples), ONE: runner(folder, METHODS[:1], samples)}
    about = (
        f"{', '.join(METHODS)}, or the first alone, from files to verdicts with an empty cache: {samples} simulated "
        f"samples, pictures of 224 px through a frozen Swin-tiny, EEG as differential entropy, 2 folds, {EPOCHS} epochs"
    )
    yield Contenders(contenders, check, about)


def runner(folder: Path, methods: Sequence[str], samples: int) -> Callable[[], dict[str, list[Any]]]:
    """A comparison with an empty cache; returns the logits of each method by fold."""

    def run() -> dict[str, list[Any]]:
        for name in ("runs", "cache"):
            shutil.rmtree(folder / name, ignore_errors=True)
        first, *others = methods
        compared = mmbench.run(
            first,
            f"pictures[samples={samples}]",
            against=others,
            data=folder / "data",
            out=folder / "runs",
            cache=folder / "cache",
            plugins=(frozen_plugin.__file__,),
            encoders={"face": "swin[pretrained=false,frozen=true]", "eeg": "de"},
            training={"epochs": EPOCHS, "patience": EPOCHS},
            protocol="subject",
            folds=2,
            jobs=len(os.sched_getaffinity(0)),
            diagnose="no",
            weights="drop",
        )
        return {method.name: [record.logits for record in method.records] for method in compared.methods}

    return run


def check(results: Mapping[str, Any]) -> None:
    """Check that all five were trained, and that the logits of the common one agree."""
    if set(results[FIVE]) != set(METHODS):
        raise ResultsDiffer(f"only {', '.join(results[FIVE])} were trained")
    if results[FIVE][METHODS[0]] != results[ONE][METHODS[0]]:
        raise ResultsDiffer(f"{METHODS[0]} has other logits in a comparison of five")
