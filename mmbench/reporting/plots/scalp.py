"""Positions of EEG channels on the scalp, seen from above."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MONTAGES = ("colin27_1005", "standard_1005")  # the name in mne from 1.13 on, and the one before
MIN_CHANNELS = 4
"""Fewest channels with a position that make a map."""
HEAD_M = 0.095
"""Radius of the head in metres."""
LEAST_SPREAD = 0.1
"""Half of the range of a map's colours or sizes at least, so that noise is not shown as a pattern."""


def find_positions(channels: Sequence[str]) -> dict[int, NDArray[np.floating[Any]]]:
    """Index and position ``(x, y)`` in metres of each channel of the 10-05 system; empty if mne is not installed."""
    try:
        import mne
    except ImportError:
        return {}
    known_to_mne = mne.channels.get_builtin_montages()
    name = next(name for name in _MONTAGES if name in known_to_mne)
    montage = mne.channels.make_standard_montage(name).get_positions()["ch_pos"]
    centre = _find_centre(np.stack(list(montage.values())))
    known = {name.lower(): position - centre for name, position in montage.items()}
    return {at: _flatten(known[name.lower()]) for at, name in enumerate(channels) if name.lower() in known}


def _find_centre(positions: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Centre of the sphere fitted to positions ``(n, 3)`` by least squares: |p|² = 2 p·c + (r² - |c|²)."""
    knowns = np.hstack([2 * positions, np.ones((len(positions), 1))])
    return np.asarray(np.linalg.lstsq(knowns, (positions**2).sum(axis=1), rcond=None)[0][:3])


def _flatten(position: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Azimuthal equidistant projection, in which the height of the ears lies on the outline."""
    x, y, z = position
    from_top = np.arctan2(np.hypot(x, y), z) / (np.pi / 2)
    return np.asarray(HEAD_M * from_top * np.array([x, y]) / max(np.hypot(x, y), 1e-12))
