"""Positions of DEAP's electrodes, and what each records of the sources below all of them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import EEG_CHANNELS

# Inclination from the vertex and azimuth from the right ear, in degrees, of BioSemi's cap of 32 electrodes.
# fmt: off
_ANGLES = {
    "Fp1": (92, 108), "AF3": (74, 115), "F3": (60, 129), "F7": (92, 144), "FC5": (72, 159), "FC1": (32, 135),
    "C3": (46, 180), "T7": (92, 180), "CP5": (72, -159), "CP1": (32, -135), "P3": (60, -129), "P7": (92, -144),
    "PO3": (74, -115), "O1": (92, -108), "Oz": (92, -90), "Pz": (46, -90), "Fp2": (92, 72), "AF4": (74, 65),
    "Fz": (46, 90), "F4": (60, 51), "F8": (92, 36), "FC6": (72, 21), "FC2": (32, 45), "Cz": (0, 0), "C4": (46, 0),
    "T8": (92, 0), "CP6": (72, -21), "CP2": (32, -45), "P4": (60, -51), "P8": (92, -36), "PO4": (74, -65),
    "O2": (92, -72),
}
# fmt: on
_SPREAD = 35.0  # standard deviation of what electrodes record of a source over the head, in degrees


def mix_sources(sources: NDArray[np.float64]) -> NDArray[np.float64]:
    """Potentials (32, T) at the electrodes of sources (32, T) below them, in the order of ``EEG_CHANNELS``."""
    return np.asarray(_mixing() @ sources)


@cache
def _mixing() -> NDArray[np.float64]:
    """Weights (32, 32) that fall off with the angle between electrode and source as a normal density does."""
    inclination, azimuth = np.radians([_ANGLES[name] for name in EEG_CHANNELS]).T
    places = np.stack(
        [np.sin(inclination) * np.cos(azimuth), np.sin(inclination) * np.sin(azimuth), np.cos(inclination)]
    )
    angles = np.degrees(np.arccos(np.clip(places.T @ places, -1, 1)))
    return np.asarray(np.exp(-0.5 * (angles / _SPREAD) ** 2))
