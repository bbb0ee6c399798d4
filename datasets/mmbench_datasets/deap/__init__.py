"""DEAP and its simulated version."""

from mmbench_datasets.deap.dataset import Deap as Deap
from mmbench_datasets.deap.simulate.dataset import DeapSim as DeapSim

__all__ = ["Deap", "DeapSim"]
