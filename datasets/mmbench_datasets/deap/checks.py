"""What is missing or damaged in a folder that should hold DEAP, found without decoding anything."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mmbench import DataError, Problem, check_content
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import load_ratings
from mmbench_datasets.deap.originals import check_original
from mmbench_datasets.deap.video import AGAIN, is_truncated
from mmbench_datasets.names import list_files

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


def describe_left_out(root: Path, source: layout.Source, *, want_video: bool, drop_faceless: bool) -> Mapping[str, str]:
    """What of DEAP's files no sample is made of, by subject or by path from ``root``, and why."""
    home = layout.find_home(root)
    recordings = layout.find_recordings(home, source)
    left: dict[str, str] = {}
    for name, folders in layout.FOLDERS.items():
        for folder, _ in folders if name != source else ():
            left |= _leave_folder(root, home / folder, f"source={source} does not read it")
    if not want_video:
        left |= _leave_folder(root, home / layout.VIDEO_FOLDER, "video=false does not read it")
    for folder, suffix in layout.FOLDERS[source]:
        others = (path for path in list_files(home / folder) if path.suffix.lower() == suffix)
        for path in others:
            if (used := recordings.get(path.stem.lower())) and used != path:
                left[_from(root, path)] = f"{_from(root, used)} is read in its place"
    if drop_faceless:
        left |= {name: "no face video, and faces=drop" for name in recordings if not layout.find_videos(home, name)}
    return left


def _leave_folder(root: Path, folder: Path, why: str) -> Mapping[str, str]:
    return {_from(root, folder): why} if folder.is_dir() else {}


def _from(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _check_recording(path: Path) -> Iterator[Problem]:
    remedy = "copy or download the file from DEAP again"
    try:
        check_content(path, "is a MATLAB file of level 5")
    except DataError as error:
        yield Problem(str(path), error.message, remedy)
        return
    try:
        with path.open("rb") as file:
            file.seek(-1, 2)
            last = file.read(1)
    except OSError as error:  # a link to nowhere, or no permission
        yield Problem(str(path), f"the file cannot be read ({error.strerror})", remedy)
        return
    if path.suffix.lower() == ".dat" and last != b".":
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
    if not path.exists() and not path.is_symlink():
        yield Problem(str(path), f"is missing; it {use}", "get metadata_csv from DEAP")
        return
    try:
        load_ratings(path)
    except DataError as error:
        yield Problem(error.where or str(path), error.message, error.remedy)
