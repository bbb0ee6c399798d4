"""WESAD: stress and affect from a chest strap and a wristband."""

from mmbench_datasets.wesad.dataset import Wesad as Wesad
from mmbench_datasets.wesad.simulated import WesadSim as WesadSim

__all__ = ["Wesad", "WesadSim"]
