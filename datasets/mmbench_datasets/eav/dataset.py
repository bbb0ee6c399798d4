"""The EAV dataset: EEG, speech and film of people who converse with an actor in five emotions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.eav.layout import CONDITIONS, EMOTIONS, N_CHANNELS, N_PEOPLE, RATE, SECONDS, Condition
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.shared.remedies import problem_of_file
from mmbench_datasets.simulated import card_of_files, describe_mark

if TYPE_CHECKING:
    from mmbench_datasets.eav.people import Person, Trial

_SPEECH_RATE = 16000  # Hz
_SIZES, _RATES = (16, 1024), (0.1, 30.0)


class Eav(Dataset):
    """EAV (Lee et al. 2024): 42 people, each in 200 interactions of 20 s: an actor speaks, then they answer.

    Files are those of the publication, ``subjectNN/EEG/subjectNN_eeg.mat`` and ``_eeg_label.mat``, ``Audio/*.wav`` and
    ``Video/*.mp4``. ``condition`` chooses the trials of ``speaking``, which have speech, of ``listening``, or ``both``;
    then those of listening lack the speech. A sample is a window of ``window`` s; the windows of a trial are adjacent.
    ``eeg`` has 30 channels, whose names are not in the files, resampled from 500 to ``eeg_rate`` Hz, unfiltered and in
    the unit of the file; ``speech`` is resampled to 16 kHz; ``video`` has ``rate`` frames a second, scaled and cropped
    to squares of ``size`` pixels. ``eeg``, ``speech`` and ``video`` may be false. Labels are those of the EEG, which
    must agree with the names of sounds and films; without EEG, those names.

    Groups are ``subject`` and ``trial``. The official split is that of the authors' code: of each person, condition and
    emotion, the first half of the trials train, the others test, so that every person is in both parts. The protocol
    ``subject`` holds people out.
    """

    name = "eav"
    card: ClassVar[Card] = Card(
        title="EAV: EEG, audio and video for emotion recognition in conversations",
        access="gated",
        licence="that of the publishers: its record on Zenodo says which",
        url="https://doi.org/10.5281/zenodo.10205702",
        citation="Lee et al., EAV: EEG-Audio-Video dataset for emotion recognition in conversational contexts, "
        "Scientific Data 11:1026, 2024, doi:10.1038/s41597-024-03838-4",
        request="ask for access at https://doi.org/10.5281/zenodo.10205702, unpack the folders subject1 to subject42 "
        "into one folder, and give it with --data DIR; eav-sim, the simulated version, needs no files",
        size="42 people, 200 interactions of 20 s",
        split="of the authors' code: half of the trials of each person and emotion, all people in both parts",
    )

    def __init__(
        self,
        *,
        condition: Condition = "speaking",
        window: float = 5.0,
        eeg: bool = True,
        speech: bool = True,
        video: bool = True,
        eeg_rate: int = 100,
        rate: float = 2.0,
        size: int = 112,
    ) -> None:
        self.condition: Condition = condition
        self.window = window
        self.eeg = eeg
        self.speech = speech and condition != "listening"
        self.video = video
        self.eeg_rate = eeg_rate
        self.rate = rate
        self.size = size
        self._people: dict[Path, dict[str, Person]] = {}
        self._check_options()

    def _check_options(self) -> None:
        if not (self.eeg or self.speech or self.video):
            raise SpecError("no modality is left to read", where=self.name, remedy="set eeg, speech or video to true")
        if self.eeg_rate < 1 or RATE % self.eeg_rate:
            message = f"eeg_rate is {self.eeg_rate}, which does not divide {RATE} Hz"
            raise SpecError(message, where=self.name, remedy="give 50, 100, 125, 250 or 500")
        whole = self.window * self.eeg_rate
        if not 0 < self.window <= SECONDS or abs(whole - round(whole)) > 1e-6:
            message = f"window is {self.window} s: not within {SECONDS:g} s, or no whole number of samples"
            raise SpecError(message, where=self.name, remedy="try window=5")
        for option, value, (low, high) in (("rate", self.rate, _RATES), ("size", self.size, _SIZES)):
            if not low <= value <= high:
                raise SpecError(f"{option} is {value}", where=self.name, remedy=f"give {low} to {high}")

    def schema(self) -> Schema:
        """``eeg`` (30, time), ``speech`` (1, time) and ``video`` (frames, 3, size, size); task ``emotion``."""
        modalities = (
            Modality("eeg", "timeseries", (N_CHANNELS, round(self.window * self.eeg_rate)), rate=self.eeg_rate),
            Modality("speech", "audio", (1, None), rate=_SPEECH_RATE),
            Modality("video", "video", (None, 3, self.size, self.size), rate=self.rate, resize="crop"),
        )
        chosen = tuple(each for each in modalities if getattr(self, each.name))
        return Schema(chosen, tasks={"emotion": Task("class", EMOTIONS)}, groups=("subject", "trial"))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """Missing folders and files, damaged ones by their headers, and names that contradict the labels."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        self._people.pop(root, None)
        try:
            people = self._find_people(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not people:
            return [Problem(str(root), "holds no folders subject1, subject2, ...", self.card.request)]
        lacking = [self._lacking(stream, root, people) for stream in ("speech", "video") if getattr(self, stream)]
        found = [problem for problem in lacking if problem]
        return found or [problem for person in people.values() for problem in self._check_person(person)]

    def _find_people(self, root: Path) -> "dict[str, Person]":
        """The people, searched once: their folders have thousands of files."""
        from mmbench_datasets.eav.people import find_people

        if root not in self._people:
            self._people[root] = find_people(root)
        return self._people[root]

    def _lacking(self, stream: str, root: Path, people: "Mapping[str, Person]") -> Problem | None:
        """That nobody has a file of a modality; None where somebody has."""
        if any(person.media[stream] for person in people.values()):
            return None
        folder = next(iter(people.values())).folder(stream).relative_to(root).as_posix()
        remedy = f"get them, or leave the modality out with {stream}=false"
        return Problem(str(root), f"has no file of {stream} for any trial, in {folder} or the like", remedy)

    def _check_person(self, person: "Person") -> Iterator[Problem]:
        from mmbench_datasets.eav.people import check_eeg, load_labels

        try:
            trials = self._trials(person)
            if self.eeg:
                check_eeg(person, len(load_labels(person)))
        except DataError as error:
            yield problem_of_file(Path(str(error.where)), error, self.card)
            return
        for stream in ("speech", "video"):
            yield from self._check_media(person, stream, trials)

    def _check_media(self, person: "Person", stream: str, trials: "Mapping[int, Trial]") -> Iterator[Problem]:
        """Damaged sounds or films of a person, each, or that there are none."""
        from mmbench_datasets.shared.films import check_film
        from mmbench_datasets.shared.wave_files import check_wave

        wanted = {number: trial for number, trial in trials.items() if stream in self._streams(trial)}
        if wanted and not person.media[stream]:
            error = DataError(f"has no file of {stream}", remedy=f"get them from {self.card.url}")
            yield problem_of_file(person.folder(stream), error, self.card, concerns="sample")
            return
        for number, trial in wanted.items():
            path = person.expected(stream, number, trial)
            try:
                (check_wave if stream == "speech" else check_film)(path)
            except DataError as error:
                yield problem_of_file(path, error, self.card, concerns="sample")

    def units(self, root: Path) -> list[str]:
        """``subject01``, ``subject02``, ...: the people."""
        return list(self._find_people(root))

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of a person: EEG and labels, which may be missing, and the sounds and films that are there."""
        person = self._find_people(root)[unit]
        trials: Mapping[int, Trial]
        try:
            trials = self._trials(person)
        except DataError:  # the person is left out with --bad drop; the files are theirs all the same
            trials = person.named
        media = [
            person.expected(stream, number, trial)
            for number, trial in trials.items()
            for stream in self._streams(trial)
        ]
        mats = (person.eeg, person.labels) if self.eeg else ()
        return [*mats, *(path for path in media if path.is_file()), *person.clashes]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Trials of the other condition, and modalities that are not read."""
        left = describe_mark(root)
        if self.condition != "both":
            other = next(name for name in CONDITIONS if name != self.condition).title()
            left[f"*_{other}_*"] = f"condition={self.condition} does not read it"
        for name, pattern in {"eeg": "*/EEG/*", "speech": "*/Audio/*", "video": "*/Video/*"}.items():
            if not getattr(self, name) and not (name == "speech" and self.condition == "listening"):
                left[pattern] = f"{name}=false does not read it"
        return left

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, windows, and the trials of each emotion; none of a person whose trials are contradictory."""
        trials: list[Trial] = []
        for person in self._find_people(root).values():
            with suppress(DataError):
                trials += self._trials(person).values()
        found = Counter(EMOTIONS[trial.emotion] for trial in trials)
        n_windows = len(trials) * self._n_windows
        by_emotion = {f"trials of {name}": found[name] for name in EMOTIONS}
        return {"people": len(self.units(root)), "trials": len(trials), "windows": n_windows, **by_emotion}

    def assumptions(self, root: Path) -> Sequence[str]:
        """What the official split does not show, what the files do not say, and how many people are missing."""
        return (
            "the official split has every person in both parts: its scores do not hold for new people (--protocol "
            "subject holds people out)",
            *(("eeg: the files name neither the channels nor the unit",) if self.eeg else ()),
            *describe_missing_people(self, root, N_PEOPLE, "EAV's"),
        )

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by trial, with ids like ``subject01/002/0``; a DataError for a damaged trial."""
        from mmbench_datasets.eav.people import load_eeg, load_labels, resample_trial
        from mmbench_datasets.eav.windows import cut_window, load_recorded, split_trials

        person = self._find_people(root)[unit]
        trials = self._trials(person)
        eeg = load_eeg(person, len(load_labels(person))) if self.eeg else None
        parts = split_trials(trials)
        for number, trial in trials.items():
            files = {stream: person.expected(stream, number, trial) for stream in self._streams(trial)}
            try:
                values = None if eeg is None else resample_trial(person, eeg, number, self.eeg_rate)
                recorded = load_recorded(values, files, self.rate)
            except DataError as error:
                yield error
                continue
            groups = {"subject": unit, "trial": f"{unit}/{number:03d}"}
            for at in range(self._n_windows):
                data = cut_window(recorded, at, self.window, self.eeg_rate)
                span = (at * self.window, (at + 1) * self.window)
                labels = {"emotion": trial.emotion}
                yield Sample(f"{groups['trial']}/{at}", labels, data, groups, span=span, split=parts[number])

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, trials: int = 20) -> None:
        """Write simulated ``trials`` (a multiple of ten) of ``subjects`` people, in the same files.

        The emotion changes two rhythms of the EEG, the voice and the face. Each trial has rhythms of its own, whatever
        its emotion, so that windows of one trial in both parts are recognised.
        """
        from mmbench_datasets.eav.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, trials=trials)

    @property
    def _n_windows(self) -> int:
        return int(SECONDS / self.window + 1e-9)

    def _streams(self, trial: "Trial") -> list[str]:
        """The modalities with a file of their own for a trial."""
        has_speech = self.speech and CONDITIONS[trial.condition] == "speaking"
        return [*(["speech"] if has_speech else []), *(["video"] if self.video else [])]

    def _trials(self, person: "Person") -> "dict[int, Trial]":
        """The trials of the condition by number."""
        from mmbench_datasets.eav.people import load_trials, name_trials

        trials = load_trials(person) if self.eeg else name_trials(person)
        wanted = CONDITIONS if self.condition == "both" else (self.condition,)
        return {number: trial for number, trial in trials.items() if CONDITIONS[trial.condition] in wanted}
