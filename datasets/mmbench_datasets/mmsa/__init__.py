"""Features of CMU-MOSI, CMU-MOSEI and CH-SIMS, as MMSA publishes them."""

from mmbench_datasets.mmsa.dataset import Mmsa as Mmsa
from mmbench_datasets.mmsa.dataset import MmsaSim as MmsaSim

__all__ = ["Mmsa", "MmsaSim"]
