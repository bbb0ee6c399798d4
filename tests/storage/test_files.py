"""Files are whole or not there; a full disk and a closed folder are one clear line."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench import StorageError
from mmbench.registry.source_digest.component_code import code_digest
from mmbench.storage.files import (
    ignore_unwritable,
    is_in_use,
    is_lock_held,
    lock_for,
    locked,
    make_folder,
    mark_in_use,
    storage_errors,
    write_text,
    written_whole,
)
from mmbench.storage.hashing import FileDigests, canonical_json, digest
from mmbench.storage.progress import SilentReporter, use_reporter


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with written_whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_left_of_a_block_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")

    def fail() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_while_it_is_written_again_reads_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "before")
    with path.open() as reader:
        write_text(path, "after")
        assert reader.read() == "before"
    assert path.read_text() == "after"


def test_file_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "file.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o644


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk(code: int, tmp_path: Path) -> None:
    def fill() -> None:
        with written_whole(tmp_path / "file.h5") as temporary:
            temporary.write_text("half")
            raise OSError(code, os.strerror(code))

    with pytest.raises(StorageError, match="the disk is full") as caught:
        fill()
    assert caught.value.where == str(tmp_path / "file.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_file_that_only_saves_time_may_remain_unwritten(code: int, tmp_path: Path) -> None:
    with ignore_unwritable(), written_whole(tmp_path / "note.json"):
        raise OSError(code, os.strerror(code))
    with pytest.raises(OSError, match="Input/output"), ignore_unwritable():
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_device_that_is_really_full() -> None:
    def fill() -> None:
        with storage_errors(Path("/dev/full")):
            Path("/dev/full").write_text("x")

    with pytest.raises(StorageError, match="the disk is full"):
        fill()


def test_other_system_errors_are_passed_through(tmp_path: Path) -> None:
    def read() -> None:
        with storage_errors(tmp_path):
            (tmp_path / "gone").read_text()

    with pytest.raises(FileNotFoundError):
        read()


@pytest.mark.skipif(sys.platform != "linux", reason="/sys takes no new folders, even from root")
def test_a_closed_folder() -> None:
    closed = Path("/sys/mmbench")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        make_folder(closed)
    assert str(closed) in caught.value.line
    with pytest.raises(StorageError, match="cannot be written"):
        write_text(closed / "x.json", "x")
    with pytest.raises(StorageError, match="cannot be written"), locked(closed.parent / "file"):
        pass


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(StorageError, match="cannot be written"):
            make_folder(folder)


def hold(path: Path) -> "subprocess.Popen[str]":
    """A process that makes ``path`` until it is told to end."""
    code = f"""
from pathlib import Path
from mmbench.storage.files import locked
with locked(Path({str(path)!r})):
    print("held", flush=True)
    input()
    Path({str(path)!r}).write_text("made")
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


class Listener(SilentReporter):
    """Ends the process that is waited for as soon as the waiting is told."""

    def __init__(self, end: Callable[[], object]) -> None:
        self.messages: list[str] = []
        self.end = end

    def message(self, text: str) -> None:
        self.messages.append(text)
        self.end()


def test_waiting_process_reports_and_reuses_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.storage.files._PATIENCE", 0.05)
    path = tmp_path / "tokens.h5"
    with hold(path) as process:
        assert process.stdin is not None
        listener = Listener(lambda: process.stdin.write("\n") and process.stdin.flush())  # type: ignore[union-attr]
        with use_reporter(listener), locked(path):
            assert path.read_text() == "made"
    assert listener.messages == ["waiting for another process that makes tokens.h5"]


def test_a_lock_ends_with_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.storage.files._PATIENCE", 0.05)
    path = tmp_path / "tokens.h5"
    with hold(path) as process:
        assert is_lock_held(lock_for(path))
        listener = Listener(process.kill)
        with use_reporter(listener), locked(path):
            assert not path.exists()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(listener.messages) == 1
    assert not is_lock_held(lock_for(path))
    with locked(path):  # what a killed process left does not keep the next one waiting
        assert len(listener.messages) == 1


def test_a_cache_is_used_while_a_process_lives(tmp_path: Path) -> None:
    assert not is_in_use(tmp_path)
    with mark_in_use(tmp_path), mark_in_use(tmp_path):
        assert is_in_use(tmp_path)
    assert not is_in_use(tmp_path)
    with hold(tmp_path / "x"):
        assert not is_in_use(tmp_path)


def test_equal_values_have_equal_digests(tmp_path: Path) -> None:
    assert canonical_json({"b": (1, 2), "a": Path("x")}) == '{"a":"x","b":[1,2]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    with pytest.raises(TypeError, match="object has no canonical JSON"):
        digest(object())


def test_digests_follow_the_content(tmp_path: Path) -> None:
    file, memory = tmp_path / "data.bin", tmp_path / "digests.json"
    file.write_bytes(b"one")
    digests = FileDigests(memory)
    first = digests(file)
    digests.save()
    file.write_bytes(b"three")
    assert FileDigests(memory)(file) != first
    file.write_bytes(b"one")
    os.utime(file, ns=(1, 1))
    assert FileDigests(memory)(file) == first


def test_a_file_that_was_replaced_behind_its_times_is_read_again(tmp_path: Path) -> None:
    file, memory = tmp_path / "data.bin", tmp_path / "digests.json"
    file.write_bytes(b"one")
    before = file.stat()
    digests = FileDigests(memory)
    first = digests(file)
    digests.save()
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert FileDigests(memory)(file) != first


def test_a_digest_is_remembered_and_a_damaged_memory_is_not_believed(tmp_path: Path) -> None:
    file, memory = tmp_path / "data.bin", tmp_path / "digests.json"
    file.write_bytes(b"one")
    digests = FileDigests(memory)
    true = digests(file)
    digests.save()
    known = json.loads(memory.read_text())
    known[str(file.resolve())][3] = "remembered"
    memory.write_text(json.dumps(known))
    assert FileDigests(memory)(file) == "remembered"
    for text in ('{"half', "[]", json.dumps({str(file.resolve()): None})):
        memory.write_text(text)
        assert FileDigests(memory)(file) == true


def test_code_digest_depends_on_sources() -> None:
    from mmbench.builtin.fusions.prior import Prior
    from mmbench.contract.types import Card

    assert code_digest(Prior) == code_digest(Prior) != code_digest(Card)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system in which no folder can be created")
def test_folder_where_none_can_be_created_is_an_error_of_one_line() -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        make_folder(Path("/proc/none/runs"))
    with pytest.raises(StorageError, match="cannot be written"):
        write_text(Path("/proc/none/text"), "x")
