"""EAV: EEG, speech and film of people in conversations."""

from mmbench_datasets.eav.dataset import Eav as Eav
from mmbench_datasets.eav.simulated import EavSim as EavSim

__all__ = ["Eav", "EavSim"]
