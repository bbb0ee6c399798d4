"""The score that guessing reaches, given the classes and how many samples there are."""

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import METRICS

_DRAWS = 5000


def chance_bound(labels: NDArray[np.int64], n_classes: int, level: float = 0.95, seed: int = 0) -> dict[str, float]:
    """What a guesser who knows how frequent the classes are stays below with probability ``level``, by metric.

    A score above its mean, 1 / C for balanced accuracy, may still be luck: the fewer samples, the more (Combrisson &
    Jerbi 2015, Journal of Neuroscience Methods 250). Samples are taken for independent; where those of one person
    are alike, luck reaches further still.
    """
    support = np.bincount(labels, minlength=n_classes)
    share = support / support.sum()
    random = np.random.default_rng(seed)
    guesses = np.stack([random.multinomial(n, share, size=_DRAWS) for n in support], axis=1).astype(np.float64)
    return {name: float(np.quantile(metric(guesses), level)) for name, metric in METRICS.items()}
