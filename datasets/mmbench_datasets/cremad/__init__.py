"""CREMA-D: acted emotions in speech and film."""

from mmbench_datasets.cremad.dataset import Cremad as Cremad
from mmbench_datasets.cremad.dataset import CremadSim as CremadSim
from mmbench_datasets.cremad.layout import OGM_GE as OGM_GE

__all__ = ["OGM_GE", "Cremad", "CremadSim"]
