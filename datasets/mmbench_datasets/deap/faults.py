"""The faults of Milmer's public preprocessing notebook, repeated on request, to measure what each is worth."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALV = 3
"""The place of high arousal, low valence among Milmer's quadrants, which takes what no other condition takes."""

# fmt: off
TWENTE_CHANNELS = (
    "Fp1", "AF3", "F7", "F3", "FC1", "FC5", "T7", "C3", "CP1", "CP5", "P7", "P3", "Pz", "PO3", "O1", "Oz",
    "O2", "PO4", "P4", "P8", "CP6", "CP2", "C4", "T8", "FC6", "FC2", "F4", "F8", "AF4", "Fp2", "Fz", "Cz",
)
"""The order of the channels in the recordings made in Twente; the notebook gives these names to Geneva's order."""
# fmt: on


def scramble(trial: "NDArray[np.floating]") -> "NDArray[np.floating]":
    """A trial (C, T) read as if it were (T, C): its values in another order, of the same shape.

    Row c of the outcome takes each C-th value of all channels laid end to end, from the c-th on. A window of a
    twentieth of T is 1.6 of 32 channels, over the whole trial.
    """
    n_channels, n_times = trial.shape
    return trial.reshape(n_times, n_channels).T


def published_quadrant(valence: float, arousal: float) -> int:
    """The quadrant with the notebook's conditions: a tie at 5 is HALV, but for low arousal with a valence of 5."""
    if valence > 5 and arousal > 5:
        return 0
    if valence >= 5 and arousal < 5:
        return 1
    if valence < 5 and arousal < 5:
        return 2
    return HALV
