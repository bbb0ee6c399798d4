from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError
from mmbench_datasets.shared.wave_files import check_wave, load_wave, write_wave

SOUND = np.arange(-500, 500, dtype=np.int16)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wave(path, SOUND, 8000)
    check_wave(path, 8000)
    np.testing.assert_array_equal(np.frombuffer(load_wave(path)[44:], "<i2"), SOUND)


@pytest.mark.parametrize("read", [check_wave, load_wave])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-3], "is truncated: its header says 1000 samples, it holds 998"),
        (lambda whole: whole[:44], "is truncated: its header says 1000 samples, it holds 0"),
        (lambda whole: whole[:43], "is not a WAV file of PCM samples"),
        (lambda whole: whole[:20] + b"\x03" + whole[21:], "is not a WAV file of PCM samples"),  # floats
        (lambda whole: b"fLaC" + whole, "is not a WAV file of PCM samples"),
        (lambda whole: whole[:40] + bytes(4), "holds no sound"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, read, content, message: str) -> None:
    path = tmp_path / "a.wav"
    write_wave(path, SOUND, 8000)
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert caught.value.where == str(path)


def test_another_rate_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wave(path, SOUND, 8000)
    with pytest.raises(DataError, match="has 8000 Hz, not 16000"):
        check_wave(path, 16000)


def test_a_writer_may_not_have_known_the_size(tmp_path: Path) -> None:
    """As ffmpeg writes into a pipe: the sound ends with the file."""
    path = tmp_path / "a.wav"
    write_wave(path, SOUND, 8000)
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + b"\xff\xff\xff\xff" + whole[44:])
    check_wave(path)


def test_a_chunk_before_the_sound_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wave(path, SOUND, 8000)
    whole = path.read_bytes()
    path.write_bytes(whole[:36] + b"FLLR" + (10).to_bytes(4, "little") + bytes(10) + whole[36:])
    check_wave(path)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(DataError, match="is truncated: its header says 1000 samples, it holds 999"):
        check_wave(path)
