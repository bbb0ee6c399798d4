"""The EEGMAT dataset: windows of EEG, with the ECG as a bag of shorter windows, from PhysioNet's EDF files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Download, Modality, Problem, Sample, Schema, SpecError, Task, load_pins
from mmbench_datasets.eegmat.layout import EEG, FILE_RATE, STATES, check_header
from mmbench_datasets.eegmat.options import WindowOptions
from mmbench_datasets.names import find_variant

PUBLISHED = "https://physionet.org/files/eegmat/1.0.0/"
LOWEST_RATE = 120  # Hz; below, the anti-alias filter attenuates frequencies of the recordings, which reach 45 Hz


class Eegmat(Dataset):
    """Rest against mental arithmetic: 19 EEG channels and one ECG lead in µV, one recording per state and person.

    ``window`` and ``stride`` are in seconds; without ``stride``, windows do not overlap. ``rate`` is in Hz. The
    ECG of a window is cut into ``instances`` equal parts, the bag. The recordings at rest are three times as
    long as the others; ``rest_seconds`` keeps only their first seconds.

    A recording may have gaps (EDF+D): no window spans one, and spans count the time of the gaps. ``left_out``
    reports what is in no window.

    Each window is resampled separately, with an anti-alias filter and no other processing, so no sample depends
    on another. The published recordings are already filtered (0.5-45 Hz) and cleaned with ICA. Zyma et al. 2019,
    Data 4(1):14.
    """

    name = "eegmat"
    card: ClassVar[Card] = Card(
        title="EEG during mental arithmetic tasks (EEGMAT)",
        access="open",
        licence="ODC-BY 1.0",
        url="https://physionet.org/content/eegmat/1.0.0/",
        citation="Zyma et al., Electroencephalograms during mental arithmetic task performance, Data 4(1):14, 2019",
        request="mmbench data get eegmat, or get the EDF files from https://physionet.org/content/eegmat/1.0.0/ and "
        "name their folder with --data",
        size="36 people, 2 recordings",
    )

    def __init__(
        self,
        *,
        window: float = 5.0,
        stride: float | None = None,
        rate: int = 125,
        instances: int = 5,
        rest_seconds: float | None = None,
    ) -> None:
        if not LOWEST_RATE <= rate <= FILE_RATE:
            raise SpecError(
                f"rate={rate} is outside {LOWEST_RATE}-{FILE_RATE} Hz", where=self.name, remedy="try rate=125"
            )
        samples = self._to_samples("window", window, FILE_RATE)
        step = self._to_samples("stride", window if stride is None else stride, FILE_RATE)
        length = self._to_samples("window", window, rate)
        if instances < 1 or length % instances:
            message = f"a window of {length} samples cannot be cut into instances={instances} equal parts"
            raise SpecError(message, where=self.name, remedy="choose a divisor")
        if rest_seconds is not None and rest_seconds < window:
            message = f"rest_seconds={rest_seconds} is shorter than window={window}"
            raise SpecError(message, where=self.name, remedy="keep at least one window")
        self.options = WindowOptions(samples, step, length, rate, instances, rest_seconds)

    def _to_samples(self, option: str, seconds: float, rate: int) -> int:
        """Seconds as samples; at most 60 s, about the length of the recordings of arithmetic."""
        if not 0 < seconds <= 60:
            raise SpecError(f"{option}={seconds} is outside 0-60 s", where=self.name, remedy=f"try {option}=5")
        if abs(seconds * rate - round(seconds * rate)) > 1e-6:
            message = f"{option}={seconds} s is not a whole number of samples at {rate} Hz"
            raise SpecError(message, where=self.name, remedy=f"change {option} or rate")
        return round(seconds * rate)

    def schema(self) -> Schema:
        """``eeg`` (19, time) and ``ecg`` (1, time / K), K instances; task ``state``."""
        options = self.options
        part = options.length // options.instances
        eeg = Modality("eeg", "timeseries", (len(EEG), options.length), rate=options.rate, channels=EEG)
        ecg = Modality(
            "ecg", "timeseries", (1, part), instances=options.instances, rate=options.rate, channels=("ECG",)
        )
        return Schema((eeg, ecg), tasks={"state": Task("class", STATES)}, groups=("subject", "recording"))

    def download(self) -> Download:
        """The recordings of all 36 people."""
        return Download(PUBLISHED, load_pins(Path(__file__).with_name("pins.txt")))

    def check(self, root: Path) -> list[Problem]:
        """A missing folder or recording, or a file whose header is damaged."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        units = self.units(root)
        if not units:
            return [Problem(str(root), "holds no SubjectNN_1.edf and SubjectNN_2.edf", self.card.request)]
        paths = [path for unit in units for path in self.sources(root, unit)]
        return [problem for path in paths for problem in self._problems(path)]

    def units(self, root: Path) -> list[str]:
        """``s00``, ``s01``, ...: all subjects with a recording."""
        found = (re.fullmatch(r"subject(\d+)_[12]\.edf", path.name, re.IGNORECASE) for path in root.iterdir())
        return sorted({f"s{match[1]}" for match in found if match})

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The recordings at rest and of mental arithmetic, in this order."""
        return [find_variant(root / f"Subject{unit[1:]}_{number}.edf") for number in (1, 2)]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Gaps of discontinuous recordings, and seconds that are in no window."""
        from mmbench_datasets.eegmat.windows import describe_left_out

        return describe_left_out(self.options, [self.sources(root, unit) for unit in self.units(root)])

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The windows at rest, then those of mental arithmetic, each in order of time."""
        from mmbench_datasets.eegmat.windows import read_windows

        yield from read_windows(self.options, self.sources(root, unit), unit, self.card.request)

    def _problems(self, path: Path) -> list[Problem]:
        if not path.exists() and not path.is_symlink():
            return [Problem(str(path), "is missing", self.card.request)]
        try:
            check_header(path)
        except DataError as error:
            return [Problem(str(path), error.message, error.remedy)]
        return []
