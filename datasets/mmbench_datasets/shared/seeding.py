"""Random generators of the simulation."""

from typing import Literal

import numpy as np

_Purpose = Literal["ratings", "person", "eeg", "peripheral", "video", "raw"]
_STREAMS: dict[_Purpose, int] = {"ratings": 0, "person": 1, "eeg": 2, "peripheral": 3, "video": 4, "raw": 5}


def make_rng(purpose: _Purpose, seed: int, participant: int, experiment: int = 0) -> np.random.Generator:
    """An independent generator for each purpose, person and trial, so that results do not depend on the order."""
    return np.random.default_rng([seed, _STREAMS[purpose], participant, experiment])
