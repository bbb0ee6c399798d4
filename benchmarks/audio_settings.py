"""Validation scores of settings of the encoder `logmel` on FSDD, speakers held out: the choice of its defaults.

``python benchmarks/audio_settings.py DATA --out DIR`` trains concat with each setting in every fold, with one seed, and
prints the balanced accuracy on the validation speakers, averaged over the last quarter of the epochs and the folds. The
speaker of a fold's validation part is tested in another fold. The last line is free of that: each fold takes the
setting with the best score on its own validation part, and is tested with it. A second call trains only what is
missing.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import mmbench
from mmbench.results.records import Record

LONGER: Mapping[str, Any] = {"epochs": 50, "label_smoothing": 0.1}
SETTINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "defaults": ("logmel", {}),
    "longer": ("logmel", LONGER),
    "longer, centre 0": ("logmel[centre=0]", LONGER),
    "longer, centre 1": ("logmel[centre=1]", LONGER),
}
"""The encoder and the settings of the training loop by what is printed."""


def main() -> None:
    """Train what is missing and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    found = {}
    for name, (encoder, training) in SETTINGS.items():
        result = mmbench.run(
            "concat",
            "fsdd",
            data=arguments.data,
            protocol="loso",
            encoders={"audio": encoder},
            training=training,
            against="none",
            seeds=1,
            diagnose="no",
            jobs=arguments.jobs,
            out=arguments.out,
        )
        found[name] = result.reference.records
        print(f"{name:16} {np.mean([validation_score(record) for record in found[name]]):.3f}", flush=True)
    print(f"{'chosen by fold':16} {score_of_choice(list(found.values())):.3f} (test)")


def validation_score(record: Record) -> float:
    """The validation score averaged over the last quarter of the epochs: single epochs vary by some percent."""
    scores = [epoch["validation_score"] for epoch in record.history]
    return float(np.mean(scores[-max(1, len(scores) // 4) :]))


def score_of_choice(settings: Sequence[Sequence[Record]]) -> float:
    """The mean test score if each fold takes the setting with the best score on its own validation part."""
    folds = zip(*(sorted(records, key=lambda record: record.fold) for records in settings), strict=True)
    chosen = [max(candidates, key=validation_score) for candidates in folds]
    return float(np.mean([record.scores["chosen"]["balanced_accuracy"] for record in chosen]))


if __name__ == "__main__":
    main()
