"""Inventory of a folder of DEAP: counts of what a run reads, trials without a video, files left out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from mmbench import DataError
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import DeapFiles, find_files, is_copy
from mmbench_datasets.deap.options import Options
from mmbench_datasets.deap.subject import Examination, examine_subject

_NO_FILM = "no face video, and faces=drop"


def count_contents(root: Path, options: Options) -> Mapping[str, int]:
    """People, trials, videos and windows that can be read; with ``faces="drop"``, windows without a face are counted.

    Whether a window shows a face is known only once its video is decoded.
    """
    files = find_files(root)
    people = [found for found in (_examine(options, files, unit) for unit in files.subjects(options)) if found]
    videos = sum(trial in found.videos for found in people for trial in found.trials)
    trials = videos if options.faces == "drop" else sum(len(found.trials) for found in people)
    windows = "windows at most" if options.faces == "drop" else "windows"
    return {"people": len(people), "trials": trials, "face videos": videos, windows: trials * options.windows}


def _examine(options: Options, files: DeapFiles, unit: str) -> Examination | None:
    """What can be read of a subject, None if nothing: the check names the reason."""
    try:
        return examine_subject(options, files, unit)
    except DataError:
        return None


def describe_missing_films(root: Path, options: Options) -> list[str]:
    """A line about the trials that have no face because they have no video; none where no video is read."""
    if not options.video or options.faces == "drop":
        return []
    files = find_files(root)
    units = files.subjects(options)
    missing = _find_missing(files, units)
    n_missing = sum(map(len, missing.values()))
    if not any(files.videos_of(unit) for unit in units) or not n_missing:
        return []
    whole = [unit for unit, trials in missing.items() if len(trials) == layout.N_TRIALS]
    parts = [f"{_name_trials(trials)} of {unit}" for unit, trials in missing.items() if unit not in whole]
    parts += [f"all presentations of {_name_people(whole)}"] if whole else []
    line = f"no face video: {'; '.join(parts)}: {n_missing} of {layout.N_TRIALS * len(units):,} trials have no face"
    lost = _find_lost(missing)
    known = "DEAP has no video of these either" if not lost else f"DEAP has {lost} of these videos"
    return [f"{line} ({known})"]


def _find_missing(files: DeapFiles, units: Iterable[str]) -> dict[str, list[int]]:
    """The presentations without a video of each subject that has such."""
    numbers = range(1, layout.N_TRIALS + 1)
    found = {unit: [trial for trial in numbers if trial not in files.videos_of(unit)] for unit in units}
    return {unit: trials for unit, trials in found.items() if trials}


def _find_lost(missing: Mapping[str, Sequence[int]]) -> int:
    """The number of missing videos that DEAP has."""
    return sum(layout.is_filmed(int(unit[1:]), trial) for unit, trials in missing.items() for trial in trials)


def _name_trials(trials: Sequence[int]) -> str:
    """Presentations in words: ``presentation 7``, ``presentations 2, 38-40``."""
    return f"presentation{'s' * (len(trials) > 1)} {', '.join(_runs(trials, str))}"


def _name_people(units: Sequence[str]) -> str:
    return ", ".join(_runs([int(unit[1:]) for unit in units], layout.subject_name))


def _runs(numbers: Sequence[int], name: Callable[[int], str]) -> Iterator[str]:
    """Names of consecutive numbers as ranges."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        first, *rest = (number for _, number in run)
        yield f"{name(first)}-{name(rest[-1])}" if rest else name(first)


def describe_left_out(root: Path, options: Options) -> Mapping[str, str]:
    """Reasons why files and subjects are not used, by subject or by path from ``root``."""
    source = options.source
    files = find_files(root)
    left = {_relative(root, other): _describe_copy(root, other, used) for other, used in files.repeated.items()}
    for name, recordings in files.signals.items():
        if name != source:
            folders = [folder for folder, _ in layout.FOLDERS[name]]
            left |= _leave(root, files, folders, recordings.values(), f"source={source} does not read it")
    if not options.video:
        videos = [path for found in files.videos.values() for path in found.values()]
        left |= _leave(root, files, [layout.VIDEO_FOLDER], videos, "video=false does not read it")
    if options.video:
        left |= {
            name: f"{len(videos)} face video{'s' * (len(videos) > 1)}, but no signals"
            for name, videos in files.videos.items()
            if name not in files.signals[source]
        }
    if options.faces == "drop":
        left |= {name: _NO_FILM for name in files.signals[source] if not files.videos_of(name)}
        missing = _find_missing(files, files.subjects(options))
        left |= {f"{_name_trials(trials)} of {unit}": _NO_FILM for unit, trials in missing.items()}
    return left


def _describe_copy(root: Path, other: Path, used: Path) -> str:
    """Which file is read instead of another, and whether it has the same bytes; the check refuses those that differ."""
    name = _relative(root, used)
    if other.suffix.lower() != used.suffix.lower():
        return f"{name} is read instead, which has another format and was not compared"
    try:
        return f"has the same bytes as {name}, which is read" if is_copy(other, used) else f"differs from {name}"
    except OSError:
        return f"cannot be compared with {name}"


def _leave(root: Path, files: DeapFiles, folders: Iterable[str], paths: Iterable[Path], why: str) -> Mapping[str, str]:
    """``why`` for those ``folders`` of DEAP that are there, and for the ``paths`` outside of them."""
    named = [files.folders[folder] for folder in folders if folder in files.folders]
    loose = [path for path in paths if not any(path.is_relative_to(folder) for folder in named)]
    return {_relative(root, path): why for path in [*named, *loose]}


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
