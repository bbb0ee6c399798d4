"""MAHNOB-HCI: ratings of film clips from EEG, peripheral signals and face videos."""

from mmbench_datasets.mahnob_hci.dataset import MahnobHci as MahnobHci
from mmbench_datasets.mahnob_hci.simulated import MahnobHciSim as MahnobHciSim

__all__ = ["MahnobHci", "MahnobHciSim"]
