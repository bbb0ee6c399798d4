"""The Free Spoken Digit Dataset: digits spoken by a few people, as WAV files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.names import list_files
from mmbench_datasets.shared.wave_files import load_wave
from mmbench_datasets.simulated import card_of_files, describe_mark

DIGITS = tuple("0123456789")
RATE = 8000  # Hz
N_TEST = 5  # takes of a speaker and digit, from 0, that are the official test part


class Take(NamedTuple):
    """What the name of a file says."""

    speaker: str
    digit: int
    number: int


class Fsdd(Dataset):
    """Spoken digits in English: WAV files at 8 kHz, trimmed of silence, named ``DIGIT_SPEAKER_TAKE.wav``.

    The files of takes 0 to 49 of six people were published; any of them may be there. The group ``subject`` is the
    speaker. Official split: takes 0 to 4 of every speaker and digit test, the others train, so that all speakers are in
    both parts; the protocols ``subject`` and ``loso`` hold speakers out.
    """

    name = "fsdd"
    card: ClassVar[Card] = Card(
        title="Free Spoken Digit Dataset (FSDD)",
        access="open",
        licence="CC BY-SA 4.0",
        url="https://github.com/Jakobovski/free-spoken-digit-dataset",
        citation="Jackson et al., Free Spoken Digit Dataset, 2018, doi:10.5281/zenodo.1342401",
        request="get https://github.com/Jakobovski/free-spoken-digit-dataset, and give its folder, or the folder "
        "recordings in it, with --data DIR",
        size="6 speakers, 3,000 recordings",
        split="of the publishers: takes 0 to 4 test, all speakers in both parts",
    )

    def schema(self) -> Schema:
        """``speech`` (1, time) of open length at 8 kHz; task ``digit``."""
        speech = Modality("speech", "audio", (1, None), rate=RATE)
        return Schema((speech,), tasks={"digit": Task("class", DIGITS)}, groups=("subject",))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing folder, or a file that is no WAV file, is truncated, or holds no sound; reads all files."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        found = _find_takes(root)
        if not found:
            return [Problem(str(root), "holds no DIGIT_SPEAKER_TAKE.wav", self.card.request)]
        problems = []
        for path in found:
            try:
                load_wave(path, RATE)
            except DataError as error:
                problems.append(Problem(str(path), error.message, error.remedy, concerns="sample"))
        return problems

    def units(self, root: Path) -> list[str]:
        """The speakers by name."""
        return sorted({take.speaker for take in _find_takes(root).values()})

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of a speaker, by digit and take."""
        return [path for path, take in _find_takes(root).items() if take.speaker == unit and path.is_file()]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """WAV files that are not named like a take."""
        folder, takes = _folder(root), _find_takes(root)
        others = (path for path in list_files(folder) if path.suffix.lower() == ".wav" and path not in takes)
        left = {path.relative_to(root).as_posix(): "is not named DIGIT_SPEAKER_TAKE.wav" for path in others}
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The takes of a speaker by digit and take, with ids like ``jackson/7/00``; samples hold the files' bytes."""
        for path, take in _find_takes(root).items():
            if take.speaker != unit:
                continue
            try:
                content = load_wave(path, RATE)
            except DataError as error:
                yield error
            else:
                yield Sample(
                    id=f"{unit}/{take.digit}/{take.number:02d}",
                    labels={"digit": take.digit},
                    data={"speech": [content]},
                    groups={"subject": unit},
                    split="test" if take.number < N_TEST else "train",
                )

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, takes: int = 10) -> None:
        """Write simulated takes of ``subjects`` speakers, ``takes`` of each digit, in the same files.

        A digit is two tones that glide, at pitches of its own; speakers differ in pitch, tempo and loudness.
        """
        from mmbench_datasets.fsdd.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, takes=takes)


def _folder(root: Path) -> Path:
    """The folder of the files: ``recordings``, as published, or ``root`` itself."""
    return root / "recordings" if (root / "recordings").is_dir() else root


def _find_takes(root: Path) -> dict[Path, Take]:
    """The files by speaker, digit and take."""
    found = {}
    for path in list_files(_folder(root)):
        if match := re.fullmatch(r"(\d)_([^\W_]+)_(\d{1,4})\.wav", path.name, re.IGNORECASE):
            found[path] = Take(match[2], int(match[1]), int(match[3]))
    return dict(sorted(found.items(), key=lambda item: item[1]))
