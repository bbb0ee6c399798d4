"""A change of any byte of a checksummed file is found, and its footer says what it was made from."""

import os
from pathlib import Path

import numpy as np
import pytest

from mmbench.errors import DamagedError
from mmbench.storage.checksum_footer import Extent, read_footer, write_footer
from mmbench.storage.checksums import ChecksummedFile
from mmbench.storage.damage import DAMAGED_SUFFIX, file_identity, rename_damaged, retry_on_damage
from mmbench.storage.progress import SilentReporter, use_reporter

MADE_FROM = {"dataset": {"name": "x"}, "format": 1}
HEAD, LARGE, BETWEEN = b"head" * 10, bytes(range(256)) * 9000, b"between"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two large parts, the first of several blocks."""
    path = tmp_path / "file.h5"
    path.write_bytes(HEAD + LARGE + BETWEEN + LARGE[:999])
    first = Extent(len(HEAD), len(LARGE))
    write_footer(path, "tokens", MADE_FROM, [first, Extent(first.start + first.size + len(BETWEEN), 999)])
    return path


def read_all(path: Path) -> None:
    ChecksummedFile(path).check_all()


def flip(path: Path, at: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)


def test_footer_holds_the_parts_of_the_key(path: Path) -> None:
    read_all(path)
    footer = read_footer(path)
    assert footer is not None
    assert (footer.kind, footer.made_from, footer.size) == ("tokens", MADE_FROM, len(HEAD + LARGE + BETWEEN) + 999)
    assert [len(blocks) for blocks in footer.blocks] == [3, 1]


@pytest.mark.parametrize("share", np.linspace(0, 0.9999, 40))
def test_a_flipped_bit_is_found_wherever_it_is(path: Path, share: float) -> None:
    flip(path, int(share * path.stat().st_size), bit=int(share * 1000) % 8)
    with pytest.raises(DamagedError):
        read_all(path)


@pytest.mark.parametrize("from_end", range(1, 60))
def test_the_seal_itself_is_checked(path: Path, from_end: int) -> None:
    flip(path, path.stat().st_size - from_end)
    with pytest.raises(DamagedError, match="incomplete or has another version"):
        ChecksummedFile(path)
    assert read_footer(path) is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_file_and_a_longer_one_are_refused(path: Path, share: float) -> None:
    content = path.read_bytes()
    for spoilt in (
        content[: int(share * len(content))],
        content[int(share * len(content)) + 1 :],
        content + b"x",
    ):
        path.write_bytes(spoilt)
        with pytest.raises(DamagedError):
            ChecksummedFile(path)


def test_only_read_files_are_compared(path: Path) -> None:
    flip(path, len(HEAD) + (1 << 20) + 5)  # in the second block
    part = ChecksummedFile(path).checked(len(HEAD))
    part.check(iter([(0, 10), ((1 << 20) - 10, 1 << 20), (2 << 20, (2 << 20) + 1)]))
    with pytest.raises(DamagedError, match=r"file\.h5: is damaged .* renamed to file\.h5\.damaged"):
        part.check(iter([((1 << 20) - 1, (1 << 20) + 1)]))
    assert not path.exists()
    assert path.with_name(path.name + DAMAGED_SUFFIX).exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_is_cut_short_while_it_is_mapped(path: Path, share: float) -> None:
    part = ChecksummedFile(path).checked(len(HEAD))
    part.check(iter([(0, len(LARGE))]))
    os.truncate(path, len(HEAD) + int(share * len(LARGE)))
    with pytest.raises(DamagedError, match=r"is damaged \(it was truncated while it was open\)"):
        part.check(iter([(0, 10)]))
    assert not path.exists()
    assert path.with_name(path.name + DAMAGED_SUFFIX).exists()


def test_what_took_the_place_of_one_that_is_cut_short_stays(path: Path) -> None:
    part, content = ChecksummedFile(path).checked(len(HEAD)), path.read_bytes()
    path.replace(path.with_name("elsewhere"))
    path.write_bytes(content)
    os.truncate(path.with_name("elsewhere"), 5)
    with pytest.raises(DamagedError, match="truncated"):
        part.check(iter([(0, 10)]))
    assert path.read_bytes() == content


def test_a_file_that_was_made_again_is_not_renamed(path: Path) -> None:
    before = file_identity(path)
    content = path.read_bytes()
    path.replace(path.with_name("elsewhere"))
    path.write_bytes(content)
    rename_damaged(path, "late", before)
    assert path.exists()
    rename_damaged(path, "now", file_identity(path))
    assert not path.exists()


def test_work_that_finds_damage_is_done_again_once_a_file(path: Path) -> None:
    calls: list[int] = []

    def work(faults: int) -> int:
        calls.append(1)
        if len(calls) <= faults:
            raise DamagedError("is damaged", where=path if len(calls) < 3 else "other")
        return 7

    with use_reporter(SilentReporter()):
        assert retry_on_damage(lambda: work(1)) == 7
        assert len(calls) == 2
        calls.clear()
        with pytest.raises(DamagedError):
            retry_on_damage(lambda: work(9))
        assert len(calls) == 2
