"""Datasets of acted clips: the sound and the film of an actor who says a sentence, each in a file of its own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.shared.remedies import problem_of_file
from mmbench_datasets.simulated import card_of_files, describe_mark

Streams = Literal["both", "speech", "video"]

FILM_SUFFIXES = (".flv", ".mp4", ".avi", ".mov", ".mkv")
"""Endings of films, in order of precedence."""

_RATES, _SIZES = (0.1, 60.0), (16, 1024)


class ActedClip(NamedTuple):
    """What the names of the files of a clip say; ``files`` are by modality, whether they exist or not."""

    subject: str
    emotion: int
    groups: Mapping[str, str]
    files: Mapping[str, Path]
    split: Literal["train", "test"] | None = None


class ActedClips(Dataset):
    """Clips of speech and film, one sample each; the group ``subject`` is the actor, and the unit as well.

    ``n_actors`` is the number of actors in the publication.

    ``modalities`` chooses ``speech``, ``video`` or ``both``. Films give ``rate`` frames a second, whole frames that are
    scaled and cropped to squares of ``size`` pixels.
    """

    n_actors: int
    emotions: tuple[str, ...]
    other_groups: tuple[str, ...] = ()
    speech_rate: int = 16000  # Hz

    def __init__(self, *, modalities: Streams = "both", rate: float = 2.0, size: int = 112) -> None:
        if not _RATES[0] <= rate <= _RATES[1]:
            raise SpecError(f"rate is {rate}", where=self.name, remedy="give 0.1 to 60 frames a second")
        if not _SIZES[0] <= size <= _SIZES[1]:
            raise SpecError(f"size is {size}", where=self.name, remedy=f"give {_SIZES[0]} to {_SIZES[1]} pixels")
        self.modalities = modalities
        self.rate = rate
        self.size = size
        self._clips: dict[Path, Mapping[str, ActedClip]] = {}

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the modalities that are read."""
        return ("speech", "video") if self.modalities == "both" else (self.modalities,)

    def file_names(self, stream: str) -> str:
        """How the published files of a modality are named."""
        raise NotImplementedError(f"{type(self).__name__}.file_names")

    def find_clips(self, root: Path) -> Mapping[str, ActedClip]:
        """The clips by id, in order, of which a file of a stream that is read exists."""
        raise NotImplementedError(f"{type(self).__name__}.find_clips")

    def _found(self, root: Path) -> Mapping[str, ActedClip]:
        """The clips, searched once: a folder has thousands of files, and is asked about for each actor."""
        if root not in self._clips:
            self._clips[root] = self.find_clips(root)
        return self._clips[root]

    def schema(self) -> Schema:
        """``speech`` (1, time) and ``video`` (frames, 3, size, size), of open length; task ``emotion``."""
        streams = {
            "speech": Modality("speech", "audio", (1, None), rate=self.speech_rate),
            "video": Modality("video", "video", (None, 3, self.size, self.size), rate=self.rate, resize="crop"),
        }
        tasks = {"emotion": Task("class", self.emotions)}
        return Schema(tuple(streams[name] for name in self.streams), tasks, ("subject", *self.other_groups))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing folder or file, or one that is truncated or of something else; reads the headers of all files."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.access_instructions())]
        self._clips.pop(root, None)
        try:
            clips = self._found(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not clips:
            names = " and ".join(map(self.file_names, self.streams))
            return [Problem(str(root), f"holds no {names}", self.access_instructions())]
        problems = [self._lacking(stream, root, clips) for stream in self.streams]
        return [found for found in problems if found] or list(self._check_files(clips))

    def _lacking(self, stream: str, root: Path, clips: Mapping[str, ActedClip]) -> Problem | None:
        """That no clip has a file of a modality; None where one has."""
        if any(clip.files[stream].exists() for clip in clips.values()):
            return None
        other = next(name for name in ("speech", "video") if name != stream)
        example = next(iter(clips.values())).files[stream]
        where = example.relative_to(root).as_posix()
        remedy = f"get them, or read the other modality alone with modalities={other}"
        return Problem(str(root), f"has no file of {stream} for any clip, such as {where}", remedy)

    def _check_files(self, clips: Mapping[str, ActedClip]) -> Iterator[Problem]:
        from mmbench_datasets.shared.films import check_film
        from mmbench_datasets.shared.wave_files import check_wave

        for clip in clips.values():
            for stream in self.streams:
                try:
                    (check_wave if stream == "speech" else check_film)(clip.files[stream])
                except DataError as error:
                    yield problem_of_file(clip.files[stream], error, self.card, concerns="sample")

    def units(self, root: Path) -> list[str]:
        """The actors."""
        return sorted({clip.subject for clip in self._found(root).values()})

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The files of an actor, by clip; without missing ones."""
        clips = (clip for clip in self._found(root).values() if clip.subject == unit)
        return [path for clip in clips for name in self.streams if (path := clip.files[name]).is_file()]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The mark of a simulation."""
        return describe_mark(root)

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, clips, and the clips of each emotion."""
        clips = self._found(root).values()
        found = Counter(self.emotions[clip.emotion] for clip in clips)
        people = {clip.subject for clip in clips}
        return {"people": len(people), "clips": len(clips), **{each: found[each] for each in self.emotions}}

    def assumptions(self, root: Path) -> Sequence[str]:
        """That labels are what the actors were asked for, and how many actors are missing."""
        labels = "labels are the emotions that the actors were asked to show, not those that others saw or heard"
        return [labels, *describe_missing_people(self, root, self.n_actors, "the", "actors")]

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The clips of an actor in the order of their ids; a DataError in place of one with a damaged file."""
        for name, clip in self._found(root).items():
            if clip.subject == unit:
                try:
                    data = {stream: [self._load(stream, clip.files[stream])] for stream in self.streams}
                except DataError as error:
                    yield error
                    continue
                groups = {"subject": clip.subject, **clip.groups}
                yield Sample(name, {"emotion": clip.emotion}, data, groups, split=clip.split)

    def _load(self, stream: str, path: Path) -> object:
        from mmbench_datasets.shared.films import load_clip
        from mmbench_datasets.shared.wave_files import load_wave

        return load_wave(path) if stream == "speech" else load_clip(path, self.rate)
