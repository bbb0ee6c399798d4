"""Exact Shapley values, as weights of the values of all subsets."""

from collections.abc import Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray


def shapley_weights(subsets: Sequence[str]) -> NDArray[np.float64]:
    """The matrix ``(M, 2^M)`` that maps the values of all subsets to the Shapley values of M players.

    Subsets are written with a 1 for each player in them, in any order. Shapley 1953, "A value for n-person games":
    player i gets Σ |S|! (M - |S| - 1)! / M! · (v(S with i) - v(S)) over the subsets S without i, so that the
    values sum to v(all) - v(none).
    """
    n_players = len(subsets[0])
    weights = np.zeros((n_players, len(subsets)))
    for column, subset in enumerate(subsets):
        size = subset.count("1")
        for player, joined in enumerate(subset):
            others = size - (joined == "1")
            share = factorial(others) * factorial(n_players - others - 1) / factorial(n_players)
            weights[player, column] = share if joined == "1" else -share
    return weights
