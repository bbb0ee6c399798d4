"""The EEGMAT dataset: windows of EEG, and of ECG as a bag of shorter windows, from PhysioNet's EDF files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Download, Modality, Problem, Sample, Schema, SpecError, load_pins
from mmbench_datasets.eegmat.layout import EEG, FILE_RATE, STATES, check_header
from mmbench_datasets.names import find_variant

PUBLISHED = "https://physionet.org/files/eegmat/1.0.0/"
LOWEST_RATE = 120  # below this, the anti-alias filter begins to cut what the recordings hold, up to 45 Hz


class Eegmat(Dataset):
    """Rest against mental arithmetic: 19 EEG channels and one ECG lead, both in µV, one recording a state.

    ``window`` and ``stride`` are in seconds; without ``stride``, windows do not overlap. ``rate`` is in Hz. The
    ECG of a window is cut into ``instances`` equal parts, the bag. The rest recordings are three times as
    long as the others; ``rest_seconds`` keeps only so much of their beginning.

    A recording may have gaps (EDF+D): no window lies across one, and the time of each is that of the recording. What
    is left out is told.

    Each window is resampled by itself behind an anti-alias filter and nothing else is done to it, so no sample
    knows of another. The authors had filtered every recording (0.5-45 Hz) and cleaned it with ICA before they
    published it. Zyma et al. 2019, Data 4(1):14.
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
        self.window_samples = self._whole("window", window, FILE_RATE)
        self.stride_samples = self._whole("stride", window if stride is None else stride, FILE_RATE)
        self.length = self._whole("window", window, rate)
        if instances < 1 or self.length % instances:
            message = f"{self.length} samples a window cannot be cut into instances={instances} equal parts"
            raise SpecError(message, where=self.name, remedy="choose a divisor")
        if rest_seconds is not None and rest_seconds < window:
            message = f"rest_seconds={rest_seconds} is shorter than window={window}"
            raise SpecError(message, where=self.name, remedy="keep at least one window")
        self.rate, self.instances, self.rest_seconds = rate, instances, rest_seconds

    def _whole(self, option: str, seconds: float, rate: int) -> int:
        """So many samples; at most a minute, because the arithmetic recordings are hardly longer."""
        if not 0 < seconds <= 60:
            raise SpecError(f"{option}={seconds} is outside 0-60 s", where=self.name, remedy=f"try {option}=5")
        if abs(seconds * rate - round(seconds * rate)) > 1e-6:
            message = f"{option}={seconds} s is no whole number of samples at {rate} Hz"
            raise SpecError(message, where=self.name, remedy=f"change {option} or rate")
        return round(seconds * rate)

    def schema(self) -> Schema:
        """``eeg`` (19, time) and ``ecg`` (1, time / K), K instances; task ``state``."""
        part = self.length // self.instances
        eeg = Modality("eeg", "timeseries", (len(EEG), self.length), rate=self.rate, channels=EEG)
        ecg = Modality("ecg", "timeseries", (1, part), instances=self.instances, rate=self.rate, channels=("ECG",))
        return Schema((eeg, ecg), tasks={"state": STATES}, groups=("subject", "recording"))

    def download(self) -> Download:
        """The recordings of the 20 people whose files were at hand to be pinned, of the 36 that are published."""
        pins = load_pins(Path(__file__).with_name("pins.txt"))
        return Download(PUBLISHED, pins, part="subjects 00-19 of 36: the files of the others are not pinned here yet")

    def check(self, root: Path) -> list[Problem]:
        """No folder, no recordings, half of a pair, or a file whose header does not fit it."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        units = self.units(root)
        if not units:
            return [Problem(str(root), "holds no SubjectNN_1.edf and SubjectNN_2.edf", self.card.request)]
        paths = [path for unit in units for path in self.sources(root, unit)]
        return [problem for path in paths for problem in self._problems(path)]

    def units(self, root: Path) -> list[str]:
        """``s00``, ``s01``, ...: everyone of whom there is a recording."""
        found = (re.fullmatch(r"subject(\d+)_[12]\.edf", path.name, re.IGNORECASE) for path in root.iterdir())
        return sorted({f"s{match[1]}" for match in found if match})

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The recording at rest and the one of mental arithmetic."""
        return [find_variant(root / f"Subject{unit[1:]}_{number}.edf") for number in (1, 2)]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Gaps of discontinuous recordings, and the seconds that fill no window."""
        from mmbench_datasets.eegmat.windows import describe_left_out

        return describe_left_out(self, root)

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """First the windows at rest, then those of mental arithmetic, each in order of time."""
        from mmbench_datasets.eegmat.windows import read_windows

        yield from read_windows(self, root, unit)

    def _problems(self, path: Path) -> list[Problem]:
        if not path.exists() and not path.is_symlink():
            return [Problem(str(path), "is missing", self.card.request)]
        try:
            check_header(path)
        except DataError as error:
            return [Problem(str(path), error.message, error.remedy)]
        return []
