"""A frame is taken at its time stamp: films of variable rate, with frames lost, an edit list or B-frames."""

import base64
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmbench import DataError
from mmbench.data.video_frames import is_video_truncated, iter_video_frames

SIDE = 32
# Five frames a second for 30 s, then 45.
VARIABLE = (*(at / 5 for at in range(150)), *(30 + at / 45 for at in range(1350)))
# An AVI file, deflated: 24 frames at 8 a second, of grey 20, 30, ... 250, with two B-frames in a row (PyAV:
# ``add_stream("mpeg4", rate=8)``, ``codec_context.max_b_frames = 2``).
B_FRAMES = """
eNrtWV9IU1EY/+68K/+MnH+i2QoHIUwImSY6QYoeOrZay9KijCDbbTrxJjgZQSNnltNARlo4mWFPUS8hRhuFYigMCtEeejMUfMgeAhEfVCrqnHvv
9NzZU+7N89u5937fOb/v+318u5yHcy/aEGo7BHDyss1kt9XU/sgCaBRam+u97kYrAJz+zkEc+jQAg2LLs3ow4bsJtoPkeqIH8LS1NuNLyuV1Cx50
rrqU5pE8qYpNcjvw9Qcjvm7CPxzvMmPbrGiZpDgDSLl027XPXHKcNWBtXvEtFsEJDAwMDAwMDAwMDAwMDAwMuwrkfIDnAFoEsRmPxvVd3AtyTnMQ
P20OdN5Wg2r3kbl6r6uspKgYD0uJ1K31FPbWMDDs1h3iEw8gtnjd5CTVIc1yIyv49vZVjnyEy5lSv/SmwimO53P1J7A/ijcRJ95ESqzSJgLcG9Dv
xY9IVgdK37MQm7sHMKlYSch6oCOW8ULOOoVki2QtlLNG+u9n+z4c1eAxG9L6r2j91wBuZsrm1VUYycCjHeiIpyTCrPGbNcGQFqq1UCNHEPPCKjxP
x0OO2GHlhzvREfGXGF0GiCkWyVqg1DHY2eebskwf082GXHld9WEAZ1CyBld1ZF6uwaiwww+yfV+XrBvvZjwAQmZ4aCm/vGImKXUWTjqL5tbnWhYA
PqLr0ZXIwgStPPywzze/NrYxvnwX4FYwPL82XD6+rK7u5VTa8dueIVxhBYBLXZ39v6urIqnzuqrEid7Ib4Bp2SA5dfH/MtA/AdAQpWsZCPRtdaoh
mKROSbXkB2Ki1B+AWSRudipeTbgnB6+4y+m5Zz2kQnd0Z+oBkmp/NypV3qfPikUrPX5E1JtU6v3U3A7Vjd2oclO9cpv6wD/UB5Onnt+NDOF2o/iT
qMuWqsuKklu4U+zn5O9CepC/ExHluF9H+SRyBF+FlL9I+YSfy6n5TdgvoPwQ9o0UfyyBn63ZWid+mUbNr8O+nVp/jX0d5U8m8L9p1PkrU9T8ason
fCFFzX+fwJ9J4C8m8K28mm/n1fwbvJofUdb/Auxqqmc=
"""


def picture(time: float) -> bytes:
    """A JPEG whose grey tells the time of the film: 40 + 3 × second."""
    _, coded = cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), round(40 + 3 * time), np.uint8))
    return bytes(coded)


def times_shown(path: Path, wanted: Sequence[float]) -> dict[float, float]:
    """By wanted time, the time that the frame shown then was made for."""
    return {wanted[place]: (float(frame.mean()) - 40) / 3 for place, frame in iter_video_frames(path, wanted)}


# ---- QuickTime


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def full(name: bytes, *numbers: int) -> bytes:
    return box(name, bytes(4), struct.pack(f">{len(numbers)}I", *numbers))


