"""The control: labels drawn by lot, learnt and tested under a protocol. Who predicts them has recognised samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Scores = NDArray[np.float64]

ALPHA = 0.001  # an audit looks at six protocols and is repeated often: a false alarm must be rare
MARGIN = 0.01  # less than a point of balanced accuracy is no matter
_ROUNDING = 1e-12
_LEAST_P = 1e-16  # a p below the precision of numbers is told as this


@dataclass(frozen=True)
class Control:
    """How labels by lot were predicted under a protocol; balanced accuracies, means over ``draws``.

    ``score`` is that on lots that whole units share. ``expected`` is that on the same lots dealt out again among the
    samples of each cell, which leaves everything as it was but who shares a lot with whom. ``p_value`` is one-sided.
    ``detectable`` is the excess from which p would be below `ALPHA`. All but ``draws`` are None where lots can tell
    nothing.
    """

    draws: int
    score: float | None = None
    expected: float | None = None
    p_value: float | None = None
    detectable: float | None = None

    @property
    def excess(self) -> float | None:
        """By how much lots of whole units were predicted better."""
        return None if self.score is None or self.expected is None else self.score - self.expected

    @property
    def leaks(self) -> bool:
        """Whether test samples were recognised by those of their unit, by a margin that matters."""
        if self.p_value is None or self.excess is None:
            return False
        return self.p_value < ALPHA and self.excess >= MARGIN


def make_control(whole: Scores, dealt: Scores, n_samples: int) -> Control:
    """The control from the scores on lots of whole units and on lots dealt out again, each ``(draws,)``.

    Where units leave no trace, samples of a cell are exchangeable, and how they are grouped into units is one way of
    dealing them out among all: the mean over draws on whole units lies within the spread of single draws dealt out
    again. Tested by t for one more draw of these, which errs to the side of no leak; few draws that are alike by
    chance are not taken to spread less than ``n_samples`` independent guesses.
    """
    from scipy.stats import t

    n = len(dealt)
    score, expected = float(whole.mean()), float(dealt.mean())
    if n < 2:
        return Control(n, score, expected)
    guesses = np.sqrt(expected * (1 - expected) / n_samples)
    spread = max(float(dealt.std(ddof=1)), guesses, _ROUNDING) * np.sqrt(1 + 1 / n)
    p_value = max(_LEAST_P, float(t.sf((score - expected) / spread, n - 1)))
    return Control(n, score, expected, p_value, float(spread * t.isf(ALPHA, n - 1)))
