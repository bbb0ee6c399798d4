"""Simulated people in DEAP's file formats, read by mmbench and TorchEEG as windows of 3 s without video.

    python -m speed.deap_files FOLDER STORE

creates TorchEEG's store of a folder with its default number of workers.
"""

import sys
from pathlib import Path
from typing import Any

from mmbench.data.preparation import Preparation
from mmbench.registry.specs import parse_spec
from mmbench_datasets.deap.layout import PYTHON_FOLDER
from mmbench_datasets.deap.simulate.folder import write_simulation
from mmbench_datasets.deap.simulate.options import Simulation

DATASET = "deap[video=false]"
CHANNELS, TIMES = 32, 384


def simulate(root: Path, subjects: int) -> None:
    write_simulation(root, Simulation(subjects=subjects, films=False))


def preparation(root: Path, cache: Path) -> Preparation:
    return Preparation(parse_spec(DATASET), root, cache)


def torcheeg_dataset(root: Path, store: Path, mode: str, workers: int) -> Any:
    """Creates the dataset in ``store``, or opens it."""
    from torcheeg import transforms
    from torcheeg.datasets import DEAPDataset

    return DEAPDataset(
        root_path=str(root / PYTHON_FOLDER),
        io_path=str(store),
        io_mode=mode,
        chunk_size=TIMES,
        num_channel=CHANNELS,
        num_baseline=1,
        baseline_chunk_size=TIMES,
        online_transform=transforms.ToTensor(),
        label_transform=transforms.Compose([transforms.Select("valence"), transforms.Binary(5.0)]),
        num_worker=workers,
        verbose=False,
    )


if __name__ == "__main__":
    torcheeg_dataset(Path(sys.argv[1]), Path(sys.argv[2]), "lmdb", 0)
