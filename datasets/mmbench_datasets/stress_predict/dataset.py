"""The Stress-Predict dataset: windows of four signals of an Empatica E4, from the publishers' CSV files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmbench import Card, DataError, Dataset, Download, Modality, Problem, Sample, Schema, SpecError, Task, load_pins
from mmbench_datasets.names import find_variant
from mmbench_datasets.stress_predict.phases import CLASSES, Phase
from mmbench_datasets.stress_predict.sensors import HEART_RATE, SENSORS, Sensor, check_together, read_start

if TYPE_CHECKING:
    from mmbench_datasets.stress_predict.recordings import Recording

LABELS = "Processed_data/Improved_All_Combined_hr_rsp_binary.csv"
RAW = "Raw_data"
PUBLISHED = (
    "https://raw.githubusercontent.com/italha-d/Stress-Predict-Dataset/f49d2eae603f90c3f0140fbbbae7c0480d651023/"
)
NOT_READ = {
    "IBI.csv": "intervals between beats, which the wristband computes from BVP",
    "tags*.csv": "presses of the wristband's button, which are not labels",
}
LONGEST = 600  # seconds; few phases are longer
_HEART_RATE = "heart_rate"
_READ = {**SENSORS, _HEART_RATE: HEART_RATE}


class StressPredict(Dataset):
    """Rest against stress: pulse wave, skin conductance, acceleration and skin temperature at the wrist.

    ``window`` and ``stride`` are whole seconds; without ``stride``, windows do not overlap. What each modality holds:
    ``bvp`` 64 Hz, in the wristband's own unit; ``eda`` 4 Hz in µS; ``acc`` three axes, 32 Hz in g, of which files
    hold 64ths; ``temp`` 4 Hz in °C. Nothing is filtered or resampled. An axis of ``acc`` or the temperature may be
    constant in a window, since the wrist lies still, but not in a whole file.

    The task ``state`` is rest or stress. The task ``heart_rate`` is the mean heart rate in a window, in beats per
    minute, from ``HR.csv``: the wristband's own estimate from BVP (``info.txt``). Windows that the file does not cover,
    and people without it, are not labelled for this task: ``mmbench data get`` has the file of 20 of the 35 people.

    Each file gives the Unix time of its first sample, and the publishers' table has one label per second. A *phase*
    is a run of seconds with one label; a window lies within one phase, so all of its seconds have its label. Phases are
    the group ``trial``: three tasks (2, 4 and 6: Stroop test, interview, hyperventilation) and rest before, between and
    after them (1, 3, 5 and 7). Seconds at the end of a phase that do not fill a window are left out and reported. A
    window that a sensor did not record completely, because its file ends or has empty rows, lacks that modality.
    Iqbal et al. 2022, Sensors 22(21):8135.
    """

    name = "stress-predict"
    card: ClassVar[Card] = Card(
        title="Stress-Predict: an Empatica E4 under tasks that cause stress",
        access="open",
        licence="MIT",
        url="https://github.com/italha-d/Stress-Predict-Dataset",
        citation="Iqbal et al., Stress monitoring using wearable sensors: a pilot study and Stress-Predict dataset, "
        "Sensors 22(21):8135, 2022",
        request="mmbench data get stress-predict, or name the folder that holds Raw_data and Processed_data of "
        "https://github.com/italha-d/Stress-Predict-Dataset with --data",
        size="35 people",
    )

    def __init__(self, *, window: int = 60, stride: int | None = None) -> None:
        for option, seconds in {"window": window, "stride": window if stride is None else stride}.items():
            if not 1 <= seconds <= LONGEST:
                message = f"{option}={seconds} is outside 1-{LONGEST} s"
                raise SpecError(message, where=self.name, remedy=f"try {option}=60")
        self.window, self.stride = window, window if stride is None else stride

    def schema(self) -> Schema:
        """``bvp`` (1, 64 × window), ``eda`` (1, 4 ×), ``acc`` (3, 32 ×), ``temp`` (1, 4 ×); task ``state`` first."""
        modalities = tuple(
            Modality(
                name,
                "timeseries",
                (len(sensor.channels), sensor.rate * self.window),
                rate=sensor.rate,
                channels=sensor.channels,
                may_be_constant=sensor.may_be_constant,
            )
            for name, sensor in SENSORS.items()
        )
        tasks = {"state": Task("class", CLASSES), "heart_rate": Task("values", ("heart rate",))}
        return Schema(modalities, tasks=tasks, groups=("subject", "trial"))

    def check(self, root: Path) -> list[Problem]:
        """A missing folder, missing labels, no subject with recordings and labels, or a file with an invalid header."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            units = self.units(root)
        except DataError as error:
            return [Problem(str(root / LABELS), error.message, f"{error.remedy}, or {self.card.request}")]
        if not units:
            return [Problem(str(root), f"{RAW} has no subject with labels", self.card.request)]
        return [problem for unit in units for problem in self._problems(root, unit)]

    def units(self, root: Path) -> list[str]:
        """``s02``, ``s03``, ...: all subjects with recordings and labels."""
        phases = self._phases(root)
        return [unit for unit in self._recorded(root) if unit in phases]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The table of labels, the files of the four sensors, and that of heart rate where there is one."""
        return [root / LABELS, *(self._file(root, unit, sensor) for sensor in self._sensors(root, unit).values())]

    def download(self) -> Download:
        """The labels and all subjects' files of the four sensors, from the publishers' last commit."""
        return Download(PUBLISHED, load_pins(Path(__file__).with_name("pins.txt")))

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Subjects without labels or recordings, seconds that are in no window, and files that are not used."""
        phases, recorded = self._phases(root), self._recorded(root)
        left = {unit: f"recorded, but not labelled in {LABELS}" for unit in recorded if unit not in phases}
        left |= {unit: f"labelled, but not recorded in {RAW}" for unit in phases if unit not in recorded}
        mine = [phase for unit in recorded if unit in phases for phase in phases[unit]]
        total = sum(phase.seconds for phase in mine)
        if unused := total - sum(self._covered(phase) for phase in mine):
            what = f"{unused} of {total} labelled seconds ({unused / total:.1%})"
            left[what] = f"fewer than a window of {self.window} s at the end of a phase"
        if unrated := [unit for unit in self.units(root) if not self._file(root, unit, HEART_RATE).exists()]:
            why = f"no {HEART_RATE.file}: not labelled for the task {_HEART_RATE}"
            left[f"heart rate of {', '.join(unrated)}"] = why
        return left | {f"{RAW}/*/{name}": why for name, why in NOT_READ.items() if any((root / RAW).glob(f"*/{name}"))}

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person, phase by phase in order of time."""
        from mmbench_datasets.stress_predict.recordings import load_recording

        phases = self._phases(root)
        if unit not in phases:
            raise DataError(f"{unit} has no labels", where=root / LABELS, remedy="leave this person out")
        paths = {name: self._file(root, unit, sensor) for name, sensor in self._sensors(root, unit).items()}
        recordings = {name: load_recording(path, _READ[name]) for name, path in paths.items()}
        check_together({paths[name]: recording.start for name, recording in recordings.items()})
        heart_rate = recordings.pop(_HEART_RATE, None)
        begin = min(recording.start for recording in recordings.values())
        for phase in phases[unit]:
            yield from self._cut(recordings, heart_rate, phase, unit, begin)

    def _cut(
        self,
        recordings: "Mapping[str, Recording]",
        heart_rate: "Recording | None",
        phase: Phase,
        unit: str,
        begin: float,
    ) -> Iterator[Sample | DataError]:
        trial = f"{unit}/{phase.name}"
        for number, offset in enumerate(self._offsets(phase)):
            start = phase.start + offset
            windows = {name: recording.cut(start, self.window) for name, recording in recordings.items()}
            rates = heart_rate.cut(start, self.window) if heart_rate else None
            sample = Sample(
                id=f"{trial}/w{number:03d}",
                labels={"state": phase.label, **({} if rates is None else {_HEART_RATE: float(rates.mean())})},
                data={name: window for name, window in windows.items() if window is not None},
                groups={"subject": unit, "trial": trial},
                span=(start - begin, start - begin + self.window),
            )
            if not sample.data:
                message = f"{sample.id}: labelled, but no sensor recorded at this time"
                yield DataError(message, where=unit, remedy="get the files of this person again")
            else:
                yield sample

    def _offsets(self, phase: Phase) -> range:
        """Start of each window, in s from the start of the phase."""
        return range(0, phase.seconds - self.window + 1, self.stride)

    def _covered(self, phase: Phase) -> int:
        """Number of seconds of a phase that are in a window."""
        offsets = self._offsets(phase)
        return len(offsets) and (len(offsets) - 1) * min(self.stride, self.window) + self.window

    def _phases(self, root: Path) -> Mapping[str, tuple[Phase, ...]]:
        from mmbench_datasets.stress_predict.labels import load_phases

        return load_phases(root / LABELS)

    def _recorded(self, root: Path) -> list[str]:
        found = (re.fullmatch(r"S(\d\d+)", path.name) for path in (root / RAW).glob("S*") if path.is_dir())
        return sorted(f"s{match[1]}" for match in found if match)

    def _sensors(self, root: Path, unit: str) -> Mapping[str, Sensor]:
        """The four sensors, and heart rate where there is a file of it, by name."""
        is_rated = self._file(root, unit, HEART_RATE).exists()
        return {name: sensor for name, sensor in _READ.items() if is_rated or name != _HEART_RATE}

    def _file(self, root: Path, unit: str, sensor: Sensor) -> Path:
        return find_variant(root / RAW / unit.upper() / sensor.file)

    def _problems(self, root: Path, unit: str) -> Iterator[Problem]:
        starts, sensors = {}, list(self._sensors(root, unit).values())
        for sensor in sensors:
            path = self._file(root, unit, sensor)
            try:
                starts[path] = read_start(path, sensor)
                if sensor is sensors[-1]:
                    check_together(starts)
            except DataError as error:
                yield Problem(error.where or str(path), error.message, error.remedy)
