"""Checks of a folder of DEAP: missing, damaged and unused files, found without decoding."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mmbench import DataError, Problem, check_content, is_video_truncated
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.faces import VIDEO_REMEDY
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.original_recordings import check_original
from mmbench_datasets.deap.ratings import load_ratings
from mmbench_datasets.names import list_files

_MATCHES = "maps videos to trials"
_LABELS = "holds the ratings and the order of presentation"


def check_home(root: Path, options: Options, request: str) -> list[Problem]:
    """Problems of the folder, each with its remedy; ``request`` says how to get DEAP.

    The ratings are needed to match videos to trials, and as labels of the original recordings.
    """
    source = options.source
    home = layout.find_home(root)
    recordings = layout.find_recordings(home, source)
    if not recordings:
        wanted = " or ".join(f"{folder}/sNN{suffix}" for folder, suffix in reversed(layout.FOLDERS[source]))
        return [Problem(str(root), f"holds no {wanted}", request)]
    check = _check_original if source == "bdf" else _check_recording
    problems = [problem for path in recordings.values() for problem in check(path)]
    problems += _check_ratings(home / layout.RATINGS_FILE, _LABELS) if source == "bdf" else []
    videos = [path for subject in recordings for path in layout.find_videos(home, subject).values()]
    if options.video and videos:
        if options.video_order == "experiment" and source != "bdf":
            problems += _check_ratings(home / layout.RATINGS_FILE, _MATCHES)
        problems += [problem for path in videos for problem in _check_video(path)]
    elif options.video and not (home / layout.VIDEO_FOLDER).is_dir():
        remedy = "get face_video from DEAP, or use deap[video=false]"
        problems.append(Problem(str(home / layout.VIDEO_FOLDER), "has no face videos", remedy))
    return problems


def describe_left_out(root: Path, options: Options) -> Mapping[str, str]:
    """Reasons why files and subjects are not used, by subject or by path from ``root``."""
    source = options.source
    home = layout.find_home(root)
    recordings = layout.find_recordings(home, source)
    left: dict[str, str] = {}
    for name, folders in layout.FOLDERS.items():
        for folder, _ in folders if name != source else ():
            left |= _leave_folder(root, home / folder, f"source={source} does not read it")
    if not options.video:
        left |= _leave_folder(root, home / layout.VIDEO_FOLDER, "video=false does not read it")
    for folder, suffix in layout.FOLDERS[source]:
        others = (path for path in list_files(home / folder) if path.suffix.lower() == suffix)
        for path in others:
            if (used := recordings.get(path.stem.lower())) and used != path:
                left[_relative(root, path)] = f"{_relative(root, used)} is read instead"
    if options.faces == "drop":
        left |= {name: "no face video, and faces=drop" for name in recordings if not layout.find_videos(home, name)}
    return left


def _leave_folder(root: Path, folder: Path, why: str) -> Mapping[str, str]:
    return {_relative(root, folder): why} if folder.is_dir() else {}


def _relative(root: Path, path: Path) -> str:
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
        yield Problem(str(path), f"cannot be read ({error.strerror})", remedy)
        return
    if path.suffix.lower() == ".dat" and last != b".":
        yield Problem(str(path), "is truncated: a pickle ends with a full stop", remedy)


def _check_video(path: Path) -> Iterator[Problem]:
    try:
        if is_video_truncated(path):
            yield Problem(str(path), "is truncated", VIDEO_REMEDY)
    except OSError as error:  # a link to nowhere, or no permission
        yield Problem(str(path), f"cannot be read ({error.strerror})", VIDEO_REMEDY)


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
