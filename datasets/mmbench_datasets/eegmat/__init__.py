"""EEGMAT: EEG and ECG at rest and during mental arithmetic."""

from mmbench_datasets.eegmat.dataset import Eegmat as Eegmat

__all__ = ["Eegmat"]
