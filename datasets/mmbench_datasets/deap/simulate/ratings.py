"""Simulated ratings, order of presentation and available videos: the ground truth of the simulation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import N_TRIALS
from mmbench_datasets.shared.seeding import make_rng

_WITHOUT_FAMILIARITY = {2, 15, 23}


@dataclass(frozen=True)
class SimulatedRatings:
    """One person's ratings (40, 4), rows by Experiment_id; ``trials``, the places in the order of presentation from 1,
    and ``familiarity`` (40,) have the same order."""

    ratings: NDArray[np.float64]
    trials: NDArray[np.int64]
    familiarity: tuple[int | None, ...]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Valence and arousal (40, 2) scaled to -1..1; 0 is the middle of the rating scale."""
        return (self.ratings[:, :2] - 5) / 4


def make_ratings(seed: int, participant: int) -> SimulatedRatings:
    """Ratings with ten trials per quadrant in random order; dominance and liking correlate with valence.

    Classes are balanced because a model that learns class frequencies only scores below chance on held-out people
    if they are not.
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
    return SimulatedRatings(ratings, trials, tuple(int(value) if known else None for value in familiarity))
