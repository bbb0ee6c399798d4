"""Quantiles and tails of the t and normal distributions, and probabilities of the binomial one.

`scipy.stats` computes them by the same functions of `scipy.special`, but importing it takes half a second.
"""

from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy import special


def t_quantile(probability: float, degrees: float) -> float:
    """The value that a t variable with ``degrees`` of freedom does not exceed with ``probability``."""
    return float(special.stdtrit(degrees, probability))


def t_tail(value: float, degrees: float) -> float:
    """The probability that a t variable with ``degrees`` of freedom exceeds ``value``."""
    return float(special.stdtr(degrees, -value))


def normal_tail(value: float) -> float:
    """The probability that a standard normal variable exceeds ``value``."""
    return float(special.ndtr(-value))


@overload
def normal_upper_quantile(probability: float) -> float: ...
@overload
def normal_upper_quantile(probability: NDArray[np.float64]) -> NDArray[np.float64]: ...
def normal_upper_quantile(probability: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """The value that a standard normal variable exceeds with ``probability``; infinite at 0 and 1."""
    return -special.ndtri(probability)


def binomial_probability(
    count: NDArray[np.float64], trials: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The probability of ``count`` successes in ``trials``, each with ``chance``; 0 for more successes than trials."""
    failures = np.maximum(trials - count, 0)
    choices = special.gammaln(trials + 1) - special.gammaln(count + 1) - special.gammaln(failures + 1)
    logarithm = choices + special.xlogy(count, chance) + special.xlog1py(failures, -chance)
    return np.where(count > trials, 0.0, np.exp(logarithm))
