"""Fuzzing targets: files of the datasets of sequences, texts and sounds."""

from collections.abc import Callable
from pathlib import Path

from mmbench import DataError, Dataset


def make_utd_mhad(root: Path) -> list[bytes]:
    """Files of both modalities, the inertial one first."""
    from mmbench_datasets.utd_mhad import UtdMhad

    folder = root / "simulated"
    if not folder.is_dir():
        UtdMhad().simulate(folder, subjects=1)
    return [path.read_bytes() for path in sorted(folder.glob("*/a1_s1_t[12]_*.mat"))]


def read_utd_mhad(path: Path) -> object:
    from mmbench_datasets.utd_mhad.layout import STREAMS
    from mmbench_datasets.utd_mhad.recordings import load_stream

    return load_stream(path, STREAMS["inertial"])


def make_mosi(name: str) -> Callable[[Path], list[bytes]]:
    """A table of simulated utterances."""

    def make(root: Path) -> list[bytes]:
        return [(_utterances(root) / name).read_bytes()]

    return make


def read_mosi(name: str) -> Callable[[Path], object]:
    """All utterances, one of their tables spoilt."""
    from mmbench_datasets.mosi import Mosi

    def read(path: Path) -> object:
        folder = _utterances(path.parent)
        (folder / name).write_bytes(path.read_bytes())
        return _read(Mosi(text="both"), folder)

    return read


def _utterances(root: Path) -> Path:
    from mmbench_datasets.mosi import Mosi

    folder = root / "utterances"
    if not folder.is_dir():
        Mosi().simulate(folder, subjects=2)
    return folder


def make_fsdd(root: Path) -> list[bytes]:
    from mmbench_datasets.fsdd import Fsdd

    folder = root / "simulated"
    if not folder.is_dir():
        Fsdd().simulate(folder, subjects=1, takes=1)
    return [path.read_bytes() for path in sorted(folder.glob("recordings/[0-2]_*.wav"))]


def read_fsdd(path: Path) -> object:
    from mmbench_datasets.fsdd import Fsdd

    return _read(Fsdd(), path.parent)


def _read(dataset: Dataset, folder: Path) -> object:
    problems = dataset.check(folder)
    found = [dict(dataset.left_out(folder))]
    for problem in problems:  # one line, like an error
        raise DataError(problem.message, where=problem.path, remedy=problem.remedy)
    return [found, *(list(dataset.read(folder, unit)) for unit in dataset.units(folder))]
