"""Four simulated people in DEAP's own files, and how mmbench and TorchEEG read them: windows of 3 s, no video."""

from pathlib import Path
from typing import Any

from mmbench.prepare import Preparation
from mmbench.specs import parse_spec
from mmbench_datasets.deap.layout import PYTHON_FOLDER
from mmbench_datasets.deap.simulate import Simulation, write_simulation

CHANNELS, TIMES = 32, 384


def simulate(root: Path, subjects: int) -> None:
    write_simulation(root, Simulation(subjects=subjects, films=False))


def preparation(root: Path, cache: Path) -> Preparation:
    return Preparation(parse_spec("deap[video=false]"), root, cache)


def torcheeg_dataset(root: Path, store: Path, mode: str, workers: int) -> Any:
    """Made in ``store``, or found there."""
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
