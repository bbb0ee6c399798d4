"""The SEED-IV dataset: four emotions from features of EEG and eye movements in windows of 4 s."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.names import describe_absent
from mmbench_datasets.seed_iv.layout import (
    EEG_FOLDER,
    EMOTIONS,
    EYE_FOLDER,
    N_BANDS,
    N_CHANNELS,
    N_EYE,
    N_PEOPLE,
    Feature,
    Smoothing,
    find_clashes,
    find_features,
    find_sessions,
)
from mmbench_datasets.shared.damage import find_damaged, find_unusable
from mmbench_datasets.simulated import card_of_files, describe_mark

NOTES = {
    "lds": "EEG features are smoothed by a linear dynamical system over whole trials, past and future: windows of one "
    "trial are not independent, so that protocols which split trials overstate scores.",
    "moving-average": "EEG features are moving averages over neighbouring windows: windows of one trial are not "
    "independent, so that protocols which split trials overstate scores.",
}
NOT_READ = {
    "eeg_raw_data": "raw EEG, which is not read",
    "eye_raw_data": "raw eye movements, which are not read",
}


class SeedIv(Dataset):
    """Neutral, sad, fear or happy: 15 people watch 24 film clips in each of three sessions.

    ``eeg`` are 310 features of a window of 4 s, five bands (1-4, 4-8, 8-14, 14-31, 31-50 Hz) of each of 62 channels,
    bands of a channel side by side: differential entropy (``feature="de"``) or power spectral density (``"psd"``),
    smoothed by a linear dynamical system (``smoothing="lds"``) or a moving average. Unsmoothed features are not
    published. ``eye`` are 31 features of eye movements in the same windows, from ``eye_feature_smooth``.

    The label is the emotion for which a film was chosen. Everybody sees the same 72 films, each the group ``video``.
    Sessions are days apart. A window with NaN or infinite features lacks the modality. Zheng et al. 2019, IEEE
    Transactions on Cybernetics 49(3):1110-1122.
    """

    name = "seed-iv"
    card: ClassVar[Card] = Card(
        title="SEED-IV: SJTU emotion EEG dataset for four emotions, with eye movements",
        access="gated",
        licence="SEED licence agreement: academic research only, no redistribution",
        url="https://bcmi.sjtu.edu.cn/home/seed/seed-iv.html",
        citation="Zheng et al., EmotionMeter: A multimodal framework for recognizing human emotions, IEEE Transactions "
        "on Cybernetics 49(3):1110-1122, 2019, doi:10.1109/TCYB.2018.2797176",
        request="apply with the licence agreement at https://bcmi.sjtu.edu.cn/home/seed/, put eeg_feature_smooth and "
        "eye_feature_smooth into one folder and give it with --data; seed-iv-sim, the simulated version, needs no "
        "files",
        notes=(NOTES["lds"],),
        size="15 people, 24 films in each of 3 sessions",
    )

    def __init__(self, *, feature: Feature = "de", smoothing: Smoothing = "lds") -> None:
        self.feature: Feature = feature
        self.smoothing: Smoothing = smoothing

    def schema(self) -> Schema:
        """``eeg`` (310,) and ``eye`` (31,); task ``emotion``."""
        modalities = (Modality("eeg", "vector", (N_CHANNELS * N_BANDS,)), Modality("eye", "vector", (N_EYE,)))
        groups = ("subject", "session", "trial", "video")
        return Schema(modalities, tasks={"emotion": Task("class", EMOTIONS)}, groups=groups)

    def card_of(self, root: Path) -> Card:
        """The card with the note on ``smoothing``, or that of a simulation where the folder is marked as one."""
        return card_of_files(replace(self.card, notes=(NOTES[self.smoothing],)), root, self)

    def check(self, root: Path) -> list[Problem]:
        """Missing folders, truncated files, two files of a session or date, invalid trials; reads all files."""
        from mmbench_datasets.seed_iv.features import read_session
        from mmbench_datasets.shared.mat_structs import check_mat

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            sessions = find_sessions(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not sessions:
            example = f"{EEG_FOLDER}/1/1_20160518.mat"
            wanted = f"{EEG_FOLDER}/1/S_DATE.mat, such as {example}"
            return [describe_absent(root, wanted, example, self.card.request)]
        if not any(files.eye.exists() for each in sessions.values() for files in each):
            return [Problem(str(find_features(root) / EYE_FOLDER), "has no eye features", self.card.request)]
        clashes = [error for each in sessions.values() for error in find_clashes(each)]
        damaged = find_damaged((path for unit in sessions for path in self.sources(root, unit)), check_mat)
        return [
            *(Problem(str(error.where), error.message, error.remedy) for error in clashes),
            *damaged,
            *(
                problem
                for unit, each in sessions.items()
                for files in each
                for problem in find_unusable(read_session(files, unit, self.feature, self.smoothing), damaged)
            ),
        ]

    def units(self, root: Path) -> list[str]:
        """``s01`` to ``s15``: the people with EEG features of a session."""
        return list(find_sessions(root))

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of EEG and eye features of a person's sessions; without missing ones."""
        return [path for files in find_sessions(root)[unit] for path in (files.eeg, files.eye) if path.is_file()]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, sessions, trials, windows, and windows of each emotion; reads all files."""
        from mmbench_datasets.shared.feature_windows import count_samples

        sessions = find_sessions(root)
        outcomes = (outcome for unit in sessions for outcome in self.read(root, unit))
        of_people = {"people": len(sessions), "sessions": sum(map(len, sessions.values()))}
        return of_people | count_samples(outcomes, "emotion", EMOTIONS)

    def assumptions(self, root: Path) -> list[str]:
        """Where the labels are from, and people or sessions that are not in the folder."""
        sessions = find_sessions(root)
        lines = ["labels: the emotion for which a film was chosen, by session and place in it (the publishers' ReadMe)"]
        n_files = sum(map(len, sessions.values()))
        if n_files < 3 * N_PEOPLE and self.card_of(root).access != "simulated":
            people = "1 person" if len(sessions) == 1 else f"{len(sessions)} people"
            lines.append(f"{n_files} of SEED-IV's {3 * N_PEOPLE} sessions, of {people}")
        return lines

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Raw recordings, sessions without eye features, and windows whose features are not numbers."""
        from mmbench_datasets.seed_iv.features import read_session
        from mmbench_datasets.shared.feature_windows import describe_lacking

        home = find_features(root)
        left = {
            (home / name).relative_to(root).as_posix(): why for name, why in NOT_READ.items() if (home / name).is_dir()
        }
        for unit, sessions in find_sessions(root).items():
            for files in sessions:
                if not files.eye.exists():
                    left[f"eye features of {unit}, session {files.session}"] = f"no {EYE_FOLDER} of that name"
                recorded = ["eeg", "eye"] if files.eye.exists() else ["eeg"]
                outcomes = read_session(files, unit, self.feature, self.smoothing)
                left |= describe_lacking(outcomes, f"{unit}, session {files.session}", recorded)
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by session, film and time, with ids like ``s01/2/v05/w003``."""
        from mmbench_datasets.seed_iv.features import read_session

        sessions = find_sessions(root)[unit]
        for clash in find_clashes(sessions):
            raise clash
        for files in sessions:
            yield from read_session(files, unit, self.feature, self.smoothing)

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, windows: int = 10) -> None:
        """Write simulated features of ``subjects`` people in the same files, about ``windows`` windows a film.

        EEG tells neutral and sad best, the eyes fear and happy. The features are smoothed as the published ones, over
        whole trials.
        """
        from mmbench_datasets.seed_iv.simulation import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, windows=windows)
