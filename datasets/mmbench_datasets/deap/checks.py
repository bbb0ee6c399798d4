"""What is missing or damaged in a folder that should hold DEAP, found without decoding anything."""

from collections.abc import Iterator
from pathlib import Path

from mmbench import DataError, Problem
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import load_ratings
from mmbench_datasets.deap.originals import check_original
from mmbench_datasets.deap.video import AGAIN, is_truncated

_MATCHES = "says which video belongs to which trial"
_LABELS = "has the ratings, and the order in which the videos were shown"


def check_home(
    root: Path, source: layout.Source, *, want_video: bool, want_ratings: bool, request: str
) -> list[Problem]:
    """Problems of the folder, each with its remedy; ``request`` tells how to come by DEAP.

    ``want_ratings`` is whether they are needed to match videos; for the original recordings they always are, since
    their labels are nowhere else.
    """
    home = layout.find_home(root)
    recordings = layout.find_recordings(home, source)
    if not recordings:
        wanted = " or ".join(f"{folder}/sNN{suffix}" for folder, suffix in reversed(layout.FOLDERS[source]))
        return [Problem(str(root), f"DEAP is not here: no {wanted}", request)]
    check = _check_original if source == "bdf" else _check_recording
    problems = [problem for path in recordings.values() for problem in check(path)]
    problems += _check_ratings(home / layout.RATINGS_FILE, _LABELS) if source == "bdf" else []
    videos = [path for subject in recordings for path in layout.find_videos(home, subject).values()]
    if want_video and videos:
        problems += _check_ratings(home / layout.RATINGS_FILE, _MATCHES) if want_ratings and source != "bdf" else []
        problems += [problem for path in videos for problem in _check_video(path)]
    elif want_video and not (home / layout.VIDEO_FOLDER).is_dir():
        remedy = "get face_video from DEAP, or use deap[video=false]"
        problems.append(Problem(str(home / layout.VIDEO_FOLDER), "there are no face videos", remedy))
    return problems


def _check_recording(path: Path) -> Iterator[Problem]:
    remedy = "copy or download the file from DEAP again"
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            last = file.read(1)
    except OSError as error:  # a link to nowhere, or no permission
        yield Problem(str(path), f"the file cannot be read ({error.strerror})", remedy)
        return
    if size == 0:
        yield Problem(str(path), "the file is empty", remedy)
    elif path.suffix == ".dat" and last != b".":
        yield Problem(str(path), "the file is truncated: a pickle ends with a full stop", remedy)


def _check_video(path: Path) -> Iterator[Problem]:
    try:
        if is_truncated(path):
            yield Problem(str(path), "the video is truncated", AGAIN)
    except OSError as error:  # a link to nowhere, or no permission
        yield Problem(str(path), f"the video cannot be read ({error.strerror})", AGAIN)


def _check_original(path: Path) -> Iterator[Problem]:
    try:
        check_original(path)
    except DataError as error:
        yield Problem(error.where or str(path), error.message, error.remedy)


def _check_ratings(path: Path, use: str) -> Iterator[Problem]:
    if not path.is_file():
        yield Problem(str(path), f"is missing; it {use}", "get metadata_csv from DEAP")
        return
    try:
        load_ratings(path)
    except DataError as error:
        yield Problem(error.where or str(path), error.message, error.remedy)
