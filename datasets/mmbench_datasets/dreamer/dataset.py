"""The DREAMER dataset: windows of EEG and ECG of people who watch film clips."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError
from mmbench_datasets.names import describe_absent, find_home, find_variant
from mmbench_datasets.shared.damage import find_unusable
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.shared.ratings import RatingScale, Ties
from mmbench_datasets.shared.sliding_windows import make_windows
from mmbench_datasets.simulated import card_of_files, describe_mark

FILE = "DREAMER.mat"
CHANNELS = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
LEADS = ("ecg-1", "ecg-2")
EEG_RATE, ECG_RATE = 128.0, 256.0
RATINGS = ("valence", "arousal", "dominance")
N_PEOPLE = 23
LONGEST = 60.0  # s; the shortest film lasts 65


class Dreamer(Dataset):
    """Ratings of 18 film clips by 23 people, from 14 channels of EEG (128 Hz) and two leads of ECG (256 Hz).

    A sample is a window of ``window`` s of a film; without ``stride`` (s), windows do not overlap. ``last_seconds``
    keeps the last seconds of each film, 60 in the publication; by default all of it is used. Signals are those of the
    file: not filtered, not resampled, with the offset of the EEG headset. The baseline before each film is not read.

    Ratings of valence, arousal and dominance are whole numbers from 1 to 5. Above ``threshold`` is high; ``ties`` says
    what a rating equal to it is: ``low``, ``high``, or not labelled (``drop``). The task ``quadrant`` combines arousal
    and valence, ``ratings`` are the values. A film is the group ``video``, a person's view of it the group ``trial``.
    Katsigiannis and Ramzan 2018, IEEE JBHI 22(1):98-107.
    """

    name = "dreamer"
    card: ClassVar[Card] = Card(
        title="DREAMER: EEG and ECG of people who watch film clips",
        access="gated",
        licence="for academic research, under the terms of the request; no redistribution",
        url="https://zenodo.org/records/546113",
        citation="Katsigiannis and Ramzan, DREAMER: A database for emotion recognition through EEG and ECG signals "
        "from wireless low-cost off-the-shelf devices, IEEE JBHI 22(1):98-107, 2018, doi:10.1109/JBHI.2017.2688239",
        request="request access at https://zenodo.org/records/546113, put DREAMER.mat into a folder and give it with "
        "--data; dreamer-sim, the simulated version, needs no files",
        size="23 people, 18 film clips",
    )

    def __init__(
        self,
        *,
        window: float = 10.0,
        stride: float | None = None,
        last_seconds: float | None = None,
        threshold: float = 3.0,
        ties: Ties = "low",
    ) -> None:
        self.windows = make_windows(self.name, window, stride, (EEG_RATE, ECG_RATE), LONGEST)
        self.scale = RatingScale(RATINGS, 1, 5, threshold, ties)
        self.scale.check(self.name)
        if last_seconds is not None and not window <= last_seconds < float("inf"):
            message = f"last_seconds={last_seconds:g} is shorter than window={window:g}, or infinite"
            raise SpecError(message, where=self.name, remedy="keep at least one window")
        self.last_seconds = last_seconds

    def schema(self) -> Schema:
        """``eeg`` (14, time) and ``ecg`` (2, time); valence, arousal, dominance, quadrant and the ratings."""
        size = self.windows.size
        return Schema(
            modalities=(
                Modality("eeg", "timeseries", (len(CHANNELS), size(EEG_RATE)), rate=EEG_RATE, channels=CHANNELS),
                Modality("ecg", "timeseries", (len(LEADS), size(ECG_RATE)), rate=ECG_RATE, channels=LEADS),
            ),
            tasks=self.scale.tasks(),
            groups=("subject", "trial", "video"),
        )

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing, truncated or foreign file, and people and films that cannot be used; unpacks the whole file."""
        from mmbench_datasets.dreamer.recordings import count_people, count_windows

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            path = _file(root)
            if not path.exists():
                return [describe_absent(root, FILE, FILE, self.card.request)]
            count_people(path)
            return find_unusable(count_windows(path, self.windows, self.last_seconds, self.scale).errors)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]

    def units(self, root: Path) -> list[str]:
        """``s01`` to ``s23``: the people of the file."""
        from mmbench_datasets.dreamer.recordings import count_people

        return [f"s{number:02d}" for number in range(1, count_people(_file(root)) + 1)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The one file of all people."""
        return [_file(root)]

    def contents(self, root: Path) -> Mapping[str, int]:
        """The one file, which holds everybody."""
        return {FILE: 1}

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, windows, and windows of each class of valence; unpacks the whole file, 10 s."""
        from mmbench_datasets.dreamer.recordings import count_windows

        return count_windows(_file(root), self.windows, self.last_seconds, self.scale).numbers

    def assumptions(self, root: Path) -> list[str]:
        """The convention of the classes, and people who are not in the file."""
        missing = describe_missing_people(self, root, N_PEOPLE, "DREAMER's")
        return [self.scale.describe(), *(f"{FILE} has {line}" for line in missing)]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The baselines, and the beginnings of films with ``last_seconds``."""
        left = {"baselines": "recorded before each film, and not read"}
        if self.last_seconds is not None:
            left["beginnings of films"] = f"last_seconds={self.last_seconds:g} keeps their ends"
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by film and time, with ids like ``s01/v07/w003``."""
        from mmbench_datasets.dreamer.recordings import read_windows

        yield from read_windows(_file(root), int(unit[1:]), self.windows, self.last_seconds, self.scale)

    def simulate(
        self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, seconds: float = 30.0
    ) -> None:
        """Write simulated recordings of ``subjects`` people in DREAMER's file format, films of about ``seconds`` s.

        The ratings change the band power of the EEG, most by arousal, and the pulse in the ECG, most by valence.
        """
        from mmbench_datasets.dreamer.simulation import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, seconds=seconds)


def _file(root: Path) -> Path:
    return find_variant(find_home(root, lambda folder: find_variant(folder / FILE).is_file()) / FILE)
