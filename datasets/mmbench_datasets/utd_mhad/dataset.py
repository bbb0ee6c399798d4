"""The UTD-MHAD dataset: 27 actions, recorded by an inertial sensor and as a skeleton."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.names import list_files
from mmbench_datasets.simulated import card_of_files, describe_mark
from mmbench_datasets.utd_mhad.layout import ACTIONS, STREAMS, Recording, list_recordings

NOT_READ = {"Depth": "depth images, which are not read", "RGB": "videos, which are not read"}


class UtdMhad(Dataset):
    """27 actions of 8 people: a wearable inertial sensor, and the skeleton from a Kinect camera.

    ``inertial``: acceleration (g) and rotation (degrees/s) of three axes at 50 Hz, which the sensor clips at 8 g and
    1,000 degrees/s. ``skeleton``: x, y and z of 20 joints in m, in the camera's coordinates, at 30 Hz; with
    ``origin="hip"``, relative to where the hip centre is in the first frame, so that the place of a person in the room
    does not matter. Nothing is filtered, resampled or aligned: recordings keep their lengths. At the nominal rates the
    inertial stream of a recording is 1.4 to 2.7 times as long as the skeleton.

    The sensor is on the right wrist for 21 actions, and on the right thigh for the six that the legs do: where it is
    worn tells these groups apart. Chen, Jafari and Kehtarnavaz 2015, ICIP, doi:10.1109/ICIP.2015.7350781.

    A sample is one recording, a repetition of an action, which is also its group ``trial``. Official split: subjects
    1, 3, 5 and 7 train, the others test.
    """

    name = "utd-mhad"
    card: ClassVar[Card] = Card(
        title="UTD-MHAD: UTD Multimodal Human Action Dataset (inertial, skeleton)",
        access="open",
        licence="for research; the publishers state no licence",
        url="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
        citation="Chen, Jafari and Kehtarnavaz, UTD-MHAD: A multimodal dataset for human action recognition utilizing "
        "a depth camera and a wearable inertial sensor, ICIP 2015, doi:10.1109/ICIP.2015.7350781",
        request="get Inertial.zip and Skeleton.zip from https://personal.utdallas.edu/~kehtar/UTD-MHAD.html, unpack "
        "them into one folder, as DIR/Inertial and DIR/Skeleton, and give it with --data DIR",
        size="8 people, 861 recordings",
        split="of the publication: people with odd numbers train, the others test",
    )

    def __init__(self, *, origin: Literal["camera", "hip"] = "camera") -> None:
        self.origin = origin

    def schema(self) -> Schema:
        """``inertial`` (6, time) and ``skeleton`` (60, time), of open length; task ``action``."""
        modalities = tuple(
            Modality(name, "timeseries", (len(stream.channels), None), rate=stream.rate, channels=stream.channels)
            for name, stream in STREAMS.items()
        )
        return Schema(modalities, tasks={"action": Task("class", ACTIONS)}, groups=("subject", "trial"))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing folder or file of a subject, or a file that cannot be read; reads all files, 0.3 s."""
        from mmbench_datasets.utd_mhad.recordings import load_stream

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        units = self.units(root)
        if not units:
            message = "holds no Inertial/aA_sS_tT_inertial.mat and Skeleton/aA_sS_tT_skeleton.mat"
            return [Problem(str(root), message, self.card.request)]
        problems = []
        for unit in units:
            for recording in list_recordings(int(unit[1:])):
                for name, path in _files(root, recording).items():
                    try:
                        load_stream(path, STREAMS[name])
                    except DataError as error:
                        problems.append(Problem(str(path), error.message, error.remedy, concerns="sample"))
        return problems

    def units(self, root: Path) -> list[str]:
        """``s1``, ``s2``, ...: the subjects with a file of either modality."""
        found = _found(root).values()
        return [f"s{number}" for number in sorted({recording.subject for recording in found if recording.is_published})]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of a subject, by action and repetition; without missing ones."""
        recordings = list_recordings(int(unit[1:]))
        paths = (path for recording in recordings for path in _files(root, recording).values())
        return [path for path in paths if path.is_file()]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files that are not published recordings, and the other modalities of the dataset."""
        left = {f"{folder}/*": why for folder, why in NOT_READ.items() if (root / folder).is_dir()}
        for path, recording in _found(root).items():
            if not recording.is_published:
                left[path.relative_to(root).as_posix()] = "is not among the published 27 actions and 4 repetitions"
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The recordings of a subject by action and repetition, with ids like ``s1/a01/t1``."""
        from mmbench_datasets.utd_mhad.recordings import from_hip, load_stream

        for recording in list_recordings(int(unit[1:])):
            try:
                files = _files(root, recording)
                data = {name: load_stream(path, STREAMS[name]) for name, path in files.items()}
            except DataError as error:
                yield error
                continue
            if self.origin == "hip":
                data["skeleton"] = from_hip(data["skeleton"])
            trial = f"{unit}/a{recording.action:02d}/t{recording.repetition}"
            yield Sample(
                id=trial,
                labels={"action": recording.action - 1},
                data={name: [values] for name, values in data.items()},
                groups={"subject": unit, "trial": trial},
                split="train" if recording.subject % 2 else "test",
            )

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated recordings of ``subjects`` people, in the same files.

        Neither modality tells all actions apart: each of the nine inertial movements is that of three actions, and each
        of the nine of the skeleton, too, so that one modality alone is right in at most a third of the samples.
        """
        from mmbench_datasets.utd_mhad.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength)


def _files(root: Path, recording: Recording) -> dict[str, Path]:
    return {name: root / stream.folder / f"{recording.stem}{stream.suffix}" for name, stream in STREAMS.items()}


def _found(root: Path) -> dict[Path, Recording]:
    """The recording of each file that is named like one."""
    found = {}
    for stream in STREAMS.values():
        for path in list_files(root / stream.folder):
            if match := re.fullmatch(rf"a([1-9]\d*)_s([1-9]\d*)_t([1-9]\d*){re.escape(stream.suffix)}", path.name):
                found[path] = Recording(*map(int, match.groups()))
    return found
