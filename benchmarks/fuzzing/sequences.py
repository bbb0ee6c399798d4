"""Fuzzing targets: files of the datasets of sequences, texts and sounds."""

import pickle
from collections.abc import Callable
from pathlib import Path
from unittest import mock

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

    return load_trials(Person("subject01", path, path, {"speech": {}, "video": {}}, {}, ()))


def make_eav_eeg(root: Path) -> list[bytes]:
    """EEG of a simulated person, of ten trials of which each is cut to 100 time steps."""
    from scipy.io import loadmat, savemat

    tree = loadmat(_simulated(root, "eav", subjects=1) / "subject1" / "EEG" / "subject1_eeg.mat")
    arrays = {name: value[:100] for name, value in tree.items() if not name.startswith("_")}
    made = []
    for compressed in (False, True):
        savemat(root / "seed.mat", arrays, do_compression=compressed)
        made.append((root / "seed.mat").read_bytes())
    return made


def read_eav_eeg(path: Path) -> object:
    from mmbench_datasets.eav import people

    person = people.Person("subject01", path, path, {"speech": {}, "video": {}}, {}, ())
    with mock.patch.object(people, "N_TIMES", 100):
        eeg = people.load_eeg(person, 10)
        return [people.resample_trial(person, eeg, number, 250) for number in range(1, 11)]


def make_split(root: Path) -> list[bytes]:
    """The split of simulated films."""
    return [(_simulated(root, "mm-imdb", subjects=1) / "split.json").read_bytes()]


def read_split(path: Path) -> object:
    """All films, the list of the parts spoilt."""
    from mmbench_datasets.mm_imdb import MmImdb

    folder = _simulated(path.parent, "mm-imdb", subjects=1)
    (folder / "split.json").write_bytes(path.read_bytes())
    return _read(MmImdb(height=32), folder)


def make_clip(name: str, files: str) -> Callable[[Path], list[bytes]]:
    """Sounds of simulated clips of actors."""

    def make(root: Path) -> list[bytes]:
        folder = _simulated(root, name, subjects=1)
        return [path.read_bytes() for path in sorted(folder.glob(files))[:2]]

    return make


def read_clip(name: str, file: str) -> Callable[[Path], object]:
    """The clip ``file`` alone, as sound."""
    from mmbench.registry import load_registry

    def read(path: Path) -> object:
        folder = path.parent / "clips"
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(path.read_bytes())
        return _read(load_registry().find("datasets", name).component(modalities="speech"), folder)

    return read


def make_clip_names(_: Path) -> list[bytes]:
    """Names of files of CREMA-D and of RAVDESS, good and nearly good."""
    cremad = ("1001_DFA_ANG_XX", "1001_dfa_hap_hi", "1064_IEO_DIS_MD", "1001_DFA_ANG_XX.wav", "9001_DFA_ANG_XX")
    ravdess = ("03-01-01-01-01-01-01", "03-02-08-01-01-01-24", "03-01-01-02-01-01-25", "03-01-05-02-02-02-02")
    return ["\n".join(f"{name}.wav" for name in names).encode() for names in (cremad, ravdess)]


def read_clip_names(path: Path) -> object:
    """Empty sounds that are called so: names are understood before sounds are read."""
    import os

    from mmbench.registry import load_registry

    root = path.parent / "named"
    (root / "AudioWAV").mkdir(parents=True, exist_ok=True)
    for left in (root / "AudioWAV").iterdir():
        left.unlink()
    for line in path.read_bytes().replace(b"\0", b"").replace(b"/", b"").split(b"\n")[:20]:
        try:
            (root / "AudioWAV" / os.fsdecode(line[:200])).touch()
        except OSError:
            continue
    found: list[object] = []
    for name in ("cremad", "ravdess"):
        dataset = load_registry().find("datasets", name).component(modalities="speech")
        found += [f"{problem}" for problem in dataset.check(root)]
        units = dataset.units(root)
        found += [[dataset.counts(root), dataset.left_out(root), [dataset.sources(root, unit) for unit in units]]]
    return found


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
