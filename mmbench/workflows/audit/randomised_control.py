"""Randomised control of a protocol: scores on random labels, which only a model that recognises units predicts."""

import numpy as np
from numpy.typing import NDArray

from mmbench.results import t_quantile, t_tail
from mmbench.workflows.audit.findings import ALPHA, Control

Index = NDArray[np.int64]
Scores = NDArray[np.float64]

_ROUNDING = 1e-12
_LEAST_P = 1e-16  # smaller p values are below the precision of floats


def make_control(whole: Scores, permuted: Scores, n_samples: int) -> Control:
    """The control from scores on labels of whole units and on permuted labels, each ``(draws,)``.

    Where units leave no trace, samples of a cell are exchangeable, and the grouping into units is one permutation
    among all: the mean over draws on whole units lies within the spread of single draws on permuted labels. The test
    is the t test of one more such draw, which is conservative. The spread is at least that of ``n_samples``
    independent predictions, since few draws may agree by chance.
    """
    n = len(permuted)
    score, expected = float(whole.mean()), float(permuted.mean())
    if n < 2:
        return Control(n, score, expected)
    binomial = np.sqrt(expected * (1 - expected) / n_samples)
    spread = max(float(permuted.std(ddof=1)), binomial, _ROUNDING) * np.sqrt(1 + 1 / n)
    p_value = max(_LEAST_P, t_tail((score - expected) / spread, n - 1))
    return Control(n, score, expected, p_value, float(spread * t_quantile(1 - ALPHA, n - 1)))
