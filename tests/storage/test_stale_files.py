"""What a killed writer left goes with the next write into its folder; what a living one writes is not touched."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmbench.storage import locks
from mmbench.storage import stale_files as leftovers
from mmbench.storage.files import write_text, written_whole
from mmbench.storage.stale_files import hold_as_writer, hold_exclusively, is_stale, machine_id

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are locked on Unix")
WRITER = """
import sys
from pathlib import Path
from mmbench.storage.files import written_whole
with written_whole(Path(sys.argv[1])) as temporary:
    temporary.unlink()  # as writers do that put a file of their own there
    temporary.write_text("half")
    print("written", flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process that has looked through no folder yet."""
    monkeypatch.setattr(leftovers, "_cleaned", set())


@contextmanager
def writer(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process in the midst of writing a file."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        yield process
        process.communicate("\n")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kill_a_writer(path: Path) -> Path:
    with writer(path) as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL
    (left,) = path.parent.glob(f".part-*-{path.name}")
    return left


def test_what_a_killed_writer_left_is_gone_after_the_next_write(tmp_path: Path) -> None:
    left = kill_a_writer(tmp_path / "fold-0.json")
    assert is_stale(left.name)
    write_text(tmp_path / "fold-1.json", "x")
    assert names(tmp_path) == ["fold-1.json"]


def test_what_a_living_writer_writes_is_not_touched(tmp_path: Path) -> None:
    kill_a_writer(tmp_path / "fold-0.json")
    with writer(tmp_path / "fold-1.json") as process:
        # It removed what was left before it began.
        assert [name.split("-", 2)[-1] for name in names(tmp_path)] == ["fold-1.json"]
        write_text(tmp_path / "fold-2.json", "x")
        assert len(names(tmp_path)) == 2
        with hold_exclusively(tmp_path) as alone:
            assert not alone
    assert process.returncode == 0
    assert names(tmp_path) == ["fold-1.json", "fold-2.json"]
    assert (tmp_path / "fold-1.json").read_text() == "half"


def test_folder_is_searched_again_if_other_processes_wrote_into_it(tmp_path: Path) -> None:
    with writer(tmp_path / "a") as first:
        left = kill_a_writer(tmp_path / "b")
        write_text(tmp_path / "c", "x")
        assert left.exists()
    assert first.returncode == 0
    write_text(tmp_path / "d", "x")
    assert names(tmp_path) == ["a", "c", "d"]


def test_folder_is_searched_once_per_process(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x")
    left = kill_a_writer(tmp_path / "b")
    write_text(tmp_path / "c", "x")
    assert left.exists()


def test_foreign_files_and_folders_are_kept(tmp_path: Path) -> None:
    (tmp_path / f".part-{machine_id()}01234567-folder").mkdir()
    (tmp_path / f".part-{machine_id()}01234567-link").symlink_to("else")
    another = "0" * 8 if machine_id() != "0" * 8 else "1" * 8
    for name in (f".part-{another}01234567-x", ".part-01234567-x", f".part-{machine_id()}-x", ".part-x", "x.part"):
        (tmp_path / name).write_text("x")
    before = names(tmp_path)
    write_text(tmp_path / "x", "x")
    assert names(tmp_path) == sorted([*before, "x"])


def test_a_folder_that_cannot_be_locked_is_written_to_and_not_cleaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = kill_a_writer(tmp_path / "a")

    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with written_whole(tmp_path / "b") as temporary:
        temporary.write_text("x")
        assert not is_stale(temporary.name)
    assert left.exists()


def test_a_folder_that_another_program_holds_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.02)
    with hold_exclusively(tmp_path) as alone:
        assert alone
        with written_whole(tmp_path / "b") as temporary:
            temporary.write_text("x")
            assert not is_stale(temporary.name)  # who cleans next need not know of it
    assert names(tmp_path) == ["b"]


def test_no_process_holds_a_folder_after_a_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), hold_as_writer(tmp_path):
        raise ValueError("stop")
    write_text(tmp_path / "a", "x")
    with hold_exclusively(tmp_path) as alone:
        assert alone
