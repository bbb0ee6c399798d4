"""Fuzzing targets: files of DREAMER, AMIGOS, WESAD, SEED-IV, SEED-V and MAHNOB-HCI."""

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from fuzzing import mutations
from mmbench import DataError, Dataset

_FILMS = 3


def make_dreamer(folder: Path) -> list[bytes]:
    """DREAMER.mat of two people, as stored and compressed."""
    from mmbench_datasets.shared.mat_writer import make_cells, write_mat

    made = []
    for compressed in (False, True):
        people = []
        for person in range(2):
            signals = np.random.default_rng(person).normal(size=(3, 64, 14))
            parts = {
                field: {"baseline": make_cells(whole, column=True), "stimuli": make_cells(whole, column=True)}
                for field, whole in (("EEG", signals), ("ECG", signals.repeat(2, axis=1)[:, :, :2]))
            }
            ratings = {f"Score{name}": np.array([[1.0], [3], [5]]) for name in ("Valence", "Arousal", "Dominance")}
            people.append({"Age": "22", **parts, **ratings})
        path = folder / "seed.mat"
        write_mat(path, {"DREAMER": {"Data": make_cells(people)}}, compressed=compressed)
        made.append(path.read_bytes())
    return made


def read_dreamer(path: Path) -> object:
    from mmbench_datasets.dreamer import Dreamer

    return _read(Dreamer(window=0.25), path.parent)


def make_amigos(folder: Path) -> list[bytes]:
    """A person of AMIGOS with one video that was not recorded."""
    from mmbench_datasets.shared.mat_writer import make_cells, write_mat

    signals = [np.random.default_rng(number).normal(size=(660, 17)) for number in range(19)]
    rated = [np.array([[6, 3, 5, 9, 1, 0, 0, 1, 1, 0, 0, 0.0]])] * 19
    cells = {
        "joined_data": make_cells([*signals, np.zeros((0, 0))]),
        "labels_selfassessment": make_cells([*rated, np.zeros((0, 0))]),
        "VideoIDs": make_cells(f"v{number}" for number in range(20)),
    }
    write_mat(folder / "seed.mat", cells, compressed=True)
    plain = folder / "plain.mat"
    write_mat(plain, cells)
    return [plain.read_bytes(), (folder / "seed.mat").read_bytes()]


def read_amigos(path: Path) -> object:
    from mmbench_datasets.amigos import Amigos

    root = path.parent / "amigos"
    root.mkdir(exist_ok=True)
    (root / "Data_Preprocessed_P01.mat").write_bytes(path.read_bytes())
    return _read(Amigos(window=0.125, videos="all"), root)


def make_seed_iv(folder: Path) -> list[bytes]:
    """EEG features of a session of SEED-IV, one window a film."""
    from mmbench_datasets.shared.mat_writer import write_mat

    arrays = {f"de_LDS{number}": np.random.default_rng(number).normal(size=(62, 1, 5)) for number in range(1, 25)}
    for compressed in (False, True):
        write_mat(folder / f"seed{compressed}.mat", arrays, compressed=compressed)
    return [(folder / f"seed{compressed}.mat").read_bytes() for compressed in (False, True)]


def read_seed_iv(path: Path) -> object:
    from mmbench_datasets.seed_iv import SeedIv
    from mmbench_datasets.shared.mat_writer import write_mat

    root = path.parent / "seed-iv"
    eeg, eye = (root / f"{name}_feature_smooth" / "1" / "1_1.mat" for name in ("eeg", "eye"))
    if not eye.exists():
        write_mat(eye, {f"eye_{number}": np.ones((31, 1)) for number in range(1, 25)})
    eeg.parent.mkdir(parents=True, exist_ok=True)
    eeg.write_bytes(path.read_bytes())
    return _read(SeedIv(), root)


def make_seed_iv_eye(folder: Path) -> list[bytes]:
    """Eye features of a session of SEED-IV, one window a film, of which some are not numbers."""
    from mmbench_datasets.shared.mat_writer import write_mat

    arrays = {f"eye_{number}": np.random.default_rng(number).normal(size=(31, 1)) for number in range(1, 25)}
    arrays["eye_3"][4] = np.nan
    write_mat(folder / "eye.mat", arrays)
    return [(folder / "eye.mat").read_bytes()]


def read_seed_iv_eye(path: Path) -> object:
    from mmbench_datasets.seed_iv import SeedIv
    from mmbench_datasets.shared.mat_writer import write_mat

    root = path.parent / "seed-iv"
    eeg, eye = (root / f"{name}_feature_smooth" / "1" / "1_1.mat" for name in ("eeg", "eye"))
    if not eeg.exists():
        write_mat(eeg, {f"de_LDS{number}": np.ones((62, 1, 5)) for number in range(1, 25)})
    eye.parent.mkdir(parents=True, exist_ok=True)
    eye.write_bytes(path.read_bytes())
    return _read(SeedIv(), root)


