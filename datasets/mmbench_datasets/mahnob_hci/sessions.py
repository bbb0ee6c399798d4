"""Sessions of MAHNOB-HCI: their files, and what ``session.xml`` says of them."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmbench import DataError, check_content
from mmbench_datasets.names import find_home, find_variant, list_files
from mmbench_datasets.shared.damage import how_to_drop

FOLDER, DESCRIPTION = "Sessions", "session.xml"
RATINGS = {"arousal": "feltArsl", "valence": "feltVlnc", "control": "feltCtrl", "predictability": "feltPred"}
"""Attributes of the ratings from 1 to 9."""
EMOTIONS = {
    "0": "neutral",
    "1": "anger",
    "2": "disgust",
    "3": "fear",
    "4": "joy",
    "5": "sadness",
    "6": "surprise",
    "11": "amusement",
    "12": "anxiety",
}
"""The emotion keyword of a session by its code, ``feltEmo``."""
_LONGEST = 1 << 20  # bytes; the published descriptions have some thousand
_REMEDY = how_to_drop("copy or download the session again", "it")
_COLOUR = re.compile(r".*C1 trigger.*\.avi", re.IGNORECASE)


@dataclass(frozen=True)
class Session:
    """A film that a person watches: its description, ratings in the order of `RATINGS`, and the code of the emotion.

    ``seconds`` is the length of the film, None where it is not stated; ``face`` may not exist; ``absent`` says why a
    session cannot be used, such as one of another experiment.
    """

    description: Path
    person: int
    film: str
    ratings: tuple[float, ...]
    emotion: str
    seconds: float | None
    recording: Path | None
    face: Path | None
    absent: str = ""

    @property
    def folder(self) -> Path:
        """The folder of the session."""
        return self.description.parent

    @property
    def number(self) -> str:
        """The number of the session, the name of its folder."""
        return self.folder.name


def find_folder(root: Path) -> Path:
    """The folder of the sessions: ``Sessions``, or one with sessions, in ``root`` or the only folder in it that has it.

    Raises DataError where several folders are.
    """
    home = find_home(root, lambda folder: find_variant(folder / FOLDER).is_dir())
    folder = find_variant(home / FOLDER)
    return folder if folder.is_dir() else find_home(root, _has_sessions)


def _has_sessions(folder: Path) -> bool:
    return any(each.name.isdecimal() and find_variant(each / DESCRIPTION).is_file() for each in list_files(folder))


def find_sessions(root: Path) -> list[Session | DataError]:
    """All sessions by number; an error in place of one whose description is damaged.

    Raises DataError where two folders have the same number, such as ``100`` and ``0100``.
    """
    folders: dict[int, Path] = {}
    for folder in list_files(find_folder(root)):
        if folder.name.isdecimal() and folder.is_dir():
            earlier = folders.setdefault(int(folder.name), folder)
            if earlier != folder:
                message = f"is the session {int(folder.name)}, as is {earlier}"
                raise DataError(message, where=folder, remedy="remove one of the folders")
    return [*_read_all(folders[number] for number in sorted(folders))]


def _read_all(folders: Iterable[Path]) -> Iterator[Session | DataError]:
    for folder in folders:
        path = find_variant(folder / DESCRIPTION)
        try:
            if not path.exists():
                raise DataError("is missing", where=path, remedy=_REMEDY)
            check_content(path, "is an XML document")
            status = path.stat()
            times = status.st_mtime_ns, status.st_ctime_ns
            yield _read_session(path, status.st_size, times, tuple(list_files(folder)))
        except DataError as error:
            yield error


@lru_cache(maxsize=4096)
def _read_session(path: Path, size: int, _: tuple[int, int], files: tuple[Path, ...]) -> Session:
    from xml.etree import ElementTree

    if size > _LONGEST:
        raise DataError(f"is larger than {_LONGEST >> 10} kB", where=path, remedy=_REMEDY)
    try:
        top = ElementTree.fromstring(path.read_bytes())
        person = int(top.find("subject").attrib["id"])  # type: ignore[union-attr]
    except (ElementTree.ParseError, LookupError, ValueError, AttributeError) as error:
        raise DataError(f"does not describe a session of a subject ({error})", where=path, remedy=_REMEDY) from error
    if person < 1:
        message = f"is of the subject {person}, where MAHNOB-HCI has subjects from 1 on"
        raise DataError(message, where=path, remedy=_REMEDY)
    recordings = [file for file in files if file.suffix.lower() == ".bdf"]
    return Session(
        description=path,
        person=person,
        film=top.attrib.get("mediaFile", "").strip(),
        ratings=tuple(_number(top.attrib.get(name)) for name in RATINGS.values()),
        emotion=top.attrib.get("feltEmo", ""),
        seconds=seconds if (seconds := _number(top.attrib.get("cutLenSec"))) > 0 else None,
        recording=recordings[0] if len(recordings) == 1 else None,
        face=_find_face(top, files),
        absent=_why_absent(top.attrib, len(recordings)),
    )


def _number(text: str | None) -> float:
    """The number that a text is; NaN if it is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _find_face(top: Any, files: tuple[Path, ...]) -> Path | None:
    """The video of the colour camera: by the description, else by its name."""
    named = {track.attrib.get("filename") for track in top.iter("track") if track.attrib.get("color") == "1"}
    by_name = [file for file in files if file.name in named]
    found = by_name or [file for file in files if _COLOUR.fullmatch(file.name)]
    return found[0] if len(found) == 1 else None


def _why_absent(attributes: dict[str, str], n_recordings: int) -> str:
    if RATINGS["arousal"] not in attributes and RATINGS["valence"] not in attributes:
        return "not rated: of another experiment than the elicitation of emotions"
    if attributes.get("isStim") == "0":
        return "not a film of the experiment (isStim 0)"
    if not attributes.get("mediaFile", "").strip():
        return "no name of the film (mediaFile)"
    return "" if n_recordings == 1 else f"{n_recordings or 'no'} BDF files, where one is expected"
