"""Checks of a folder of DEAP: missing, damaged and unused files, found without decoding."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mmbench import DataError, Problem, is_video_truncated
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.faces import VIDEO_REMEDY
from mmbench_datasets.deap.files import DeapFiles, find_files
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.original_recordings import check_original
from mmbench_datasets.deap.ratings import load_ratings
from mmbench_datasets.deap.recordings import check_recording_content

_MATCHES = "maps videos to trials"
_LABELS = "holds the ratings and the order of presentation"


def check_home(root: Path, options: Options, request: str) -> list[Problem]:
    """Problems of the folder, each with its remedy; ``request`` says how to get DEAP.

    The ratings are needed to match videos to trials, and as labels of the original recordings.
    """
    source = options.source
    files = find_files(root)
    recordings = files.signals[source]
    if not recordings:
        wanted = " or ".join(f"{folder}/sNN{suffix}" for folder, suffix in reversed(layout.FOLDERS[source]))
        return [Problem(str(root), f"holds no {wanted}", request)]
    check = _check_original if source == "bdf" else _check_recording
    problems = [
        Problem(str(folder), f"cannot be read ({reason})", "change its permissions")
        for folder, reason in files.unreadable.items()
    ]
    problems += [problem for path in recordings.values() for problem in check(path)]
    problems += _check_ratings(files.ratings, _LABELS) if source == "bdf" else []
    videos = [path for subject in recordings for path in files.videos_of(subject).values()]
    if options.video and videos:
        if options.video_order == "experiment" and source != "bdf":
            problems += _check_ratings(files.ratings, _MATCHES)
        problems += [problem for path in videos for problem in _check_video(path)]
    elif options.video:
        problems.append(_no_videos(files))
    return problems


def _no_videos(files: DeapFiles) -> Problem:
    """That no person with signals has a video: because there is none, or because none has a name of DEAP."""
    folder = files.folders.get(layout.VIDEO_FOLDER)
    if folder is None:
        remedy = "get face_video from DEAP, or use deap[video=false]"
        return Problem(str(files.home / layout.VIDEO_FOLDER), "has no face videos", remedy)
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    if files.videos:
        message = f"has videos of {_list(list(files.videos))} alone, of whom there are no signals"
    elif names:
        message = f"holds no video named as DEAP's, but {_list(names)}"
    else:
        message = "is empty"
    remedy = (
        f"rename videos to sNN_trialTT{layout.CONTAINERS[0]}, TT in the order of presentation, or use deap[video=false]"
    )
    return Problem(str(folder), message, remedy)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2} more" if names[2:] else ""
    return ", ".join(names[:2]) + more


def count_contents(root: Path, options: Options) -> Mapping[str, int]:
    """People, trials, videos and windows of a folder, by the names of its files; damage is not looked for."""
    files = find_files(root)
    people = files.subjects(options)
    videos = sum(len(files.videos_of(name)) for name in people) if options.video else 0
    trials = layout.N_TRIALS * len(people)
    windows = (videos if options.faces == "drop" else trials) * options.windows
    return {"people": len(people), "trials": trials, "face videos": videos, "windows": windows}


def describe_left_out(root: Path, options: Options) -> Mapping[str, str]:
    """Reasons why files and subjects are not used, by subject or by path from ``root``."""
    source = options.source
    files = find_files(root)
    left = {
        _relative(root, other): f"{_relative(root, used)} is read instead" for other, used in files.repeated.items()
    }
    for name, recordings in files.signals.items():
        if name != source:
            folders = [folder for folder, _ in layout.FOLDERS[name]]
            left |= _leave(root, files, folders, recordings.values(), f"source={source} does not read it")
    if not options.video:
        videos = [path for found in files.videos.values() for path in found.values()]
        left |= _leave(root, files, [layout.VIDEO_FOLDER], videos, "video=false does not read it")
    if options.video:
        left |= {
            name: f"{len(videos)} face videos, but no signals"
            for name, videos in files.videos.items()
            if name not in files.signals[source]
        }
    if options.faces == "drop":
        left |= {name: "no face video, and faces=drop" for name in files.signals[source] if not files.videos_of(name)}
    return left


def _leave(root: Path, files: DeapFiles, folders: Iterable[str], paths: Iterable[Path], why: str) -> Mapping[str, str]:
    """``why`` for those ``folders`` of DEAP that are there, and for the ``paths`` outside of them."""
    named = [files.folders[folder] for folder in folders if folder in files.folders]
    loose = [path for path in paths if not any(path.is_relative_to(folder) for folder in named)]
    return {_relative(root, path): why for path in [*named, *loose]}


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _check_recording(path: Path) -> Iterator[Problem]:
    remedy = "copy or download the file from DEAP again"
    try:
        check_recording_content(path)
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
