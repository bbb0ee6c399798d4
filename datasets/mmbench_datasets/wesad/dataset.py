"""The WESAD dataset: windows of a chest strap and a wristband in four conditions."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.names import describe_absent
from mmbench_datasets.shared.damage import find_damaged
from mmbench_datasets.shared.sliding_windows import make_windows
from mmbench_datasets.simulated import card_of_files, describe_mark
from mmbench_datasets.wesad.sensors import LABEL_RATE, PUBLISHED, SENSORS, STATES, find_files

LONGEST = 300.0  # s; the shortest condition lasts six minutes
LEAST_RATE = 4
NOT_READ = {
    "*_quest.csv": "questionnaires, which are not read",
    "*_readme.txt": "notes on the person, which are not read",
    "*_respiban.txt": "the recording of the chest strap before it was synchronised",
    "*_E4_Data*": "the recording of the wristband before it was synchronised",
}


class Wesad(Dataset):
    """Baseline, stress, amusement and meditation of 15 people: six sensors at the chest, four at the wrist.

    ``window`` and ``stride`` are in s; without ``stride``, windows do not overlap. A window lies within one run of
    equal labels, which is the group ``trial``; runs begin at the next quarter of a second. ``chest_rate`` is the rate
    in Hz, a divisor of 700, to which each window of the chest is resampled, with an anti-alias filter. Otherwise
    nothing is filtered or resampled.

    Chest (RespiBAN, 700 Hz): ``chest_acc`` g, ``chest_ecg`` and ``chest_emg`` mV, ``chest_eda`` µS, ``chest_temp`` °C,
    ``chest_resp`` %. Wrist (Empatica E4): ``wrist_acc`` 32 Hz, g, of which files hold 64ths; ``wrist_bvp`` 64 Hz;
    ``wrist_eda`` 4 Hz, µS; ``wrist_temp`` 4 Hz, °C.

    Tasks, with the labels of the file in brackets: ``state`` is baseline (1), stress (2) or amusement (3), ``stress``
    is stress (2) against baseline and amusement (1, 3), both as published; ``condition`` has meditation (4), too, which
    the other two do not label. All other labels are left out. Each condition but meditation is recorded once a person,
    so that no trial of it can be held out within a person. Schmidt et al. 2018, ICMI.
    """

    name = "wesad"
    card: ClassVar[Card] = Card(
        title="WESAD: wearable stress and affect detection",
        access="open",
        licence="for scientific, non-commercial purposes, with credit to the owners (the publishers' page)",
        url="https://archive.ics.uci.edu/dataset/465",
        citation="Schmidt et al., Introducing WESAD, a multimodal dataset for wearable stress and affect detection, "
        "ICMI 2018, doi:10.1145/3242969.3242985",
        request="get WESAD.zip (2.5 GB) from https://archive.ics.uci.edu/dataset/465, unpack it and give its folder, "
        "which has S2/S2.pkl and so on, with --data; wesad-sim, the simulated version, needs no files",
        size="15 people",
    )

    def __init__(self, *, window: float = 60.0, stride: float | None = None, chest_rate: int = LABEL_RATE) -> None:
        if chest_rate < LEAST_RATE or LABEL_RATE % chest_rate:
            divisors = ", ".join(str(rate) for rate in range(LEAST_RATE, LABEL_RATE + 1) if LABEL_RATE % rate == 0)
            message = f"chest_rate={chest_rate} is not a divisor of {LABEL_RATE} Hz from {LEAST_RATE}"
            raise SpecError(message, where=self.name, remedy=f"choose one of {divisors}")
        rates: tuple[float, ...] = tuple({sensor.rate for sensor in SENSORS.values()} | {chest_rate})
        self.windows, self.chest_rate = make_windows(self.name, window, stride, rates, LONGEST), chest_rate

    def schema(self) -> Schema:
        """Ten time series at their own rates; tasks ``state``, ``stress`` and ``condition``."""
        modalities = []
        for name, sensor in SENSORS.items():
            rate = self.chest_rate if sensor.device == "chest" else sensor.rate
            shape = (len(sensor.channels), self.windows.size(rate))
            is_quiet = sensor.may_be_constant
            modalities.append(
                Modality(name, "timeseries", shape, rate=rate, channels=sensor.channels, may_be_constant=is_quiet)
            )
        tasks = {
            "state": Task("class", STATES[:3]),
            "stress": Task("class", ("no stress", "stress")),
            "condition": Task("class", STATES),
        }
        return Schema(tuple(modalities), tasks=tasks, groups=("subject", "trial"))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """No person, truncated and foreign files, and files without a label of a condition; values are not checked."""
        from mmbench_datasets.wesad.recordings import check_recording

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            files = find_files(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not files:
            return [describe_absent(root, "SN/SN.pkl, such as S2/S2.pkl", "S2/S2.pkl", self.card.request)]
        return find_damaged(files.values(), check_recording)

    def units(self, root: Path) -> list[str]:
        """``s02``, ``s03``, ...: the people with a file."""
        return list(find_files(root))

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The file of a person."""
        return [find_files(root)[unit]]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, windows, and windows of each condition."""
        from mmbench_datasets.wesad.recordings import find_phases, load_person

        counts = {"people": 0, "trials": 0, "windows": 0, **{f"windows of {state}": 0 for state in STATES}}
        for path in find_files(root).values():
            counts["people"] += 1
            for phase in find_phases(load_person(path).labels, path):
                n_windows = self.windows.count(phase.samples(LABEL_RATE), LABEL_RATE)
                counts["trials"] += 1
                counts["windows"] += n_windows
                counts[f"windows of {STATES[phase.state]}"] += n_windows
        return counts

    def assumptions(self, root: Path) -> list[str]:
        """What the labels cannot show, and people who are not in the folder."""
        from mmbench_datasets.wesad.recordings import find_phases, load_person

        lines = ["by the protocol, each condition but meditation is recorded once: hold out people, not trials"]
        for unit, path in find_files(root).items():
            found = Counter(STATES[phase.state] for phase in find_phases(load_person(path).labels, path))
            lines += [
                f"{unit}: {number} stretches of {state}, of which the protocol has one: its labels may have gaps"
                for state, number in found.items()
                if number > 1 and state != "meditation"
            ]
        missing = [name.upper().replace("S0", "S") for name in PUBLISHED if name not in self.units(root)]
        if missing and self.card_of(root).access != "simulated":
            lines.append(f"without {', '.join(missing)} of WESAD's {len(PUBLISHED)} people")
        return lines

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files that are not used, sensors that a file lacks, and seconds that are in no window."""
        from mmbench_datasets.wesad.recordings import find_phases, load_person

        left = {f"*/{name}": why for name, why in NOT_READ.items()} if any(root.rglob("*_quest.csv")) else {}
        unused = total = 0.0
        for unit, path in find_files(root).items():
            person = load_person(path)
            if missing := [name for name in SENSORS if name not in person.signals]:
                left[f"{unit}: {', '.join(missing)}"] = f"not in {path.name}: its windows lack the modality"
            for phase in find_phases(person.labels, path):
                total += phase.stop - phase.start
                unused += self.windows.unused(phase.samples(LABEL_RATE), LABEL_RATE)
        if unused:
            what = f"{unused:.0f} of {total:.0f} labelled seconds ({unused / total:.1%})"
            left[what] = f"fewer than a window of {self.windows.seconds:g} s at the end of a condition"
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by time, with ids like ``s02/2-stress/w003``."""
        from mmbench_datasets.wesad.recordings import read_windows

        yield from read_windows(find_files(root)[unit], unit, self.windows, self.chest_rate)

    def simulate(
        self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, seconds: float = 120.0
    ) -> None:
        """Write simulated recordings of ``subjects`` people in WESAD's file format, ``seconds`` s a condition.

        The sensors of the chest tell stress best, those of the wrist amusement.
        """
        from mmbench_datasets.wesad.simulation import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, seconds=seconds)