MATRIX = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def write_mov(path: Path, times: Sequence[float], last_s: float = 0.1, skip_s: float = 0.0, tail: bool = True) -> None:
    """Motion JPEG whose frames last until the next; an edit list skips the first ``skip_s``.

    The index follows the pictures, or goes before them without ``tail``.
    """
    pictures = [picture(time) for time in times]
    stamps = [round(1000 * time) for time in (*times, times[-1] + last_s)] if last_s else [0] * (len(times) + 1)
    durations = [after - before for before, after in pairwise(stamps)]
    ftyp = box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
    mdat = box(b"mdat", *pictures)

    def index(first: int) -> bytes:
        offsets = [first + sum(map(len, pictures[:at])) for at in range(len(pictures))]
        total, skip = sum(durations), round(1000 * skip_s)
        entry = box(
            b"jpeg", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HHII", SIDE, SIDE, 72 << 16, 72 << 16),
            struct.pack(">IH", 0, 1), bytes(32), struct.pack(">Hh", 24, -1),
        )  # fmt: skip
        stbl = box(
            b"stbl",
            box(b"stsd", bytes(4), struct.pack(">I", 1), entry),
            full(b"stts", len(durations), *(number for duration in durations for number in (1, duration))),
            full(b"stsc", 1, 1, 1, 1),
            full(b"stsz", 0, len(pictures), *map(len, pictures)),
            full(b"stco", len(offsets), *offsets),
        )
        url = box(b"url ", struct.pack(">I", 1))
        dinf = box(b"dinf", box(b"dref", bytes(4), struct.pack(">I", 1), url))
        minf = box(b"minf", box(b"vmhd", struct.pack(">I", 1), bytes(8)), dinf, stbl)
        hdlr = box(b"hdlr", bytes(4), b"mhlrvide", bytes(12), b"\0")
        mdia = box(b"mdia", full(b"mdhd", 0, 0, 1000, total, 0), hdlr, minf)
        tkhd = box(
            b"tkhd", struct.pack(">I", 3), struct.pack(">5I", 0, 0, 1, 0, total - skip), bytes(16),
            struct.pack(">9I", *MATRIX), struct.pack(">II", SIDE << 16, SIDE << 16),
        )  # fmt: skip
        edts = box(b"edts", full(b"elst", 1, total - skip, skip, 1 << 16)) if skip else b""
        mvhd = box(
            b"mvhd", bytes(4), struct.pack(">4I", 0, 0, 1000, total - skip), struct.pack(">IH", 1 << 16, 256),
            bytes(10), struct.pack(">9I", *MATRIX), bytes(24), struct.pack(">I", 2),
        )  # fmt: skip
        return box(b"moov", mvhd, box(b"trak", tkhd, edts, mdia))

    size = len(index(0))
    parts = (ftyp, mdat, index(len(ftyp) + 8)) if tail else (ftyp, index(len(ftyp) + size + 8), mdat)
    path.write_bytes(b"".join(parts))


# ---- Matroska


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", len(content) | 1 << 56) + content


def whole(value: int) -> bytes:
    return struct.pack(">Q", value)


def write_mkv(path: Path, times: Sequence[float], last_s: float = 0.1) -> None:
    """Motion JPEG with time stamps in milliseconds, and no rate."""
    video = element("B0", whole(SIDE)) + element("BA", whole(SIDE))
    track = element("D7", whole(1)) + element("73C5", whole(1)) + element("83", whole(1))
    track += element("86", b"V_MJPEG") + element("E0", video)
    duration = element("4489", struct.pack(">d", 1000 * (times[-1] + last_s)))
    body = element("1549A966", element("2AD7B1", whole(1_000_000)) + duration)
    body += element("1654AE6B", element("AE", track))
    for time in times:
        block = b"\x81" + struct.pack(">hB", 0, 0x80) + picture(time)
        body += element("1F43B675", element("E7", whole(round(1000 * time))) + element("A3", block))
    head = element("4286", whole(1)) + element("42F7", whole(1)) + element("4282", b"matroska")
    path.write_bytes(
        element("1A45DFA3", head + element("4287", whole(4)) + element("4285", whole(2))) + element("18538067", body)
    )


