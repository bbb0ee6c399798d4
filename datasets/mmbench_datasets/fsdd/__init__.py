"""The Free Spoken Digit Dataset."""

from mmbench_datasets.fsdd.dataset import Fsdd as Fsdd

__all__ = ["Fsdd"]
