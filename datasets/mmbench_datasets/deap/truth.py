"""What a simulated person rates and when: the truth behind the simulated signals and faces."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import N_TRIALS

FILMED = 22
"""DEAP filmed the first 22 of its 32 people."""

_NOT_FILMED = {3: {40}, 5: {40}, 14: {40}, 11: {38, 39, 40}}
_WITHOUT_FAMILIARITY = {2, 15, 23}

_Purpose = Literal["ratings", "person", "eeg", "peripheral", "film", "session"]
_STREAMS: dict[_Purpose, int] = {"ratings": 0, "person": 1, "eeg": 2, "peripheral": 3, "film": 4, "session": 5}


def make_rng(purpose: _Purpose, seed: int, participant: int, experiment: int = 0) -> np.random.Generator:
    """A generator of its own for each purpose, person and trial, so that nothing depends on the order of work."""
    return np.random.default_rng([seed, _STREAMS[purpose], participant, experiment])


@dataclass(frozen=True)
class Truth:
    """One person's ratings (40, 4) by Experiment_id; ``trials`` and ``familiarity`` (40,) likewise."""

    ratings: NDArray[np.float64]
    trials: NDArray[np.int64]
    familiarity: tuple[int | None, ...]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Valence and arousal (40, 2) from -1 to 1, 0 at the middle of the scale."""
        return (self.ratings[:, :2] - 5) / 4


def make_truth(seed: int, participant: int) -> Truth:
    """Ratings of valence and arousal, ten trials a quadrant in random order; dominance and liking follow valence.

    With unequal classes, a model that learns nothing but their frequency scores below chance on people held out.
    """
    rng = make_rng("ratings", seed, participant)
    quadrants = rng.permutation(N_TRIALS) % 4
    side = np.stack([quadrants % 2, quadrants // 2], axis=1) * 2 - 1
    affect = 5 + side * rng.uniform(0.3, 3.9, (N_TRIALS, 2))
    other = 5 + 0.5 * (affect[:, :1] - 5) + rng.normal(0, 1.3, (N_TRIALS, 2))
    ratings = np.asarray(np.round(np.clip(np.hstack([affect, other]), 1, 9), 2), np.float64)
    trials = rng.permutation(N_TRIALS) + 1
    familiarity = rng.integers(1, 6, N_TRIALS)
    known = participant not in _WITHOUT_FAMILIARITY
    return Truth(ratings, trials, tuple(int(value) if known else None for value in familiarity))


def is_filmed(participant: int, trial: int) -> bool:
    """Whether DEAP has the video of this person's ``trial``-th presentation."""
    return participant <= FILMED and trial not in _NOT_FILMED.get(participant, set())
