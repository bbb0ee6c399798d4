"""MM-IMDb: genres of films from poster and plot."""

from mmbench_datasets.mm_imdb.dataset import MmImdb as MmImdb
from mmbench_datasets.mm_imdb.dataset import MmImdbSim as MmImdbSim

__all__ = ["MmImdb", "MmImdbSim"]
