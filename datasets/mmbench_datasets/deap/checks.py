"""Checks of a folder of DEAP: everything that a run would refuse, except what only decoding a video shows."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbench import DataError, Problem
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import DeapFiles, find_files
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.subject import examine_subject, find_film_errors
from mmbench_datasets.deap.video_matching import load_table

_ABOVE = 3  # folders above the one that was given, in which signals are looked for


def check_home(root: Path, options: Options, request: str) -> list[Problem]:
    """Problems of the folder, each with its remedy; ``request`` says how to get DEAP."""
    files = find_files(root)
    if not files.signals[options.source]:
        return [_no_signals(root, files, options, request)]
    problems = [
        Problem(str(folder), f"cannot be read ({reason})", "change its permissions")
        for folder, reason in files.unreadable.items()
    ]
    units = files.subjects(options)
    films = [path for unit in units for path in files.videos_of(unit).values()] if options.video else []
    if options.video and not films:
        problems.append(_no_videos(files))
    error = _find_table_error(files, options) if films or options.source == "bdf" else None
    problems += [_make_problem(error, files.ratings)] if error else []
    for unit in units:
        problems += _check_subject(files, options, unit, error)
    return problems


def _find_table_error(files: DeapFiles, options: Options) -> DataError | None:
    """The error about the whole table of ratings, where it is needed."""
    if options.source != "bdf" and options.video_order == "presentation":
        return None
    try:
        load_table(files, options.source)
    except DataError as error:
        return error
    return None


def _check_subject(files: DeapFiles, options: Options, unit: str, table: DataError | None) -> Iterator[Problem]:
    """The problems of a subject; the error of the ``table`` of ratings is not repeated for each."""
    path = files.recording(unit, options.source)
    videos = files.videos_of(unit) if options.video else {}
    try:
        found = examine_subject(options, files, unit)
    except DataError as error:
        if table is None or error.line != table.line:
            film = next((video for video in videos.values() if str(video) == str(error.where)), path)
            yield _make_problem(error, film)
        films = find_film_errors(files, videos)
    else:
        yield from (_make_problem(error, path, is_sample=True) for error in found.bad.values())
        films, videos = dict(found.bad_videos), found.videos
    yield from (_make_problem(error, videos[at], is_sample=True) for at, error in films.items())


def _make_problem(error: DataError, path: Path, *, is_sample: bool = False) -> Problem:
    """An error as a problem of the file ``path``, so that the host knows whose it is; the message keeps the place."""
    place = str(error.where or path).removeprefix(str(path)).removeprefix(", ")
    message = f"{place}: {error.message}" if place else error.message
    return Problem(str(path), message, error.remedy or "", "sample" if is_sample else "dataset")


def _no_signals(root: Path, files: DeapFiles, options: Options, request: str) -> Problem:
    """That there are no signals: because the folder is one within DEAP, has videos alone, or DEAP is not there."""
    source = options.source
    wanted = " or ".join(f"{folder}/sNN{suffix}" for folder, suffix in reversed(layout.FOLDERS[source]))
    for depth, folder in enumerate([*root.resolve().parents][:_ABOVE], 1):
        if _may_hold_signals(folder, source):
            levels = f"{depth} folder{'s' * (depth > 1)}"
            return Problem(
                str(root), f"holds no {wanted}: it is {levels} below the folder of DEAP", f"give --data {folder}"
            )
    if other := next((name for name, found in files.signals.items() if found), None):
        remedy = f"add {layout.FOLDERS[source][-1][0]} from DEAP, or use deap[source={other}]"
        return Problem(str(root), f"holds no {wanted}", remedy)
    if not files.videos:
        return Problem(str(root), f"holds no {wanted}", request)
    message = f"holds face videos of {_list(list(files.videos))} and no {wanted}"
    remedy = f"give --data the folder that holds both {layout.FOLDERS[source][-1][0]} and {layout.VIDEO_FOLDER}"
    return Problem(str(root), message, remedy)


def _may_hold_signals(folder: Path, source: layout.Source) -> bool:
    """Whether signals are in a folder, or in one of those in it that DEAP names."""
    names = {name.lower() for name, _ in layout.FOLDERS[source]}
    try:
        own = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() in names]
        held = [path.name.lower() for each in (folder, *own) for path in each.iterdir()]
    except OSError:
        return False
    suffixes = "|".join(re.escape(suffix) for _, suffix in layout.FOLDERS[source])
    return any(re.fullmatch(rf"s\d{{1,2}}({suffixes})", name) for name in held)


def _no_videos(files: DeapFiles) -> Problem:
    """That no person with signals has a video: because there is none, or because none has a name of DEAP."""
    folder = files.folders.get(layout.VIDEO_FOLDER)
    if folder is None:
        remedy = "get face_video from DEAP, or use deap[video=false]"
        return Problem(str(files.home / layout.VIDEO_FOLDER), "has no face videos", remedy)
    names = [path.name for path in files.others if path.is_relative_to(folder)]
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
