"""Downloads the files of a dataset: pinned by SHA-256, resumed after interruptions, present only when complete.

Not pooch 1.9: it gives each attempt of a downloader a new temporary file, so none can resume (for a file that broke off
halfway it fetched 1.5 times its bytes, this module 1.0 times, ``benchmarks/libraries.py``), and it pins no sizes.
"""

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from mmbench.contract import Download, Pin, check_pins
from mmbench.errors import DataError, SpecError
from mmbench.storage import check_free_space, current_reporter, file_digest, locked, make_folder, storage_errors, track

_TRIES = 4  # consecutive attempts without a byte
_PAUSE = 1.0  # seconds before the second attempt, doubled before each further one
_PATIENCE = 30.0  # timeout in seconds without a byte
_PIECE = 1 << 16  # bytes
_MB = 1_000_000
_BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def fetch(download: Download, folder: Path, source: str | None = None, name: str = "") -> int:
    """Download the missing files into ``folder`` and return their number.

    ``source`` is a folder or an address with the same paths as the publishers'. A partial file is kept when the
    download stops, and the next call resumes it. A file gets its name once it is complete and has the pinned SHA-256.
    Raises DataError for an existing file with other content, and if the source fails.
    """
    check_pins(download)
    base = _base(source, download)
    with locked(make_folder(folder) / "download"):
        there = [pin for pin in download.pins if (folder / pin.path).exists()]
        for pin in track(there, "checking files"):
            _check_there(folder / pin.path, pin)
        missing = [pin for pin in download.pins if pin not in there]
        check_free_space(folder / "download", sum(pin.size - _size(_partial(folder / pin.path)) for pin in missing))
        with _meter(f"getting {name} (MB)", sum(pin.size for pin in missing)) as count:
            for pin in missing:
                _fetch_file(base, pin, folder / pin.path, count)
    return len(missing)


def _base(source: str | None, download: Download) -> str | Path:
    """The address, ending in a slash, or the folder of the source."""
    if source is None:
        return download.url
    if source.startswith(("http://", "https://")):
        return source.rstrip("/") + "/"
    if "://" in source or not Path(source).is_dir():
        raise SpecError(f"{source} is neither a folder nor an http(s) address", where="--from")
    return Path(source)


def _check_there(path: Path, pin: Pin) -> None:
    if path.is_file() and path.stat().st_size == pin.size and file_digest(path) == pin.sha256:
        return
    message = "exists, but differs from the published file"
    raise DataError(message, where=path, remedy="move the file, or choose another folder with --to")


def _partial(path: Path) -> Path:
    """Path of the partial file."""
    return path.with_name(f".{path.name}.half")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _fetch_file(base: str | Path, pin: Pin, path: Path, count: Callable[[int], None]) -> None:
    make_folder(path.parent)
    partial = _partial(path)
    resumed = 0 < _size(partial) <= pin.size
    if not resumed:
        partial.unlink(missing_ok=True)
    _fill(base, pin, partial, count)
    if file_digest(partial) != pin.sha256:
        partial.unlink()
        if resumed:
            # The resumed part may be from another source.
            count(-pin.size)
            return _fetch_file(base, pin, path, count)
        raise DataError(
            "is not the published file: its SHA-256 differs",
            where=_place(base, pin),
            remedy="name another copy with --from, or report this to the authors of the dataset's plugin",
        )
    with storage_errors(path):
        partial.replace(path)
    return None


def _fill(base: str | Path, pin: Pin, partial: Path, count: Callable[[int], None]) -> None:
    """Download the rest of a partial file, and reconnect where the connection breaks off."""
    count(_size(partial))
    failures = 0
    while (before := _size(partial)) < pin.size or not partial.exists():
        reason = "the connection broke off"
        try:
            _append(base, pin, partial, count)
        except _BROKEN as error:
            reason = str(getattr(error, "reason", "")) or str(error) or type(error).__name__
        if _size(partial) > before:
            failures = 0
            continue
        failures += 1
        if failures == _TRIES:
            remedy = "check the network and run this again to resume, or name a copy with --from"
            raise DataError(f"cannot be fetched ({reason})", where=_place(base, pin), remedy=remedy)
        time.sleep(_PAUSE * 2 ** (failures - 1))


def _append(base: str | Path, pin: Pin, partial: Path, count: Callable[[int], None]) -> None:
    """Append what one connection delivers of the rest."""
    with _opened(base, pin, _size(partial)) as (stream, start), storage_errors(partial), partial.open("ab") as file:
        if start < file.tell():
            count(-file.tell())
            file.truncate(0)
        left = pin.size - start
        while left and (piece := stream.read(min(_PIECE, left))):
            file.write(piece)
            left -= len(piece)
            count(len(piece))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(base: str | Path, pin: Pin, offset: int) -> Iterator[tuple[IO[bytes], int]]:
    """A stream of the file and its first byte: ``offset`` if the server supports ranges, else 0."""
    if isinstance(base, Path):
        with _opened_copy(base / pin.path, pin) as file:
            file.seek(offset)
            yield file, offset
        return
    headers = {"User-Agent": "mmbench", "Accept-Encoding": "identity"}
    request = urllib.request.Request(_place(base, pin), headers=headers | _range(offset))
    try:
        response = urllib.request.urlopen(request, timeout=_PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code >= 500 or error.code == 429:
            raise ConnectionError(f"{error.code} {error.reason}") from error
        raise DataError(
            f"the server answers {error.code} {error.reason}",
            where=_place(base, pin),
            remedy="name a folder or mirror that has it with --from",
        ) from error
    with response:
        start, total = _extent(response)
        _check_size(total, pin, _place(base, pin))
        if start not in (0, offset):
            raise ConnectionError(f"the server sends bytes from {start} on instead of {offset}")
        yield response, start


def _range(offset: int) -> dict[str, str]:
    return {"Range": f"bytes={offset}-"} if offset else {}


def _opened_copy(path: Path, pin: Pin) -> IO[bytes]:
    try:
        _check_size(path.stat().st_size, pin, str(path))
        return path.open("rb")
    except OSError as error:
        remedy = "name a folder or mirror that has it with --from"
        raise DataError(error.strerror or str(error), where=path, remedy=remedy) from error


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of a response in the file, and the size of the complete file, None if the server does not say."""
    if response.status == http.client.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d{1,15})-\d+/(\d{1,15}|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            raise ConnectionError("the server sends a part without its range")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,15}", length) else None


def _check_size(size: int | None, pin: Pin, place: str) -> None:
    if size not in (None, pin.size):
        message = f"is not the published file: it has {size} bytes, not {pin.size}"
        raise DataError(message, where=place, remedy="name another copy with --from")


def _place(base: str | Path, pin: Pin) -> str:
    return str(base / pin.path) if isinstance(base, Path) else base + quote(pin.path)


@contextmanager
def _meter(label: str, n_bytes: int) -> Iterator[Callable[[int], None]]:
    """A function that counts bytes on a progress bar in MB."""
    bars = current_reporter()
    key = bars.start(label, max(1, n_bytes // _MB))
    done = shown = 0

    def count(more: int) -> None:
        nonlocal done, shown
        done += more
        while (shown + 1) * _MB <= done:
            shown += 1
            bars.advance(key)

    try:
        yield count
    finally:
        bars.finish(key)
