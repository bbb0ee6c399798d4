"""The SEED-V dataset: five emotions from features of EEG and eye movements in windows of 4 s."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.names import describe_absent
from mmbench_datasets.seed_v.layout import (
    EMOTIONS,
    FOLDERS,
    N_PEOPLE,
    N_TRIALS,
    WIDTHS,
    find_features,
    find_files,
)
from mmbench_datasets.shared.damage import find_damaged, find_unusable
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.simulated import card_of_files, describe_mark

NOT_READ = {"EEG_raw": "raw EEG, which is not read", "Eye_raw": "raw eye movements, which are not read"}


class SeedV(Dataset):
    """Disgust, fear, sad, neutral or happy: 16 people watch 15 film clips in each of three sessions.

    ``eeg`` are 310 features of a window of 4 s, differential entropy in five bands (1-4, 4-8, 8-14, 14-31, 31-50 Hz)
    of each of 62 channels, bands of a channel side by side. ``eye`` are 33 features of eye movements in the same
    windows. Both are those of the publishers.

    The label is the emotion for which a film was chosen. Everybody sees the same 45 films, each the group ``video``.
    Sessions are days apart. A window with NaN or infinite features lacks the modality. Liu et al. 2022, IEEE
    Transactions on Cognitive and Developmental Systems 14(2):715-729.
    """

    name = "seed-v"
    card: ClassVar[Card] = Card(
        title="SEED-V: SJTU emotion EEG dataset for five emotions, with eye movements",
        access="gated",
        licence="SEED licence agreement: academic research only, no redistribution",
        url="https://bcmi.sjtu.edu.cn/home/seed/seed-v.html",
        citation="Liu et al., Comparing recognition performance and robustness of multimodal deep learning models for "
        "multimodal emotion recognition, IEEE Transactions on Cognitive and Developmental Systems 14(2):715-729, 2022, "
        "doi:10.1109/TCDS.2021.3071170",
        request="apply with the licence agreement at https://bcmi.sjtu.edu.cn/home/seed/, put EEG_DE_features and "
        "Eye_movement_features into one folder and give it with --data; seed-v-sim, the simulated version, needs no "
        "files",
        notes=(
            "The publishers do not say whether features are smoothed over the windows of a trial: protocols which "
            "split trials may overstate scores more than the signals would.",
        ),
        size="16 people, 15 films in each of 3 sessions",
    )

    def schema(self) -> Schema:
        """``eeg`` (310,) and ``eye`` (33,); task ``emotion``."""
        modalities = tuple(Modality(name, "vector", (width,)) for name, width in WIDTHS.items())
        groups = ("subject", "session", "trial", "video")
        return Schema(modalities, tasks={"emotion": Task("class", EMOTIONS)}, groups=groups)

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one, of which nothing is smoothed."""
        card = card_of_files(self.card, root, self)
        return replace(card, notes=()) if card.access == "simulated" else card

    def check(self, root: Path) -> list[Problem]:
        """Missing folders, damaged files and trials that cannot be read; reads all files."""
        from mmbench_datasets.seed_v.features import load_trials

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            files = find_files(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not files:
            example = f"{FOLDERS['eeg']}/1_123.npz"
            wanted = f"{FOLDERS['eeg']}/S_123.npz, such as {example}"
            return [describe_absent(root, wanted, example, self.card.request)]
        if not any(each["eye"].exists() for each in files.values()):
            return [Problem(str(find_features(root) / FOLDERS["eye"]), "has no eye features", self.card.request)]
        damaged = find_damaged((path for unit in files for path in self.sources(root, unit)), load_trials)
        return damaged + [problem for unit in files for problem in find_unusable(self.read(root, unit), damaged)]

    def units(self, root: Path) -> list[str]:
        """``s01`` to ``s16``: the people with EEG features."""
        return list(find_files(root))

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of EEG and eye features of a person; without a missing one."""
        return [path for path in find_files(root)[unit].values() if path.is_file()]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, windows, and windows of each emotion."""
        from mmbench_datasets.shared.feature_windows import count_samples

        units = self.units(root)
        outcomes = (outcome for unit in units for outcome in self.read(root, unit))
        return {"people": len(units)} | count_samples(outcomes, "emotion", EMOTIONS)

    def assumptions(self, root: Path) -> list[str]:
        """Where sessions are from, and people who are not in the folder."""
        lines = [f"sessions: trials 0-14, 15-29 and 30-{N_TRIALS - 1} of a file (the publishers' ReadMe)"]
        return lines + describe_missing_people(self, root, N_PEOPLE, "SEED-V's")

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Raw recordings, people without eye features, and windows whose features are not numbers."""
        from mmbench_datasets.shared.feature_windows import describe_lacking

        home = find_features(root)
        left = {
            (home / name).relative_to(root).as_posix(): why for name, why in NOT_READ.items() if (home / name).is_dir()
        }
        for unit, files in find_files(root).items():
            if not files["eye"].exists():
                left[f"eye features of {unit}"] = f"no {FOLDERS['eye']}/{files['eeg'].name}"
            left |= describe_lacking(self.read(root, unit), unit, [name for name in files if files[name].exists()])
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by session, film and time, with ids like ``s01/2/v05/w003``."""
        from mmbench_datasets.seed_v.features import read_person

        yield from read_person(find_files(root)[unit], unit)

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, windows: int = 10) -> None:
        """Write simulated features of ``subjects`` people in the same files, about ``windows`` windows a film.

        EEG tells disgust, fear and sad best, the eyes neutral and happy. Nothing is smoothed.
        """
        from mmbench_datasets.seed_v.simulation import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, windows=windows)
