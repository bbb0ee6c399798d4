"""RAVDESS: acted emotions in speech and song, as sound and film."""

from mmbench_datasets.ravdess.dataset import Ravdess as Ravdess
from mmbench_datasets.ravdess.dataset import RavdessSim as RavdessSim

__all__ = ["Ravdess", "RavdessSim"]
