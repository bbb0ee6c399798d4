"""The AMIGOS dataset: windows of EEG, ECG and skin conductance of people who watch videos."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.amigos.layout import (
    ECG,
    EEG,
    EMOTIONS,
    GSR,
    N_PEOPLE,
    RATE,
    RATINGS,
    TRIALS,
    Videos,
    find_files,
)
from mmbench_datasets.names import describe_absent
from mmbench_datasets.shared.damage import find_damaged, find_unusable
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.shared.ratings import RatingScale, Ties
from mmbench_datasets.shared.sliding_windows import make_windows
from mmbench_datasets.simulated import card_of_files, describe_mark

LONGEST = 50.0  # s; the shortest video lasts 51


class Amigos(Dataset):
    """Ratings of 16 short and 4 long videos by 40 people: EEG (14 channels), ECG (2), skin conductance, all at 128 Hz.

    A sample is a window of ``window`` s of a video; without ``stride`` (s), windows do not overlap. ``videos`` are the
    16 ``short`` ones of 51 to 150 s, seen alone; the 4 ``long`` ones of over 14 minutes, seen alone or in groups of
    four; or ``all``. Signals are those of the preprocessed release, of which the EEG is filtered (4-45 Hz) and
    average-referenced; the first 5 s, a baseline, are left out.

    Ratings of arousal, valence, dominance, liking and familiarity are from 1 to 9. Above ``threshold`` is high;
    ``ties`` says what a rating equal to it is: ``low``, ``high``, or not labelled (``drop``). The task ``quadrant``
    combines arousal and valence, ``ratings`` are the values, and ``emotions`` are seven that a person may have felt,
    several at a time. A video is the group ``video``, by its name in ``VideoIDs``, a person's view of it the group
    ``trial``. A video that was not recorded or rated is left out and reported; a signal that is NaN throughout a video
    is missing. Miranda-Correa et al. 2021, IEEE Transactions on Affective Computing 12(2):479-493.
    """

    name = "amigos"
    card: ClassVar[Card] = Card(
        title="AMIGOS: affect, personality and mood of individuals and groups (EEG, ECG, GSR)",
        access="gated",
        licence="AMIGOS end user licence agreement: academic research only, no redistribution",
        url="https://www.eecs.qmul.ac.uk/mmv/datasets/amigos/",
        citation="Miranda-Correa et al., AMIGOS: A dataset for affect, personality and mood research on individuals "
        "and groups, IEEE Transactions on Affective Computing 12(2):479-493, 2021, doi:10.1109/TAFFC.2018.2884461",
        request="sign the end user licence agreement at https://www.eecs.qmul.ac.uk/mmv/datasets/amigos/download.html, "
        "unpack the archives of data_preprocessed into one folder and give it with --data; amigos-sim, the simulated "
        "version, needs no files",
        size="40 people, 16 short and 4 long videos",
    )

    def __init__(
        self,
        *,
        window: float = 10.0,
        stride: float | None = None,
        videos: Videos = "short",
        threshold: float = 5.0,
        ties: Ties = "low",
    ) -> None:
        if videos not in TRIALS:
            raise SpecError(f"videos={videos!r}", where=self.name, remedy=f"use one of {', '.join(TRIALS)}")
        self.videos: Videos = videos
        self.windows = make_windows(self.name, window, stride, (RATE,), LONGEST)
        self.scale = RatingScale(RATINGS, 1, 9, threshold, ties)
        self.scale.check(self.name)

    def schema(self) -> Schema:
        """``eeg`` (14, time), ``ecg`` (2, time), ``gsr`` (1, time); the ratings, quadrant and emotions."""
        length = self.windows.size(RATE)
        modalities = tuple(
            Modality(name, "timeseries", (len(channels), length), rate=RATE, channels=channels, may_be_constant=is_slow)
            for name, channels, is_slow in (("eeg", EEG, False), ("ecg", ECG, False), ("gsr", GSR, True))
        )
        tasks = {**self.scale.tasks(), "emotions": Task("labels", EMOTIONS)}
        return Schema(modalities, tasks=tasks, groups=("subject", "trial", "video"))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """No person, truncated and foreign files, videos of which ratings or shapes are invalid; reads all files."""
        from mmbench_datasets.amigos.recordings import find_unreadable
        from mmbench_datasets.shared.mat_structs import check_mat

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            files = find_files(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not files:
            example = "Data_Preprocessed_P01.mat"
            return [describe_absent(root, f"{example} or the like", example, self.card.request)]
        damaged = find_damaged(files.values(), check_mat)
        errors = (find_unreadable(path, TRIALS[self.videos], self.scale) for path in files.values())
        return damaged + [problem for each in errors for problem in find_unusable(each, damaged)]

    def units(self, root: Path) -> list[str]:
        """``p01`` to ``p40``: the people with a file."""
        return list(find_files(root))

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The file of a person."""
        return [find_files(root)[unit]]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, windows, and windows of each class of arousal; reads all files."""
        from mmbench_datasets.amigos.recordings import count_windows

        return count_windows(find_files(root), TRIALS[self.videos], self.windows, self.scale)

    def assumptions(self, root: Path) -> list[str]:
        """The convention of the classes, and people who are not in the folder."""
        return [self.scale.describe(), *describe_missing_people(self, root, N_PEOPLE, "AMIGOS'")]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The baselines, the videos that were not asked for, not recorded or not rated."""
        from mmbench_datasets.amigos.recordings import find_absent

        left = {"baselines": "the first 5 s of a recording, which are not read"}
        if self.videos != "all":
            left["videos"] = f"videos={self.videos} leaves the others out"
        for unit, path in find_files(root).items():
            for why, videos in find_absent(path, TRIALS[self.videos]).items():
                left[f"{unit}: {', '.join(videos)}"] = why
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by video and time, with ids like ``p01/v07/w003``."""
        from mmbench_datasets.amigos.recordings import read_windows

        yield from read_windows(find_files(root)[unit], unit, TRIALS[self.videos], self.windows, self.scale)

    def simulate(
        self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, seconds: float = 30.0
    ) -> None:
        """Write simulated recordings of ``subjects`` people in AMIGOS' files, short videos of about ``seconds`` s.

        The ratings change the band power of the EEG, most by arousal, the pulse in the ECG and the skin conductance.
        As in AMIGOS, some people lack videos.
        """
        from mmbench_datasets.amigos.simulation import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, seconds=seconds)
