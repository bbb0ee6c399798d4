"""The RAVDESS dataset: actors who speak and sing two sentences with eight emotions, as sound and as film."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card
from mmbench_datasets.ravdess.layout import (
    ARCHIVES,
    CHANNELS,
    EMOTIONS,
    FIELDS,
    FILMS,
    N_ACTORS,
    N_SINGERS,
    SOUND,
    clip_of,
)
from mmbench_datasets.shared.acted_clips import FILM_SUFFIXES, ActedClip, ActedClips, Streams
from mmbench_datasets.shared.speakers_in_names import find_by_name, read_fields
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card

Channel = Literal["speech", "song", "both"]

_DEPTH = 4  # folders within each other, in which archives are unpacked


class Ravdess(ActedClips):
    """RAVDESS (Livingstone and Russo 2018): 24 actors speak (1,440 clips) and sing (1,012) two sentences.

    Files are those of the publication, in any folders: sound ``03-*.wav``, films ``02-*.mp4`` or, where these are not
    there, ``01-*.mp4``, the same recording with sound, which is not decoded. The seven numbers of a name are modality,
    channel, emotion, intensity, statement, repetition and actor; the label is the emotion. ``channel`` chooses
    ``speech``, ``song`` (without *disgust* and *surprised*) or ``both``. Sound is resampled from 48 to 16 kHz; films
    give ``rate`` frames a second, scaled and cropped to squares of ``size`` pixels. ``modalities`` reads ``speech``,
    the sound, or ``video`` alone.

    Groups are ``subject``, the actor, and ``statement``. There is no official split; the protocol ``subject`` holds
    actors out. The two repetitions of a clip have one actor, statement and emotion, which other protocols split.
    """

    name = "ravdess"
    card: ClassVar[Card] = Card(
        title="RAVDESS: Ryerson Audio-Visual Database of Emotional Speech and Song",
        access="open",
        licence="CC BY-NC-SA 4.0",
        url="https://zenodo.org/records/1188976",
        citation="Livingstone and Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), "
        "PLoS ONE 13(5): e0196391, 2018, doi:10.1371/journal.pone.0196391",
        request="get Audio_Speech_Actors_01-24.zip and Video_Speech_Actor_01.zip to 24 from "
        "https://zenodo.org/records/1188976, unpack them into one folder, and give it with --data DIR; ravdess-sim, "
        "the simulated version, needs no files",
        size="24 actors, 1,440 clips of speech and 1,012 of song",
    )
    emotions = EMOTIONS
    other_groups = ("statement",)

    def __init__(
        self, *, channel: Channel = "speech", modalities: Streams = "both", rate: float = 2.0, size: int = 112
    ) -> None:
        super().__init__(modalities=modalities, rate=rate, size=size)
        self.channel = channel
        self.n_actors = N_SINGERS if channel == "song" else N_ACTORS

    def access_instructions(self) -> str:
        """Of the archives that ``channel`` and ``modalities`` read."""
        published, chosen = _name_archives(ARCHIVES, ["speech"]), _name_archives(self.streams, self._channels)
        return self.card.request.replace(published, chosen)

    def file_names(self, stream: str) -> str:
        """By their first numbers, modality and channel, such as ``03-01-*.wav``."""
        number, ending = (SOUND, ".wav") if stream == "speech" else (FILMS[0], ".mp4")
        return " and ".join(f"{number}-{CHANNELS[channel]}-*{ending}" for channel in self._channels)

    @property
    def _channels(self) -> tuple[str, ...]:
        return tuple(CHANNELS) if self.channel == "both" else (self.channel,)

    def find_clips(self, root: Path) -> Mapping[str, ActedClip]:
        """The clips by the numbers of their names without the first, such as ``01-06-01-02-01-12``."""
        found = _find_files(root)
        names = sorted({clip_of(name) for name in found if self._is_read(name)}, key=lambda name: (name[-2:], name))
        return {name: _make_clip(name, root, found) for name in names}

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files of another channel or of a modality that is not read, and further files of the same name or clip."""
        found, left = _find_files(root), dict(super().left_out(root))
        for name, paths in found.items():
            for path in paths[1:] if self._is_read(name) else paths:
                left[path.relative_to(root).as_posix()] = self._reason(name, paths[0].relative_to(root).as_posix())
            if self._is_read(name) and name.startswith(FILMS[1]) and f"{FILMS[0]}-{clip_of(name)}" in found:
                left[paths[0].relative_to(root).as_posix()] = "the film without sound, the same recording, is read"
        return left

    def _is_read(self, name: str) -> bool:
        stream = "speech" if name.startswith(SOUND) else "video"
        channel = read_fields(name, FIELDS)["channel"]
        return stream in self.streams and channel in [CHANNELS[name] for name in self._channels]

    def _reason(self, name: str, first: str) -> str:
        if self._is_read(name):
            return f"{first} is read instead"
        stream = "speech" if name.startswith(SOUND) else "video"
        option = f"modalities={self.modalities}" if stream not in self.streams else f"channel={self.channel}"
        return f"{option} does not read it"

    def simulate(
        self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, repetitions: int = 1
    ) -> None:
        """Write simulated speech of ``subjects`` actors: eight emotions of two statements, ``repetitions`` of each.

        Neither modality tells all emotions apart: each expression of the voice is that of two or three emotions, and
        each of the face, too. Actors differ in how they express an emotion, so that scores on known actors are higher.
        """
        from mmbench_datasets.ravdess.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, repetitions=repetitions)


