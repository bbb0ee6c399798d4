"""Datasets of MOABB, exported once through its public interface: trials of EEG and whatever was recorded with it."""

from mmbench_datasets.moabb_bridge.dataset import Moabb as Moabb

__all__ = ["Moabb"]
