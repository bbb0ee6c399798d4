"""Multiple Features: six views of handwritten digits, bundled."""

from mmbench_datasets.mfeat.dataset import Mfeat as Mfeat

__all__ = ["Mfeat"]
