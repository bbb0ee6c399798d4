"""DEAP, its reader and its simulated twin."""

from mmbench_datasets.deap.reader import Deap as Deap
from mmbench_datasets.deap.sim import DeapSim as DeapSim

__all__ = ["Deap", "DeapSim"]
