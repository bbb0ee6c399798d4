"""The kind of a file is detected from its content and named in the error."""

import bz2
import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError, check_content


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"), io.BytesIO())
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("x", "y")
    return out.getvalue()


def array() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (bytes(1000), "zeros only"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "pointer of Git LFS.*git lfs pull"),
        (b"/annex/objects/MD5E-s1--0.edf\n", "pointer of git-annex"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html>404</html>", "is an HTML page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is an XML document"),
        (gzip.compress(b"data", mtime=0), "compressed by gzip"),
        (bz2.compress(b"data"), "compressed by bzip2"),
        (b"0".ljust(168) + b"01.01.0101.01.01", "is an EDF file"),
        (archive(), "is a ZIP archive"),
        (tar(), "is a TAR archive"),
        (array(), "is an array of NumPy"),
    ],
)
def test_error_names_the_kind_of_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"x\.edf: .*{message}"):
        check_content(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name, message in {
        "gone": "is missing",
        "link": "is a link to nowhere, which does not exist",
        "pipe": "is a device or pipe",
        ".": "is a folder",
    }.items():
        with pytest.raises(DataError, match=message):
            check_content(tmp_path / name)


def test_a_name_that_is_too_long_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"File name too long\) — shorten its name"):
        check_content(tmp_path / ("x" * 300))


def test_a_readers_own_format_and_unknown_bytes_pass(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(archive())
    check_content(path, "is a ZIP archive")
    for text in (b"1, 2, 3\n", b"0       1       2\n", b"BZhang,3\n"):
        path.write_bytes(text)
        check_content(path)


def test_a_reader_of_xml_accepts_documents_but_no_page(tmp_path: Path) -> None:
    path = tmp_path / "session.xml"
    path.write_bytes(b"<?xml version='1.0'?><session/>")
    check_content(path, "is an XML document")
    path.write_bytes(b"<?xml version='1.0'?><html/>")
    with pytest.raises(DataError, match="is an HTML page, perhaps the response of a server"):
        check_content(path, "is an XML document")