class RavdessSim(SimulatedTwin, Ravdess):
    """Simulated clips in the files of RAVDESS: drawn faces and synthetic voices whose effects are known.

    ``subjects`` actors say two statements with eight emotions, ``repetitions`` of each. ``strength`` scales the effect
    of the emotion on voice and face, 0 for none; both also identify the actor. The other parameters are those of
    ``ravdess``; there is no song.
    """

    name = "ravdess-sim"
    card: ClassVar[Card] = twin_card(Ravdess.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2}

    def __init__(
        self,
        *,
        subjects: int = 12,
        repetitions: int = 1,
        seed: int = 0,
        strength: float = 1.0,
        modalities: Streams = "both",
        rate: float = 2.0,
        size: int = 48,
    ) -> None:
        super().__init__(modalities=modalities, rate=rate, size=size)
        self.simulation = {"subjects": subjects, "repetitions": repetitions, "seed": seed, "strength": strength}


def _name_archives(streams: Iterable[str], channels: Iterable[str]) -> str:
    return " and ".join(ARCHIVES[stream].format(channel.title()) for channel in channels for stream in streams)


def _find_files(root: Path) -> dict[str, list[Path]]:
    """The sound and films by name, such as ``03-01-06-01-02-01-12``."""
    found = find_by_name(root, FIELDS, (".wav", *FILM_SUFFIXES), _DEPTH)
    wanted = {
        name: [path for path in paths if (path.suffix.lower() == ".wav") == name.startswith(SOUND)]
        for name, paths in found.items()
    }
    return {name: paths for name, paths in wanted.items() if paths}


def _make_clip(name: str, root: Path, found: Mapping[str, list[Path]]) -> ActedClip:
    fields = read_fields(f"{SOUND}-{name}", FIELDS)
    folder = root / f"Actor_{fields['actor']}"
    films = [found[f"{number}-{name}"][0] for number in FILMS if f"{number}-{name}" in found]
    files = {
        "speech": found.get(f"{SOUND}-{name}", [folder / f"{SOUND}-{name}.wav"])[0],
        "video": films[0] if films else folder / f"{FILMS[0]}-{name}.mp4",
    }
    return ActedClip(fields["actor"], int(fields["emotion"]) - 1, {"statement": fields["statement"]}, files)
