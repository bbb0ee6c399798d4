"""Fuzzing targets: files of the datasets of sequences, texts and sounds."""

import pickle
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


def make_mmsa(root: Path) -> list[bytes]:
    """A small pickle of features."""
    folder = _simulated(root, "mmsa", subjects=3)
    tree = pickle.loads((folder / "Processed" / "unaligned_50.pkl").read_bytes())  # written by the line above
    for part in tree.values():
        for key, value in part.items():
            part[key] = value[:2, :2] if key in ("text", "audio", "vision") else value[:2]
        part["audio_lengths"] = part["vision_lengths"] = [2, 1]
        part["text_bert"] = part["text_bert"][:, :, :2]
    return [pickle.dumps(tree, protocol) for protocol in (2, 4, 5)]


def read_mmsa(path: Path) -> object:
    from mmbench_datasets.mmsa import Mmsa

    return _read(Mmsa(text="both"), path.parent)


def make_film(root: Path) -> list[bytes]:
    """Descriptions of simulated films."""
    folder = _simulated(root, "mm-imdb", subjects=1)
    return [path.read_bytes() for path in sorted(folder.glob("dataset/0000000[1-5].json"))]


def read_film(path: Path) -> object:
    from mmbench_datasets.mm_imdb.films import load_json, read_genres, read_plot

    film = load_json(path)
    return [read_genres(path, film), read_plot(path, film, "longest")] if isinstance(film, dict) else None


def make_flv(root: Path) -> list[bytes]:
    """Two simulated films of CREMA-D."""
    folder = _simulated(root, "cremad", subjects=1)
    return [path.read_bytes() for path in sorted(folder.glob("VideoFlash/*.flv"))[:2]]


def read_flv(path: Path) -> object:
    from mmbench_datasets.shared.films import load_clip

    return load_clip(path, 2.0)


def make_eav(root: Path) -> list[bytes]:
    """Labels of the trials of a simulated person."""
    folder = _simulated(root, "eav", subjects=1)
    return [(folder / "subject1" / "EEG" / "subject1_eeg_label.mat").read_bytes()]


def read_eav(path: Path) -> object:
    from mmbench_datasets.eav.people import Person, load_trials

    return load_trials(Person("subject01", path, path, {"speech": {}, "video": {}}, {}))


def _simulated(root: Path, name: str, subjects: int) -> Path:
    """The folder of a simulation, made on the first call."""
    from mmbench.registry import load_registry

    folder = root / "simulated"
    if not folder.is_dir():
        options = {"sentences": 1} if name == "cremad" else {"trials": 10} if name == "eav" else {}
        load_registry().find("datasets", name).component().simulate(folder, subjects=subjects, **options)
    return folder


def _read(dataset: Dataset, folder: Path) -> object:
    problems = dataset.check(folder)
    found = [dict(dataset.left_out(folder))]
    for problem in problems:  # one line, like an error
        raise DataError(problem.message, where=problem.path, remedy=problem.remedy)
    return [found, *(list(dataset.read(folder, unit)) for unit in dataset.units(folder))]
