"""Differential entropy of bands, against TorchEEG's transform: one thread, windows of 1 s at 128 Hz, 32 channels."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from timing import Contenders, Goal, Measured, ResultsDiffer, measure, missing

from mmbench import Modality
from mmbench.builtin.encoders.de import DifferentialEntropy

NAME = "entropy"
TITLE = "differential entropy"
OURS, THEIRS = "mmbench", "TorchEEG"
UNIT = "ms a window"
GOALS = (Goal("at least 150 times as fast as TorchEEG", THEIRS, OURS, UNIT, least=150),)
RATE, CHANNELS = 128, 32
BANDS = {"theta": [4, 8], "alpha": [8, 14], "beta": [14, 31], "gamma": [31, 49]}
N_THEIRS = 20  # windows for TorchEEG, which is slower


def available() -> str | None:
    return missing("torcheeg")


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    from torcheeg.transforms import BandDifferentialEntropy

    n_windows = 40 if quick else 2000
    windows = np.random.default_rng(0).standard_normal((n_windows, CHANNELS, RATE)).astype(np.float32)
    encoder = DifferentialEntropy(
        Modality("eeg", "timeseries", (CHANNELS, RATE), rate=float(RATE)),
        bands="+".join(f"{low}-{high}" for low, high in BANDS.values()),
        per="channel",
    )
    transform = BandDifferentialEntropy(sampling_rate=RATE, band_dict=BANDS)

    def ours() -> Measured:
        x = torch.from_numpy(windows)
        # Batches of 64 instances, as in the token cache.
        return per_window(lambda: torch.cat([encoder(part) for part in torch.split(x, 64)]).numpy(), n_windows)

    def theirs() -> Measured:
        return per_window(lambda: np.stack([transform(eeg=window)["eeg"] for window in windows[:N_THEIRS]]), N_THEIRS)

    torch.set_num_threads(1)
    with threadpool_limits(1):
        about = (
            f"{n_windows} simulated windows of 1 s, 32 channels, four bands; {N_THEIRS} of them for TorchEEG; "
            "one thread"
        )
        yield Contenders({OURS: ours, THEIRS: theirs}, check, about)


def per_window(work: Any, n_windows: int) -> Measured:
    done = measure(work)
    return Measured({UNIT: 1000 * done.figures["s"] / n_windows}, done.result)


def check(results: Mapping[str, Any]) -> None:
    """Compare in bits, the unit of TorchEEG; ours is nats."""
    gap = np.abs(results[OURS][:N_THEIRS] / math.log(2) - results[THEIRS]).max()
    if not gap <= 1e-6:
        raise ResultsDiffer(f"entropies differ by {gap:.1e}")
