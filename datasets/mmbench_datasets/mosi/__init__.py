"""CMU-MOSI: sentiment of spoken opinions."""

from mmbench_datasets.mosi.dataset import Mosi as Mosi

__all__ = ["Mosi"]
