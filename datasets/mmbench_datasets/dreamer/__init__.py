"""DREAMER: ratings of film clips from EEG and ECG."""

from mmbench_datasets.dreamer.dataset import Dreamer as Dreamer
from mmbench_datasets.dreamer.simulated import DreamerSim as DreamerSim

__all__ = ["Dreamer", "DreamerSim"]
