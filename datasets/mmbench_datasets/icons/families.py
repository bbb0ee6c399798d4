"""Families of icons: near copies of each other by name, words and picture, which a split must keep whole."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench_datasets.icons.archive import Catalogue, load_icons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAME_WORDS = 0.5
"""Share of common words, of all words of two texts, from which two icons are of one family."""
SIMILAR_WORDS, SIMILAR_PICTURE = 0.25, 0.6
"""Share of common words, and correlation of pictures, from which two icons with both are of one family."""
_WEIGHT = "regular"  # of the pictures that are compared


@lru_cache(maxsize=1)
def load_families(path: Path, request: str) -> tuple[str, ...]:
    """The family of each icon of an archive, as `find_families`; raises DataError as `load_bytes`."""
    return find_families(load_icons(path, request))


def find_families(icons: Catalogue) -> tuple[str, ...]:
    """The family of each icon, named by its first icon: the connected components of `_find_kin`.

    Sums are of whole numbers and exact, so that families do not depend on the machine.
    """
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    of = connected_components(_find_kin(icons), directed=False)[1]
    first = np.unique(of, return_index=True)[1]
    return tuple(icons.names[at] for at in first[of])


def _find_kin(icons: Catalogue) -> "NDArray[np.bool_]":
    """Which pairs of icons ``(n, n)`` share the first word of the name, words, or words and the picture."""
    first = _one_hot([[name.split("-")[0]] for name in icons.names])
    words = _share_words(icons.texts)
    pictures = _correlate(icons.images[icons.weights.index(_WEIGHT)])
    same: NDArray[np.bool_] = first @ first.T > 0
    return same | (words >= SAME_WORDS) | ((words >= SIMILAR_WORDS) & (pictures >= SIMILAR_PICTURE))


def _share_words(texts: Sequence[str]) -> "NDArray[np.float64]":
    """The number of common words over that of all words of two texts ``(n, n)``."""
    found = _one_hot([re.findall(r"\w+", text.lower()) for text in texts])
    common, count = found @ found.T, found.sum(axis=1)
    shares: NDArray[np.float64] = common / (count[:, None] + count - common)
    return shares


def _one_hot(words: Sequence[Sequence[str]]) -> "NDArray[np.float64]":
    """1 where a text has a word, ``(n, words)``."""
    import numpy as np

    column = {word: at for at, word in enumerate(dict.fromkeys(word for each in words for word in each))}
    found = np.zeros((len(words), len(column)))
    for row, each in zip(found, words, strict=True):
        row[[column[word] for word in each]] = 1
    return found


def _correlate(images: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """Correlations of grey levels of two pictures ``(n, n)``."""
    import numpy as np

    flat = images.reshape(len(images), -1).astype(np.float64)
    sums = flat.sum(axis=1)
    covariance = flat.shape[1] * (flat @ flat.T) - sums[:, None] * sums
    spread = covariance.diagonal()
    correlations: NDArray[np.float64] = covariance / np.sqrt(spread[:, None] * spread)
    return correlations
