"""File types recognised by their first bytes, for errors that say why a reader cannot read a file."""

import errno
import re
import stat
from collections.abc import Collection
from pathlib import Path

from mmbench.errors import DataError

_HEAD = 512  # bytes that are read
_GET_FILE = "get the file itself"
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.github.com", "is a pointer of Git LFS, not the file itself", "run git lfs pull"),
    (b"/annex/objects/", "is a pointer of git-annex, not the file itself", "run git annex get"),
    (b"../.git/annex/", "is a pointer of git-annex, not the file itself", "run git annex get"),
    (b"\x1f\x8b", "is compressed by gzip", "unpack it with gunzip"),
    (b"\xfd7zXZ\x00", "is compressed by xz", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd", "unpack it with unzstd"),
    (b"PK\x03\x04", "is a ZIP archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "is a RAR archive", "unpack it"),
    (b"%PDF-", "is a PDF document", _GET_FILE),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file", _GET_FILE),
    (b"MATLAB 5.0 MAT-file", "is a MATLAB file of level 5", _GET_FILE),
    (b"\x93NUMPY", "is an array of NumPy", _GET_FILE),
    (b"SQLite format 3\x00", "is an SQLite database", _GET_FILE),
    (b"\x89PNG\r\n\x1a\n", "is a PNG image", _GET_FILE),
    (b"\xff\xd8\xff", "is a JPEG image", _GET_FILE),
    (b"\xffBIOSEMI", "is a BDF file", _GET_FILE),
)
_PATTERNS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb"BZh[1-9]1AY&SY"), "is compressed by bzip2", "unpack it with bunzip2"),
    (re.compile(rb".{257}ustar", re.DOTALL), "is a TAR archive", "unpack it"),
    (re.compile(rb"0 {7}.{160}\d\d\.\d\d\.\d\d\d\d\.\d\d\.\d\d", re.DOTALL), "is an EDF file", _GET_FILE),
)
_REMEDIES = {errno.EACCES: "change its permissions", errno.ENAMETOOLONG: "shorten its name"}
_PAGES = (b"<!doctype html", b"<html", b"<?xml")


def check_content(path: Path, *accepted: str) -> None:
    """Raise DataError if a file cannot be what a reader expects, with the reason.

    Recognised are missing, empty and unreadable files, folders, pointers of Git LFS and git-annex, HTML and XML pages,
    archives and other file formats. A reader of one of these formats passes the message about its own format in
    ``accepted``, such as ``"is a ZIP archive"``. Returns if none of these applies; the file may still be damaged.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise DataError(
                f"is a link to {path.readlink()}, which does not exist", where=path, remedy="fix or remove the link"
            ) from None
        raise DataError("is missing", where=path, remedy="put it there") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
        raise DataError(f"is {what}, not a file", where=path, remedy=_GET_FILE)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise _unreadable(path, error) from None
    if found := _recognise(head, accepted):
        raise DataError(found[0], where=path, remedy=found[1])


def _unreadable(path: Path, error: OSError) -> DataError:
    remedy = _REMEDIES.get(error.errno or 0, "check its disk")
    return DataError(f"cannot be read ({error.strerror})", where=path, remedy=remedy)


def _recognise(head: bytes, accepted: Collection[str]) -> tuple[str, str] | None:
    """What a file is by its first bytes, and the remedy; None if they are not recognised."""
    if not head:
        return "is empty", "get this file again"
    if not head.strip(b"\x00"):
        return "begins with zeros only, as an incomplete copy does", "get this file again"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES):
        what = "is an XML document" if text.startswith(b"<?xml") and b"<html" not in text else "is an HTML page"
        if what in accepted:
            return None
        return f"{what}, perhaps the response of a server instead of the file", "download it again"
    for start, what, remedy in _STARTS:
        if head.startswith(start) and what not in accepted:
            return what, remedy
    for pattern, what, remedy in _PATTERNS:
        if pattern.match(head) and what not in accepted:
            return what, remedy
    return None
