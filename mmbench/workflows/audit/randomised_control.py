"""Randomised control of a protocol: scores on random labels, which only a model that recognises units predicts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Scores = NDArray[np.float64]

ALPHA = 0.001  # an audit tests several protocols and is repeated often: false alarms must be rare
MARGIN = 0.01  # of balanced accuracy: smaller excesses do not matter
_ROUNDING = 1e-12
_LEAST_P = 1e-16  # smaller p values are below the precision of floats


@dataclass(frozen=True)
class Control:
    """Balanced accuracies on random labels under a protocol, means over ``draws``.

    ``score`` is that on random labels of whole units, ``expected`` that on the same labels permuted within class and
    person. ``p_value`` is one-sided. ``detectable`` is the smallest excess with p below `ALPHA`. All but ``draws`` are
    None if the control is not possible.
    """

    draws: int
    score: float | None = None
    expected: float | None = None
    p_value: float | None = None
    detectable: float | None = None

    @property
    def excess(self) -> float | None:
        """The score on labels of whole units minus that on permuted labels."""
        return None if self.score is None or self.expected is None else self.score - self.expected

    @property
    def leaks(self) -> bool:
        """Whether units are recognised: a significant excess of at least `MARGIN`."""
        if self.p_value is None or self.excess is None:
            return False
        return self.p_value < ALPHA and self.excess >= MARGIN


def make_control(whole: Scores, permuted: Scores, n_samples: int) -> Control:
    """The control from scores on labels of whole units and on permuted labels, each ``(draws,)``.

    Where units leave no trace, samples of a cell are exchangeable, and the grouping into units is one permutation
    among all: the mean over draws on whole units lies within the spread of single draws on permuted labels. The test
    is the t test of one more such draw, which is conservative. The spread is at least that of ``n_samples``
    independent predictions, since few draws may agree by chance.
    """
    from scipy.stats import t

    n = len(permuted)
    score, expected = float(whole.mean()), float(permuted.mean())
    if n < 2:
        return Control(n, score, expected)
    binomial = np.sqrt(expected * (1 - expected) / n_samples)
    spread = max(float(permuted.std(ddof=1)), binomial, _ROUNDING) * np.sqrt(1 + 1 / n)
    p_value = max(_LEAST_P, float(t.sf((score - expected) / spread, n - 1)))
    return Control(n, score, expected, p_value, float(spread * t.isf(ALPHA, n - 1)))
