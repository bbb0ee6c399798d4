"""The CREMA-D dataset: actors who say twelve sentences with six emotions, as sound and as film."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card, DataError
from mmbench_datasets.cremad.layout import ACTORS, EMOTIONS, ENDINGS, FAULTY, FIELDS, FOLDERS, load_split
from mmbench_datasets.names import find_home, find_variant
from mmbench_datasets.shared.acted_clips import FILM_SUFFIXES, ActedClip, ActedClips, Streams
from mmbench_datasets.shared.speakers_in_names import find_by_name, read_fields
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card


class Cremad(ActedClips):
    """CREMA-D (Cao et al. 2014): 91 actors say twelve sentences with one of six emotions, 7,442 clips of 1 to 5 s.

    Files are those of the publication, ``AudioWAV/*.wav`` and ``VideoFlash/*.flv`` (or films converted to ``.mp4``,
    ``.avi``, ``.mov``, ``.mkv``), named ``ACTOR_SENTENCE_EMOTION_LEVEL``. The label is the emotion of the name, which
    the actor was asked for; of the answers of raters who saw and heard the clips, 63.6 % named it. Sound is resampled
    to 16 kHz where it has another rate; films give ``rate`` frames a second, scaled and cropped to squares of ``size``
    pixels. ``modalities`` reads ``speech`` or ``video`` alone. Four clips are known to be faulty: ``faulty="drop"``
    leaves them out, ``"keep"`` reads them.

    Groups are ``subject``, the actor, and ``sentence``. The official split is that of OGM-GE (Peng et al. 2022), which
    many papers on balanced modalities use: one clip of ten is tested, and every actor is in both parts. The protocol
    ``subject`` holds actors out.
    """

    name = "cremad"
    card: ClassVar[Card] = Card(
        title="CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset",
        access="open",
        licence="Open Database License (ODbL) 1.0, contents under the Database Contents License (DbCL) 1.0",
        url="https://github.com/CheyneyComputerScience/CREMA-D",
        citation="Cao et al., CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset, IEEE Transactions on "
        "Affective Computing 5(4):377-390, 2014, doi:10.1109/TAFFC.2014.2336244; official split: Peng et al., Balanced "
        "multimodal learning via on-the-fly gradient modulation, CVPR 2022",
        request="get AudioWAV and VideoFlash with git lfs clone https://github.com/CheyneyComputerScience/CREMA-D, and "
        "give the folder that holds them with --data DIR; cremad-sim, the simulated version, needs no files",
        size="91 actors, 7,442 clips",
        split="Peng et al. 2022 (OGM-GE): 6,698 and 744 clips, all actors in both parts",
    )
    n_actors = len(ACTORS)
    emotions = tuple(EMOTIONS.values())
    other_groups = ("sentence",)

    def __init__(
        self,
        *,
        modalities: Streams = "both",
        rate: float = 2.0,
        size: int = 112,
        faulty: Literal["drop", "keep"] = "drop",
    ) -> None:
        super().__init__(modalities=modalities, rate=rate, size=size)
        self.faulty = faulty

    def access_instructions(self) -> str:
        """Of the folders that ``modalities`` reads."""
        folders = " and ".join(FOLDERS[stream] for stream in self.streams)
        return self.card.request.replace(" and ".join(FOLDERS.values()), folders)

    def file_names(self, stream: str) -> str:
        """Of the publication, such as ``AudioWAV/ACTOR_SENTENCE_EMOTION_LEVEL.wav``."""
        return f"{FOLDERS[stream]}/ACTOR_SENTENCE_EMOTION_LEVEL{ENDINGS[stream]}"

    def find_clips(self, root: Path) -> Mapping[str, ActedClip]:
        """The clips by name, such as ``1001_DFA_ANG_XX``; DataError for one of an actor that CREMA-D does not have."""
        folders = _find_folders(root)
        found = _find_files(folders)
        names = sorted({name for stream in self.streams for name in found[stream]})
        for name in names:
            if int(actor := read_fields(name, FIELDS)["actor"]) not in ACTORS:
                path = next(clips[name] for clips in found.values() if name in clips)
                message = f"is of actor {actor}, where CREMA-D has the actors {ACTORS[0]} to {ACTORS[-1]}"
                raise DataError(message, where=path, remedy="correct its name, or remove it")
        kept = [name for name in names if self.faulty == "keep" or name not in FAULTY]
        return {name: _make_clip(name, folders, found) for name in kept}

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Clips that are known to be faulty, and modalities that are not read."""
        folders = _find_folders(root)
        left = dict(super().left_out(root))
        for stream, clips in _find_files(folders).items():
            if stream not in self.streams and clips:
                left[f"{folders[stream].relative_to(root).as_posix()}/*"] = (
                    f"modalities={self.modalities} does not read it"
                )
            for name in sorted(FAULTY.keys() & clips.keys()) if self.faulty == "drop" else ():
                why = f"the published clip {FAULTY[name]} (faulty=keep reads it)"
                left[clips[name].relative_to(root).as_posix()] = why
        return left

    def assumptions(self, root: Path) -> Sequence[str]:
        """What labels are, which people and clips are missing, and what the official split does not show."""
        split = (
            "the official split (OGM-GE) has every actor in both parts: its scores do not hold for new people "
            "(--protocol subject holds actors out)"
        )
        return (*super().assumptions(root), split, *self._describe_split(root))

    def _describe_split(self, root: Path) -> list[str]:
        """A line about the clips of the official split that are here, unless all are, but faulty ones."""
        here = self._found(root).keys()
        missing = load_split().keys() - here - (FAULTY.keys() if self.faulty == "drop" else set())
        if not missing or self.card_of(root).access == "simulated":
            return []
        total = Counter(load_split().values())
        found = Counter(part for name, part in load_split().items() if name in here)
        return [
            f"{found['train']:,} of the {total['train']:,} training clips and {found['test']:,} of the "
            f"{total['test']:,} test clips of the official split are here"
        ]

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0, sentences: int = 4) -> None:
        """Write simulated clips of ``subjects`` actors, six emotions of each of ``sentences`` sentences.

        Neither modality tells all emotions apart: each expression of the voice is that of two emotions, and each of the
        face, too. Actors differ in how they express an emotion, so that scores on known actors are higher.
        """
        from mmbench_datasets.cremad.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength, sentences=sentences)


class CremadSim(SimulatedTwin, Cremad):
    """Simulated clips in the files of CREMA-D: drawn faces and synthetic voices whose effects are known.

    ``subjects`` actors say ``sentences`` sentences with six emotions each. ``strength`` scales the effect of the
    emotion on voice and face, 0 for none; both also identify the actor. The other parameters are those of ``cremad``.
    """

    name = "cremad-sim"
    card: ClassVar[Card] = twin_card(Cremad.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 2, "sentences": 1}

    def __init__(
        self,
        *,
        subjects: int = 12,
        sentences: int = 4,
        seed: int = 0,
        strength: float = 1.0,
        modalities: Streams = "both",
        rate: float = 2.0,
        size: int = 48,
    ) -> None:
        super().__init__(modalities=modalities, rate=rate, size=size)
        self.simulation = {"subjects": subjects, "sentences": sentences, "seed": seed, "strength": strength}


def _find_folders(root: Path) -> dict[str, Path]:
    """The folder of each modality, whether it exists or not, in ``root`` or in a folder of it."""
    home = find_home(root, lambda folder: any(find_variant(folder / name).is_dir() for name in FOLDERS.values()))
    return {stream: find_variant(home / name) for stream, name in FOLDERS.items()}


def _find_files(folders: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    """The files of each modality by the name of the clip; of several of one name, the published format."""
    suffixes = {"speech": (".wav",), "video": FILM_SUFFIXES}
    found = {stream: find_by_name(folder, FIELDS, suffixes[stream]) for stream, folder in folders.items()}
    return {stream: {clip: paths[0] for clip, paths in clips.items()} for stream, clips in found.items()}


def _make_clip(name: str, folders: Mapping[str, Path], found: Mapping[str, Mapping[str, Path]]) -> ActedClip:
    fields = read_fields(name, FIELDS)
    files = {stream: found[stream].get(name, folders[stream] / f"{name}{ENDINGS[stream]}") for stream in FOLDERS}
    emotion = [*EMOTIONS].index(fields["emotion"])
    return ActedClip(fields["actor"], emotion, {"sentence": fields["sentence"]}, files, load_split().get(name))
