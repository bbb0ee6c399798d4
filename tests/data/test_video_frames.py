import cv2
import numpy as np
import pytest

from mmbench import DataError
from mmbench.data.video_frames import is_video_truncated, iter_video_frames


@pytest.fixture
def video(tmp_path):
    """Forty frames at 10 a second whose brightness is five times their number."""
    path = tmp_path / "s01_trial01.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for index in range(40):
        writer.write(np.full((48, 64, 3), 5 * index, np.uint8))
    writer.release()
    return path


def test_frames_are_those_shown_at_the_times(video):
    times = [0.0, 0.05, 0.1, 1.55, 3.9]
    got = [(place, round(float(frame.mean()) / 5)) for place, frame in iter_video_frames(video, times)]
    assert got == [(0, 0), (1, 0), (2, 1), (3, 15), (4, 39)]


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mp4v"), (".mkv", "XVID"), (".mov", "mp4v")])
@pytest.mark.parametrize("rate", [10.0, 29.97])
def test_other_containers_codecs_and_rates(tmp_path, suffix, codec, rate):
    path = tmp_path / f"s01_trial01{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (64, 48))
    for index in range(40):
        writer.write(np.full((48, 64, 3), 5 * index, np.uint8))
    writer.release()
    assert not is_video_truncated(path)
    times = [0.05, 1.0, 30.5 / rate]
    # These codecs lose up to 0.7 of a step of brightness.
    got = [round(float(frame.mean()) / 5 + 0.4) for _, frame in iter_video_frames(path, times)]
    assert got == [int(time * rate) for time in times]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="the video"):
        list(iter_video_frames(path, [0.0, 3.0]))


def test_nothing_comes_after_the_end_of_a_short_video(video):
    assert [place for place, _ in iter_video_frames(video, [3.0, 3.99, 4.0, 60.0])] == [0, 1]


@pytest.mark.parametrize("keep", [0, 5, 300, 0.5, 0.95])
def test_a_cut_video_is_named(video, keep):
    content = video.read_bytes()
    video.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    assert is_video_truncated(video)
    with pytest.raises(DataError, match=r"s01_trial01\.avi: the video is truncated — copy or download the video again"):
        list(iter_video_frames(video, [0.0, 3.9]))


def test_missing_frames_within_a_file_are_reported(video):
    content = video.read_bytes()
    kept = len(content) // 3
    content = (
        content[:kept] + b"JUNK" + (len(content) - kept - 8).to_bytes(4, "little") + bytes(len(content) - kept - 8)
    )
    video.write_bytes(content)
    with pytest.raises(DataError, match=r"s01_trial01\.avi: (the video (ends after|cannot be opened)|frame)"):
        list(iter_video_frames(video, [0.0, 3.9]))


def test_not_a_video(video, capfd):
    video.write_bytes(b"no video " * 100)
    with pytest.raises(DataError, match="cannot be opened"):
        list(iter_video_frames(video, [0.0]))
    assert "Traceback" not in capfd.readouterr().err
