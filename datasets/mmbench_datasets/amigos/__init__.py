"""AMIGOS: ratings of short and long videos from EEG, ECG and skin conductance."""

from mmbench_datasets.amigos.dataset import Amigos as Amigos
from mmbench_datasets.amigos.simulated import AmigosSim as AmigosSim

__all__ = ["Amigos", "AmigosSim"]
