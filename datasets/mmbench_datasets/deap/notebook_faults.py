"""Faults of Milmer's public preprocessing notebook, reproduced on request to measure the effect of each on scores."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALV = 3
"""Index of high arousal, low valence among Milmer's quadrants: the default if no other condition holds."""


def scramble(trial: "NDArray[np.floating]") -> "NDArray[np.floating]":
    """A trial (C, T) reshaped to (T, C) and transposed: same shape, values in another order.

    Row c takes every C-th value, from the c-th on, of all channels concatenated. A window of T/20 therefore holds the
    values of 1.6 of 32 channels over the whole trial.
    """
    n_channels, n_times = trial.shape
    return trial.reshape(n_times, n_channels).T


def published_quadrant(valence: float, arousal: float) -> int:
    """Index of the quadrant by the notebook's conditions: ties at 5 become HALV, except valence 5 with low arousal."""
    if valence > 5 and arousal > 5:
        return 0
    if valence >= 5 and arousal < 5:
        return 1
    if valence < 5 and arousal < 5:
        return 2
    return HALV
