"""Order of samples in batches: at random, and where lengths differ, samples of similar length together."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Rows

_WINDOW = 8  # batches whose samples are sorted by length; smaller windows are more random, larger ones pad less


def training_batches(
    rows: Rows, size: int, random: np.random.Generator, lengths: NDArray[np.float64] | None
) -> Iterator[Rows]:
    """Batches of ``rows`` in random order; ``lengths`` ``(n,)`` are the sizes of the samples in it, where they differ.

    Samples of similar length share a batch: the shuffled samples are sorted within windows of 8 batches, and the order
    of the batches is shuffled (bucketing, as in Khomenko et al. 2016, arXiv 1708.05604). A last batch of one sample is
    omitted: it has no variance to normalise by.
    """
    order = random.permutation(len(rows))
    if len(rows) > 1 and size > 1 and len(rows) % size == 1:
        order = order[:-1]
    if lengths is None:
        yield from (rows[order[start : start + size]] for start in range(0, len(order), size))
        return
    windows = np.split(order, range(_WINDOW * size, len(order), _WINDOW * size))
    in_order = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    batches = [window[start : start + size] for window in in_order for start in range(0, len(window), size)]
    for at in random.permutation(len(batches)):
        yield rows[batches[at]]


def prediction_order(lengths: NDArray[np.float64] | None) -> NDArray[np.int64] | None:
    """The order in which samples of some lengths are predicted: the longest first, so that memory runs out at once."""
    return None if lengths is None else np.argsort(-lengths, kind="stable")
