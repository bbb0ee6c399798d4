"""Submissions to a leaderboard: runs packed for a pull request, with a manifest of who made them and their digests."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from mmbench import __version__
from mmbench.data import FOLDS_FILE
from mmbench.errors import RecordError, SpecError, StorageError
from mmbench.reporting.leaderboards.boards import (
    AUDIT,
    Board,
    add_audit,
    add_runs,
    board_folder,
    load_board,
    matching_audit,
)
from mmbench.reporting.leaderboards.consistency import check_board
from mmbench.results import Comparison, find_records, load_comparison
from mmbench.storage import (
    check_printable,
    describe_parse_error,
    file_digest,
    load_object,
    make_folder,
    storage_errors,
    write_text,
    written_whole,
)
from mmbench.workflows import is_audit, load_audit

MANIFEST = "submission.json"
_FORMAT = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a ZIP file can hold: the same files give the same archive


@dataclass(frozen=True)
class Submitter:
    """Who submits runs, what they are, under which licence, and where they are described."""

    who: str
    licence: str
    what: str = ""
    url: str = ""


@dataclass(frozen=True)
class Manifest(Submitter):
    """The manifest of one run: ``digests`` has the SHA-256 of each of its records, by file name.

    ``command`` is the command of its comparison, None where its file holds none.
    """

    format: int = _FORMAT
    mmbench: str = ""
    method: str = ""
    elsewhere: bool = False
    command: str | None = None
    digests: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Submission:
    """A packed submission: the board that it is for, its runs by name, and its files below the leaderboards."""

    path: Path
    board: str
    runs: tuple[str, ...]
    files: tuple[str, ...]


def pack_submission(
    path: Path, root: Path, out: Path, submitter: Submitter, cache: Path, board: str | None = None
) -> Submission:
    """Pack the runs of ``path`` that a board lacks into the folder or ZIP file ``out``, to be unpacked over ``root``.

    They are verified together with the board, if it is there. Raises RecordError for runs that do not belong on the
    board or contradict their splits, data or each other.
    """
    _check_submitter(submitter)
    _check_free(out)
    comparison = load_comparison(path)
    target = board_folder(comparison, root)
    place = target.relative_to(root)
    if board is not None and Path(board) != place:
        raise SpecError(f"these runs belong on {place.as_posix()}", where=f"--board {board}", remedy="leave it out")
    with TemporaryDirectory() as temporary:
        work = Path(temporary) / "leaderboards"
        if target.is_dir():
            copytree(target, work / place)
        _add(path, comparison, work, work / place)
        _write_manifests(comparison, work / place, target, submitter)
        changed = {file: work / file for file in _files(work) if not _is_same(work / file, root / file)}
        if not any(Path(file).name.startswith("fold-") for file in changed):
            raise RecordError("has no run that the board lacks", where=path, remedy="submit other runs")
        added = load_board(work / place)
        if faults := check_board(added, cache):
            raise RecordError(faults[0], where=path, remedy="run the same command again, and submit its records")
        _write(changed, out)
        folders = {Path(file).parent.name for file in changed}
        runs = tuple(method.name for method in added.comparison.methods if method.folder.name in folders)
    return Submission(out, place.as_posix(), runs, tuple(sorted(changed)))


def _check_submitter(submitter: Submitter) -> None:
    for name, text in asdict(submitter).items():
        if name in ("who", "licence") and not text.strip():
            raise SpecError("is empty", where=f"--{name}", remedy="a submission needs it")
        try:
            check_printable(text)
        except ValueError as error:
            raise SpecError(f"cannot be written: {error}", where=f"--{name}", remedy="leave them out") from error


def _check_free(out: Path) -> None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise StorageError("is there already", where=out, remedy="delete it, or give another --out")


def _add(path: Path, comparison: Comparison, work: Path, folder: Path) -> None:
    """Put the runs onto the board in ``work``, and the audit of its protocol that is beside them."""
    add_runs(path, work)
    if not (folder / AUDIT).exists() and (audit := _find_audit(comparison)):
        add_audit(audit, work)


def _find_audit(comparison: Comparison) -> Path | None:
    """The audit of the same splits in the folder of the runs or the one above."""
    home = comparison.methods[0].folder.parent
    paths = (path for folder in (home, home.parent) for path in sorted(folder.glob("audit-*.json")) if is_audit(path))
    return next((path for path in paths if matching_audit(load_audit(path), comparison)), None)


def _write_manifests(comparison: Comparison, folder: Path, target: Path, submitter: Submitter) -> None:
    try:
        command = load_object(comparison.path).get("command")
    except (OSError, ValueError):
        command = None
    for method in comparison.methods:
        run = folder / method.folder.name
        if all(_is_same(record, target / run.name / record.name) for record in find_records(run)):
            continue
        manifest = Manifest(
            **asdict(submitter),
            mmbench=__version__,
            method=str(method.run["method"]),
            elsewhere=method.is_elsewhere,
            command=command if isinstance(command, str) else None,
            digests={record.name: file_digest(record) for record in find_records(run)},
        )
        write_text(run / MANIFEST, json.dumps(asdict(manifest), indent=1) + "\n")


def _files(folder: Path) -> Iterator[str]:
    """The files of a submission, but for pages, which the board's own command builds."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.name in (FOLDS_FILE, AUDIT, MANIFEST) or path.name.startswith("fold-")):
            yield path.relative_to(folder).as_posix()


def _is_same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _write(files: Mapping[str, Path], out: Path) -> None:
    if out.suffix == ".zip":
        with storage_errors(out), written_whole(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, path in sorted(files.items()):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, path.read_bytes())
        return
    for name, path in files.items():
        make_folder((out / name).parent)
        with written_whole(out / name) as temporary:
            temporary.write_bytes(path.read_bytes())


def read_manifest(run: Path) -> Manifest | None:
    """The manifest of a run of a board; None without one, RecordError for a damaged one."""
    from pydantic import TypeAdapter, ValidationError

    path = run / MANIFEST
    if not path.exists():
        return None
    try:
        plain = load_object(path)
        check_printable(plain)
        found = TypeAdapter(Manifest).validate_python(plain)
        if found.format != _FORMAT or not found.digests or not (found.who.strip() and found.licence.strip()):
            raise ValueError("it lacks who, licence or digests")
    except (OSError, ValueError, ValidationError) as error:
        raise RecordError(
            f"is not a manifest ({describe_parse_error(error)})",
            where=path,
            remedy="pack the run again with mmbench leaderboard submit",
        ) from error
    return found


def check_manifests(board: Board) -> Iterator[str]:
    """Records that are not those of their manifest, a line each."""
    for method in board.comparison.methods:
        try:
            manifest = read_manifest(method.folder)
        except RecordError as error:
            yield error.line
            continue
        found = {path.name: file_digest(path) for path in find_records(method.folder)}
        if manifest and found != manifest.digests:
            listed = dict(manifest.digests or {})
            name = min(name for name in {*found, *listed} if found.get(name) != listed.get(name))
            yield f"{method.folder.name}/{name} is not the record that {MANIFEST} names"


def submission_lines(board: Board) -> Iterator[str]:
    """Who submitted which run, under which licence."""
    for method in board.ranked:
        if manifest := read_manifest(method.folder):
            about = "; ".join(text for text in (manifest.what, manifest.url, f"licence {manifest.licence}") if text)
            yield f"{method.name}: submitted by {manifest.who}; {about}"
