"""SEED-V: five emotions from features of EEG and eye movements."""

from mmbench_datasets.seed_v.dataset import SeedV as SeedV
from mmbench_datasets.seed_v.simulated import SeedVSim as SeedVSim

__all__ = ["SeedV", "SeedVSim"]