# ---- AVI


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def write_avi(path: Path, times: Sequence[float], rate: int = 45) -> None:
    """Motion JPEG at ``rate`` places a second, of which those without a frame are empty."""
    frames = {round(time * rate): picture(time) for time in times}
    n = max(frames) + 1
    avih = chunk(b"avih", struct.pack("<14I", 10**6 // rate, 0, 0, 16, n, 0, 1, 0, SIDE, SIDE, 0, 0, 0, 0))
    strh = chunk(
        b"strh", b"vidsMJPG" + struct.pack("<IHHIIIIIIiIhhhh", 0, 0, 0, 0, 1, rate, 0, n, 0, -1, 0, 0, 0, SIDE, SIDE)
    )
    strf = chunk(b"strf", struct.pack("<IiiHH4sIiiII", 40, SIDE, SIDE, 1, 24, b"MJPG", 3 * SIDE * SIDE, 0, 0, 0, 0))
    hdrl = chunk(b"LIST", b"hdrl" + avih + chunk(b"LIST", b"strl" + strh + strf))
    movi, index = b"movi", b""
    for place in range(n):
        index += b"00dc" + struct.pack("<III", 16, len(movi), len(frames.get(place, b"")))
        movi += chunk(b"00dc", frames.get(place, b""))
    path.write_bytes(chunk(b"RIFF", b"AVI " + hdrl + chunk(b"LIST", movi) + chunk(b"idx1", index)))


WRITERS = {".mov": write_mov, ".mkv": write_mkv, ".avi": write_avi}


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Writes a film of frames that begin at these times."""

    def write(suffix: str, times: Sequence[float], **options: object) -> Path:
        path = tmp_path / f"s01_trial01{suffix}"
        WRITERS[suffix](path, times, **options)  # type: ignore[operator]
        assert not is_video_truncated(path)
        return path

    return write


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_variable_rate(film, suffix):
    wanted = [0.5, 5, 10.5, 20, 29.9, 31, 35, 40.01, 50, 59]
    shown = times_shown(film(suffix, VARIABLE), wanted)
    assert list(shown) == wanted
    for time, made in shown.items():
        assert made == pytest.approx(max(start for start in VARIABLE if start <= time + 1e-9), abs=0.4), time


@pytest.mark.parametrize("suffix", WRITERS)
def test_faces_are_absent_where_frames_were_lost(film, suffix):
    """A frame stands for a second at most; what comes after the gap has its own time."""
    times = [*(at / 9 for at in range(90)), *(20 + at / 9 for at in range(90))]
    shown = times_shown(film(suffix, times), [9.5, 10.2, 10.8, 11.5, 15, 19.9, 20.5, 29.9])
    assert {time: round(made) for time, made in shown.items()} == {9.5: 9, 10.2: 10, 10.8: 10, 20.5: 20, 29.9: 30}


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_frame_that_is_shown_longer_than_those_before(film, suffix):
    times = [*(at / 9 for at in range(90)), 10.8, *(11 + at / 9 for at in range(20))]
    shown = times_shown(film(suffix, times), [9.8, 10.5, 10.7, 10.9])
    assert {time: round(made, 0) for time, made in shown.items()} == {9.8: 10, 10.5: 10, 10.7: 10, 10.9: 11}


def test_the_last_frame_is_shown_as_long_as_the_one_before(film):
    path = film(".mov", [*(at / 25 for at in range(100)), *(4 + at / 2 for at in range(4))])
    assert list(times_shown(path, [3.99, 5.5, 5.9, 6.1])) == [3.99, 5.5, 5.9]


def test_edit_list_gives_the_start_of_the_video(film):
    path = film(".mov", [at / 5 for at in range(100)], skip_s=4.0)
    shown = times_shown(path, [0.0, 5.1, 15.9, 16.5, 30.0])
    assert {time: round(made) for time, made in shown.items()} == {0.0: 4, 5.1: 9, 15.9: 20}


def test_b_frames_of_an_avi_file(tmp_path):
    """They are stored in another order than they are shown in, and AVI tells only the former."""
    path = tmp_path / "s01_trial01.avi"
    path.write_bytes(zlib.decompress(base64.b64decode(B_FRAMES)))
    wanted = [0.01, 0.13, 0.3, 1.0, 1.99, 2.76, 2.9, 3.1]
    shown = {wanted[place]: round((float(frame.mean()) - 20) / 10) for place, frame in iter_video_frames(path, wanted)}
    assert shown == {time: int(time * 8) for time in wanted[:-1]}


def test_frames_without_time_stamps(film):
    path = film(".mov", [at / 5 for at in range(10)], last_s=0)
    with pytest.raises(DataError, match=r"has no valid time stamp for frame \d+ — convert it to a constant rate"):
        times_shown(path, [0.0, 1.0])


@pytest.mark.parametrize(("suffix", "options"), [(".mov", {}), (".mov", {"tail": False}), (".mkv", {}), (".avi", {})])
def test_a_film_that_was_cut_off(film, suffix, options):
    path = film(suffix, [at / 5 for at in range(100)], **options)
    assert len(times_shown(path, [0.0, 19.0])) == 2
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert is_video_truncated(path) is (suffix != ".mkv")
    with pytest.raises(DataError, match=r"s01_trial01.*: the video (is truncated|ends after \d+ frames, at)"):
        times_shown(path, [0.0, 19.0])


@pytest.mark.shared
def test_real_clips_of_variable_rate(shared):
    """Frames 33 ms apart, but for the second: it comes after 67 ms, so what is shown at 50 ms is still the first."""
    path = shared / "faces" / "video" / "asl_gestures" / "brother.mkv"
    capture = cv2.VideoCapture(str(path))
    frames = [capture.read()[1] for _ in range(3)]
    capture.release()
    shown = dict(iter_video_frames(path, [0.05, 0.08, 0.11]))
    for place, frame in enumerate(frames):
        np.testing.assert_array_equal(shown[place], frame)
