"""SEED-IV: four emotions from features of EEG and eye movements."""

from mmbench_datasets.seed_iv.dataset import SeedIv as SeedIv
from mmbench_datasets.seed_iv.simulated import SeedIvSim as SeedIvSim

__all__ = ["SeedIv", "SeedIvSim"]
