"""Simulated samples with known effects of class, person and trial."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbench.workflows.audit.random_labels import Samples

N_FEATURES = 20


class Simulated(NamedTuple):
    samples: Samples
    x: NDArray[np.float32]


def simulate(
    seed: int,
    *,
    subjects: int = 6,
    trials: int = 12,
    windows: int = 5,
    n_classes: int = 4,
    of_class: float = 2.0,
    of_person: float = 1.0,
    of_trial: float = 0.0,
) -> Simulated:
    """Windows of noise, and so much of their class, of their person and of their trial."""
    random = np.random.default_rng(seed)
    rows = [(s, t, w) for s in range(subjects) for t in range(trials) for w in range(windows)]
    subject, trial, window = np.array(rows).T
    truth = np.stack([random.permutation(np.arange(trials) % n_classes) for _ in range(subjects)])
    labels = truth[subject, trial]
    x = random.normal(size=(len(rows), N_FEATURES))
    x += of_class * random.normal(size=(n_classes, N_FEATURES))[labels]
    x += of_person * random.normal(size=(subjects, N_FEATURES))[subject]
    x += of_trial * random.normal(size=(subjects, trials, N_FEATURES))[subject, trial]
    samples = Samples(
        ids=np.array([f"s{s}-t{t:02d}-w{w:02d}" for s, t, w in rows]),
        labels=labels,
        groups={"subject": np.array([f"s{s}" for s in subject]), "trial": np.array([f"t{t:02d}" for t in trial])},
        spans=np.stack([3.0 * window, 3.0 * window + 3.0], axis=1),
    )
    return Simulated(samples, x.astype(np.float32))


@pytest.fixture
def simulated() -> Callable[..., Simulated]:
    return simulate
