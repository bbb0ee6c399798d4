"""UTD-MHAD: actions from an inertial sensor and a skeleton."""

from mmbench_datasets.utd_mhad.dataset import UtdMhad as UtdMhad

__all__ = ["UtdMhad"]
