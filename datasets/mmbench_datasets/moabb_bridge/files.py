"""Files of an export: ``dataset.json``, and ``subject-N.h5`` with the trials of each run of a subject."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench import DataError, written_whole
from mmbench_datasets.moabb_bridge.catalogue import About

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mmbench_datasets.moabb_bridge.trials import RunTrials

MANIFEST = "dataset.json"
EXPORT_AGAIN = "copy it again, or delete it and leave --data out: it is then exported again"


@dataclass(frozen=True)
class Manifest:
    """What is the same for all subjects.

    ``settings`` are those of the export, ``classes`` MOABB's events in its order, ``interval`` the seconds after an
    event that a trial of the dataset lasts, ``subjects`` all that the dataset has.
    """

    moabb: str
    name: str
    settings: Mapping[str, Any]
    paradigm: str
    classes: Sequence[str]
    interval: Sequence[float]
    subjects: Sequence[int]
    simulated: bool
    about: About


@dataclass(frozen=True)
class RunHeader:
    """A run of a subject: ``channels`` by type, the number of trials of each class, and of events without one."""

    session: str
    run: str
    rate: float
    n_steps: int
    channels: Mapping[str, Sequence[str]]
    counts: Mapping[str, int]
    dropped: Mapping[str, int]

    @property
    def n_trials(self) -> int:
        """Trials of all classes."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class StoredRun:
    """The trials of a run: class names, times of the first samples (s), and arrays by type of channel."""

    header: RunHeader
    labels: Sequence[str]
    starts: Sequence[float]
    signals: "Mapping[str, NDArray[np.float32]]"


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write ``dataset.json``."""
    with written_whole(root / MANIFEST) as temporary:
        temporary.write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True), encoding="utf-8")


def read_manifest(root: Path) -> Manifest:
    """Read ``dataset.json``; DataError where it is missing or damaged."""
    path = root / MANIFEST
    if not path.is_file():
        remedy = "leave --data out: MOABB then finds its files (MNE_DATA) or downloads them, and they are exported once"
        raise DataError(f"holds no {MANIFEST} of an exported dataset of MOABB", where=root, remedy=remedy)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{**values, "about": About(**values["about"])})
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("is damaged", where=path, remedy=EXPORT_AGAIN) from error


def subject_file(root: Path, subject: int) -> Path:
    """The file of a subject."""
    return root / f"subject-{subject}.h5"


def find_exported(root: Path, manifest: Manifest) -> list[int]:
    """The subjects whose files are in the folder, in MOABB's order."""
    return [subject for subject in manifest.subjects if subject_file(root, subject).is_file()]


def write_subject(path: Path, classes: Sequence[str], runs: "Iterable[tuple[str, str, RunTrials]]") -> None:
    """Write the trials of a subject's runs, each with its session and its name."""
    import h5py

    headers: list[dict[str, Any]] = []
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        for at, (session, run, trials) in enumerate(runs):
            names = [classes[label] for label in trials.labels]
            header = RunHeader(
                session,
                run,
                trials.rate,
                next(iter(trials.signals.values())).shape[-1],
                trials.channels,
                {name: names.count(name) for name in classes},
                trials.dropped,
            )
            headers.append(asdict(header))
            group = file.create_group(f"{at:04d}")
            group["labels"], group["starts"] = trials.labels, trials.starts
            for kind, array in trials.signals.items():
                group.create_dataset(kind, data=array, chunks=(1, *array.shape[1:]) if len(array) else None)
        file.attrs["runs"] = json.dumps(headers, sort_keys=True)


def read_headers(path: Path) -> tuple[RunHeader, ...]:
    """The runs of a subject; DataError for a file that is missing or damaged."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError("was not exported", where=path, remedy="leave --data out to export it") from error
    return _read_headers(path, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _read_headers(path: Path, *_: int) -> tuple[RunHeader, ...]:
    import h5py

    with _reported_damage(path), h5py.File(path, "r") as file:
        return tuple(RunHeader(**values) for values in json.loads(file.attrs["runs"]))


def read_runs(path: Path, classes: Sequence[str]) -> Iterator[StoredRun]:
    """The runs of a subject with their trials, whose labels are indices of the export's ``classes``."""
    import h5py

    headers = read_headers(path)
    for at, header in enumerate(headers):
        with _reported_damage(path), h5py.File(path, "r") as file:
            group = file[f"{at:04d}"]
            labels = [classes[label] for label in group["labels"][:]]
            starts = group["starts"][:].tolist()
            run = StoredRun(header, labels, starts, {kind: group[kind][:] for kind in header.channels})
        yield run


@contextmanager
def _reported_damage(path: Path) -> Iterator[None]:
    """Raise DataError for what h5py and the parsing of headers raise for a damaged file."""
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError("is truncated or damaged", where=path, remedy=EXPORT_AGAIN) from error