def make_wesad(_: Path) -> list[bytes]:
    """S2.pkl of four conditions of 1 s, of several protocols, and pickles that call code."""
    from mmbench_datasets.wesad.sensors import SENSORS

    signal: dict[str, dict[str, np.ndarray]] = {"chest": {}, "wrist": {}}
    for sensor in SENSORS.values():
        values = np.random.default_rng(0).normal(size=(4 * sensor.rate, len(sensor.channels)))
        signal[sensor.device][sensor.key] = values.astype(np.float32)
    tree = {"signal": signal, "label": np.repeat(np.arange(1, 5, dtype=np.int32), 700), "subject": "S2"}
    return [*(pickle.dumps(tree, protocol) for protocol in (2, 4, 5)), *mutations.CALLS]


def read_wesad(path: Path) -> object:
    from mmbench_datasets.wesad import Wesad

    root = path.parent / "wesad"
    target = root / "S2" / "S2.pkl"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    return _read(Wesad(window=1.0), root)


def make_seed_v(_: Path) -> list[bytes]:
    """An archive of EEG features, two windows a film."""
    made = []
    for protocol in (2, 3, 4):
        features = {number: np.random.default_rng(number).normal(size=(2, 310)) for number in range(_FILMS)}
        labels = {number: np.full(2, number) for number in range(_FILMS)}
        file = io.BytesIO()
        np.savez(file, data=pickle.dumps(features, protocol), label=pickle.dumps(labels, protocol))
        made.append(file.getvalue())
    return made


def change_seed_v(random: Random, seeds: Sequence[bytes]) -> bytes:
    """The archive changed, or the pickles in its arrays."""
    if random.random() < 0.5:
        return mutations.change_bytes(random, seeds)
    with np.load(io.BytesIO(random.choice(seeds))) as arrays:
        parts = {name: arrays[name].tobytes() for name in arrays}
    name = random.choice([*parts])
    parts[name] = mutations.change_pickle(random, [parts[name]])
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{key: np.frombuffer(content, np.uint8) for key, content in parts.items()})
    return file.getvalue()


def read_seed_v(path: Path) -> object:
    from mmbench_datasets.seed_v import SeedV

    root = path.parent / "seed-v"
    for folder in ("EEG_DE_features", "Eye_movement_features"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "EEG_DE_features" / "1_123.npz").write_bytes(path.read_bytes())
    (root / "Eye_movement_features" / "2_123.npz").touch()
    return list(SeedV().read(root, "s01"))


def make_session(_: Path) -> list[bytes]:
    """The description of a session."""
    names = ("Arsl", "Vlnc", "Ctrl", "Pred")
    ratings = " ".join(f'felt{name}="{value}"' for name, value in zip(names, "6359", strict=True))
    said = f'isStim="1" cutLenSec="4.5" mediaFile="1.avi" feltEmo="11" {ratings}'
    text = f'<?xml version="1.0"?>\n<session {said}><subject id="1"/><track color="1" filename="a.avi"/></session>'
    entities = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    return [text.encode(), text.replace("\n", f"\n{entities}", 1).replace("1.avi", "&c;").encode()]


def read_session(path: Path) -> object:
    from mmbench_datasets.mahnob_hci import MahnobHci

    folder = path.parent / "mahnob" / "Sessions" / "10"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.xml").write_bytes(path.read_bytes())
    if not (folder / "a.bdf").exists():
        (folder / "a.bdf").write_bytes(make_mahnob(path.parent)[0])
    return _read(MahnobHci(video=False), path.parent / "mahnob")


def make_mahnob(folder: Path) -> list[bytes]:
    """A recording of 3 s with a film from 0.5 to 2.5 s."""
    from mmbench_datasets.bdf_writer import Channel, write_bdf
    from mmbench_datasets.mahnob_hci.dataset import RATE, SIGNALS

    names = [name for names in SIGNALS.values() for name in names]
    signals = np.random.default_rng(0).normal(size=(len(names) + 1, 3 * int(RATE))) * 20
    signals[-1] = 1_703_680
    for event in (0.5, 2.5):
        signals[-1, int(event * RATE) : int((event + 0.1) * RATE)] += 16
    channels = [*(Channel(name, "uV", 262144.0) for name in names), Channel("Status", "Boolean", 2.0**23 - 1)]
    write_bdf(folder / "seed.bdf", channels, int(RATE), 3, [signals])
    return [(folder / "seed.bdf").read_bytes()]


def read_mahnob(path: Path) -> object:
    from mmbench_datasets.mahnob_hci.recordings import load_film

    return load_film(path, 2.0, is_average=True)


def _read(dataset: Dataset, root: Path) -> object:
    """All that a dataset says of a folder; its first problem is raised."""
    for problem in dataset.check(root):
        raise DataError(problem.message, where=problem.path, remedy=problem.remedy)
    units = dataset.units(root)
    told = [dataset.counts(root), dataset.left_out(root), dataset.assumptions(root)]
    return [*told, *(list(dataset.read(root, unit)) for unit in units[:3])]
