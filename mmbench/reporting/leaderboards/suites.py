"""Suites on leaderboards: a folder with a board for each dataset of a suite, and the file that lists them.

``ROOT/suites/<suite>/`` holds ``suite-<suite>.json`` with what the suite says and the methods it ranks, and a board
``<dataset>/<protocol>/<task>/`` for each of its datasets.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.registry import join_list, parse_spec
from mmbench.reporting.leaderboards.boards import (
    SUITES,
    Board,
    board_folder,
    check_addition,
    copy_runs,
    find_boards_in,
)
from mmbench.results import Comparison, load_comparison
from mmbench.storage import join_words, slug, write_text
from mmbench.workflows import (
    ListedDataset,
    SuiteFile,
    SuiteResult,
    load_suite_result,
    make_suite_result,
    read_suite_file,
)


@dataclass(frozen=True)
class RankedSuite:
    """A suite on leaderboards: its folder, its results, and its boards by the names of datasets in the suite."""

    folder: Path
    result: SuiteResult
    boards: Mapping[str, Board]

    @property
    def label(self) -> str:
        """Name and version of the suite."""
        return self.result.file.label

    def path_of(self, dataset: str) -> str:
        """The path of a board relative to the folder of the suite, with slashes."""
        return self.boards[dataset].folder.relative_to(self.folder).as_posix()


def find_suites_in(root: Path) -> list[Path]:
    """The folders of all suites under ``root``, by name."""
    return sorted(path for path in (root / SUITES).glob("*") if suite_file(path).is_file())


def suite_file(folder: Path) -> Path:
    """The file that lists the boards of a suite."""
    return folder / f"suite-{folder.name}.json"


def load_ranked_suite(folder: Path, boards: Iterable[Board]) -> RankedSuite:
    """The suite in a folder, with its boards among ``boards``; RecordError if its file is damaged or lacks a board."""
    file, loaded = read_suite_file(suite_file(folder)), {board.folder: board for board in boards}
    if slug(file.label) != folder.name:
        raise RecordError(
            f"is of {file.label}, in the folder of {folder.name}",
            where=suite_file(folder),
            remedy="add the results of the suite again",
        )
    mine = {}
    for each in file.datasets:
        if each.comparison:
            if folder / each.comparison not in loaded:
                raise RecordError(
                    f"lists {each.comparison}, which is no board",
                    where=suite_file(folder),
                    remedy="add the results of the suite again",
                )
            mine[each.name] = loaded[folder / each.comparison]
    comparisons = {name: board.comparison for name, board in mine.items()}
    return RankedSuite(folder, make_suite_result(suite_file(folder), file, comparisons), mine)


def add_suite(path: Path, root: Path) -> Path:
    """Copy the records of a suite's results onto its boards, and list its methods; the folder of the suite.

    Methods that are there stay. Raises RecordError if a dataset failed, the suite there has another content, or runs
    do not belong on its boards; nothing is copied then.
    """
    result = load_suite_result(path)
    home = root / SUITES / slug(result.file.label)
    if result.failed:
        raise RecordError(
            f"{', '.join(result.failed)} failed", where=path, remedy="run the same command again, which completes it"
        )
    if not result.comparisons:
        raise RecordError("holds no comparison", where=path, remedy="run the suite on a dataset that is at hand")
    earlier = _read_earlier(home, result.file)
    comparisons = {name: load_comparison(each.path) for name, each in result.comparisons.items()}
    places = {name: board_folder(each, home, name) for name, each in comparisons.items()}
    for name, comparison in comparisons.items():
        _check_methods(path, check_addition(comparison, places[name]))
    for name, comparison in comparisons.items():
        copy_runs(comparison, places[name])
    merged = _merge(earlier, result.file, {name: place.relative_to(home) for name, place in places.items()})
    write_text(suite_file(home), json.dumps(asdict(merged), indent=1) + "\n")
    return home


def _read_earlier(home: Path, new: SuiteFile) -> SuiteFile | None:
    if not suite_file(home).exists():
        return None
    earlier = read_suite_file(suite_file(home))
    if earlier.digest != new.digest:
        raise RecordError(
            f"is {new.label} with another content than the results to add",
            where=suite_file(home),
            remedy="give the changed suite another version",
        )
    return earlier


def _check_methods(path: Path, board: Comparison) -> None:
    """Raise RecordError if a method has two runs, of which a rank could not say which one it is of."""
    names = [str(each.run["method"]) for each in board.methods]
    for name in names:
        if names.count(name) > 1:
            raise RecordError(
                f"{name} is on the board {board.path.name} with other settings or code",
                where=path,
                remedy=f"delete one of the two runs: {', '.join(_folders_of(board, name))}",
            )


def _folders_of(board: Comparison, name: str) -> list[str]:
    return [each.folder.name for each in board.methods if each.run["method"] == name]


def _merge(earlier: SuiteFile | None, new: SuiteFile, places: Mapping[str, Path]) -> SuiteFile:
    """The file with the methods and datasets of both; ``places`` are the new boards by dataset."""
    placed = {each.name: _place(each, places) for each in new.datasets}
    if earlier is None:
        return replace(new, datasets=tuple(placed.values()))
    methods = tuple(dict.fromkeys([*earlier.methods, *new.methods]))
    datasets = [_merge_dataset(each, placed[each.name]) for each in earlier.datasets]
    return replace(new, methods=methods, datasets=tuple(datasets), command=_command_of(new, methods))


def _place(each: ListedDataset, places: Mapping[str, Path]) -> ListedDataset:
    return replace(each, comparison=places[each.name].as_posix()) if each.name in places else each


def _merge_dataset(earlier: ListedDataset, new: ListedDataset) -> ListedDataset:
    known = new if new.comparison or not earlier.comparison else earlier
    return replace(known, not_applicable={**earlier.not_applicable, **new.not_applicable})


def _command_of(file: SuiteFile, methods: tuple[str, ...]) -> str:
    """The command of a file with ``methods`` in the place of its own."""
    words = shlex.split(file.command)
    words[words.index("--methods") + 1] = join_list(methods)
    return join_words(words)


def check_suite(suite: RankedSuite) -> Iterator[str]:
    """What contradicts the suite on its boards, a line each: runs it does not list, and settings it does not have."""
    file, name_of_file = suite.result.file, suite_file(suite.folder).name
    boards = {board.folder for board in suite.boards.values()}
    for folder in find_boards_in(suite.folder):
        if folder not in boards:
            yield f"{folder.relative_to(suite.folder).as_posix()} is no board that {name_of_file} lists"
    for name, board in suite.boards.items():
        runs = [str(method.run["method"]) for method in board.comparison.methods]
        for run in dict.fromkeys(runs):
            if run not in file.methods:
                yield f"{name}: {run} is not a method that {name_of_file} lists"
            if runs.count(run) > 1:
                yield f"{name}: {run} has {runs.count(run)} runs"
        yield from (f"{name}: {line}" for line in _check_settings(board, file.content["datasets"][name]))


def _check_settings(board: Board, settings: Mapping[str, object]) -> Iterator[str]:
    """Runs whose dataset, task, protocol, metric, seeds or tuning are not those of the suite."""
    for method in board.comparison.methods:
        run = method.run
        tuning = run.get("tuning")
        found: Mapping[str, object] = {
            "dataset": str(parse_spec(run["dataset"])),
            "task": run["task"],
            "protocol": run["protocol"],
            "metric": method.metric,
            "seeds": len(method.seeds),
            "tune": tuning["trials"] if tuning else 0,
        }
        for key, value in found.items():
            wanted = settings.get(key, 0 if key == "tune" else value)
            if wanted != value:
                yield f"{method.name} has {key} {value}, the suite {wanted}"
