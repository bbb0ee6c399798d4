"""Validation scores of the encoders that Milmer's presets could name, people held out: the choice of the presets.

``python benchmarks/presets.py deap-sim --out DIR`` or ``python benchmarks/presets.py eegmat --data EEGMAT --out DIR``
trains milmer with each candidate and the other settings of the preset, with one seed, and prints the best validation
score of an epoch and the test score of that epoch, both means over the folds, and the time on the processor. A second
call trains only what is missing.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import mmbench

SWIN = "swin[model=nano,pretrained=false,frozen=true]"
CANDIDATES: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "deap-sim": (
        {"eeg": "milmer-eeg[dim=96]", "face": SWIN},
        {"eeg": "milmer-eeg[dim=96,variant=spectral]", "face": SWIN},
        {"eeg": "de", "face": SWIN},
        {"eeg": "de", "face": "pixels[side=16]"},
    ),
    "eegmat": (
        {"eeg": "milmer-eeg[dim=96]", "ecg": "milmer-eeg[dim=96]"},
        {"eeg": "milmer-eeg[dim=96,variant=spectral]", "ecg": "milmer-eeg[dim=96,variant=spectral]"},
        {"eeg": "de", "ecg": "milmer-eeg[dim=96]"},
        {"eeg": "de", "ecg": "de"},
        {"eeg": "de", "ecg": "spectrum"},
    ),
}
"""Encoders by modality, for each dataset."""


def main() -> None:
    """Train what is missing and print a row for each candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=sorted(CANDIDATES))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    width = max(len(describe(encoders)) for encoders in CANDIDATES[arguments.dataset])
    print(f"{'':{width}} validation  test  time")
    for encoders in CANDIDATES[arguments.dataset]:
        before = time.process_time()
        result = mmbench.run(
            "milmer",
            arguments.dataset,
            data=arguments.data,
            protocol="subject",
            encoders=encoders,
            against="none",
            seeds=1,
            diagnose="no",
            jobs=arguments.jobs,
            out=arguments.out,
        )
        took = time.process_time() - before
        records = result.reference.records
        validation = np.mean([max(epoch["validation_score"] for epoch in record.history) for record in records])
        test = np.mean([record.scores["chosen"]["balanced_accuracy"] for record in records])
        print(f"{describe(encoders):{width}} {validation:10.3f} {test:5.3f} {took:4.0f}s", flush=True)


def describe(encoders: Mapping[str, str]) -> str:
    """The encoders as the shell takes them."""
    return " ".join(f"{name}={encoder}" for name, encoder in encoders.items())


if __name__ == "__main__":
    main()
