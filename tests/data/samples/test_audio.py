"""Audio is decoded, mixed down, resampled, checked, and stored so that the same samples come back."""

import io
from collections import Counter

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmbench import DataError, Modality, Sample, Schema
from mmbench.data.samples.audio import Waveform, decode_waveform, encode_waveform
from mmbench.data.samples.validation import check_sample

RATE = 8000
VOICE = Modality("voice", "audio", (1, None), rate=RATE)
SINE = (0.5 * np.sin(np.arange(4000) / 5)).astype(np.float32)


def coded(x: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, x, rate, format=kind, subtype=subtype)
    return file.getvalue()


def convert(item: object, modality: Modality = VOICE) -> tuple[np.ndarray, Counter]:
    """The samples that are read back, and what was changed."""
    changes: dict[str, Counter] = {}
    stored = check_sample(Sample("s", {}, {"voice": [item]}), Schema((modality,), {}), changes).data["voice"][0]
    assert isinstance(stored, Waveform)
    return decode_waveform(stored.payload, (modality.shape[0], stored.length)), changes.get("voice", Counter())


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24"), ("WAV", "PCM_U8")]
)
def test_files_without_loss_are_read_back_exactly(kind: str, subtype: str) -> None:
    content = coded(SINE, kind=kind, subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    x, changes = convert(content)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, expected[None])
    assert not changes


def test_ogg_is_decoded() -> None:
    x, changes = convert(coded(SINE, kind="OGG", subtype="VORBIS"))
    assert x.shape == (1, 4000)
    assert np.abs(x[0] - SINE).mean() < 0.05
    assert not changes


def test_whole_numbers_are_coded_and_others_are_not() -> None:
    whole = np.round(SINE * 2**15)[None] / np.float32(2**15)
    assert len(encode_waveform(whole)) < whole.nbytes / 2
    assert len(encode_waveform(SINE[None])) == SINE.nbytes
    # Two channels whose mean lies between the steps of 16 bits are still coded exactly.
    mixed = np.round(SINE * 2**16)[None] / np.float32(2**16)
    assert len(encode_waveform(mixed)) < mixed.nbytes


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([8, 16, 24, 32]),
    arrays(np.int32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=st.integers(-(2**31), 2**31 - 1)),
)
def test_any_waveform_comes_back_bit_for_bit(bits: int, whole: np.ndarray) -> None:
    x = ((whole >> (32 - bits)) * 2.0 ** (1 - bits)).astype(np.float32)
    back = decode_waveform(encode_waveform(x), x.shape)
    assert back.tobytes() == x.tobytes()


@pytest.mark.parametrize("values", [[-0.0, 0.5], [1.0, -1.0], [1e-30, 0], [3.0, -7.5], [-1.0, 0.0], [0, 0]])
def test_values_at_the_edges_come_back(values: list[float]) -> None:
    x = np.array([values * 50], dtype=np.float32)
    np.testing.assert_array_equal(decode_waveform(encode_waveform(x), x.shape), x)


def test_channels_are_mixed_down_and_counted() -> None:
    stereo = np.stack([SINE, -SINE / 2], axis=1)
    x, changes = convert(coded(stereo, subtype="FLOAT"))
    np.testing.assert_allclose(x[0], SINE / 4, atol=1e-7)
    assert changes == {"mixed down from 2 channels": 1}


def test_another_rate_is_resampled_and_counted() -> None:
    n = 44100
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(n) / 44100)
    x, changes = convert(coded(tone, rate=44100))
    assert x.shape == (1, 8000)
    np.testing.assert_allclose(
        x[0, 200:-200], 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)[200:-200], atol=2e-3
    )
    assert changes == {"resampled from 44100 Hz to 8000 Hz": 1}


def test_silence_is_data() -> None:
    x, changes = convert(coded(np.zeros(500)))
    assert x.shape == (1, 500)
    assert not x.any()
    assert not changes


@pytest.mark.parametrize(
    ("x", "subtype", "is_clipped"),
    [
        (np.clip(3 * SINE, -1, 1), "PCM_16", True),
        (np.clip(3 * SINE, -1, 1), "PCM_U8", True),
        (np.clip(3 * SINE, -1, 1), "FLOAT", True),
        (SINE / np.abs(SINE).max(), "PCM_16", False),
        (3 * SINE, "FLOAT", False),
    ],
)
def test_clipping_is_counted(x: np.ndarray, subtype: str, is_clipped: bool) -> None:
    assert convert(coded(x, subtype=subtype))[1] == ({"clipped": 1} if is_clipped else {})


def test_arrays_are_at_the_rate_of_the_modality() -> None:
    x, changes = convert(SINE[None])
    np.testing.assert_array_equal(x[0], SINE)
    assert not changes
    assert convert(np.clip(3 * SINE, -1, 1)[None])[1] == {"clipped": 1}


WAV = coded(SINE)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (coded(np.zeros(0)), "voice has audio of length 0"),
        (np.zeros((1, 0), np.float32), "voice has an instance of length 0"),
        (b"", "cannot be read as WAV, FLAC or OGG (it is empty)"),
        (b"no audio at all", "cannot be read as WAV, FLAC or OGG"),
        (WAV[: len(WAV) // 2], "voice has a truncated file"),
        (coded(SINE, kind="FLAC")[:2000], "voice"),
        (coded(np.array([0.1, np.nan, 0.2]), subtype="FLOAT"), "voice holds NaN or infinite values"),
        (coded(np.array([0.1, np.nan, 0.2]), rate=16000, subtype="FLOAT"), "voice holds NaN or infinite values"),
        (np.array([[0.1, np.inf]]), "voice holds NaN or infinite values"),
        (np.zeros((2, 9)), "has an instance of the shape (2, 9), not (1, time)"),
        (np.zeros(9), "has an instance of the shape (9,), not (1, time)"),
        (np.zeros((1, 9), np.int16), "has samples of type int16"),
        ("voice.wav", "does not hold real numbers"),
        ([[0.5, 0.1], [0.2]], "does not hold real numbers"),
        (coded(SINE, kind="AIFF"), "it is a file of the format AIFF"),
    ],
    # A WAV of floats holds the time at which it was written, which would be part of the name.
    ids=[
        "no samples",
        "empty array",
        "empty file",
        "no audio",
        "truncated WAV",
        "truncated FLAC",
        "NaN in a file",
        "NaN at another rate",
        "infinite array",
        "two channels",
        "no channel",
        "integers",
        "text",
        "ragged lists",
        "AIFF",
    ],
)
def test_unusable_audio_is_one_line(item: object, why: str) -> None:
    with pytest.raises(DataError) as caught:
        convert(item)
    assert why in caught.value.line
    assert caught.value.where == "s"
    assert "\n" not in caught.value.line


def test_a_wav_file_of_unknown_size_is_whole() -> None:
    at = WAV.index(b"data") + 4
    assert convert(WAV[:at] + b"\xff\xff\xff\xff" + WAV[at + 4 :])[0].shape == (1, 4000)


def test_a_fixed_length_is_demanded() -> None:
    fixed = Modality("voice", "audio", (1, 4000), rate=RATE)
    assert convert(WAV, fixed)[0].shape == (1, 4000)
    with pytest.raises(DataError, match=r"\(1, 3999\), not \(1, 4000\)"):
        convert(coded(SINE[1:]), fixed)


def test_several_channels_cannot_be_invented() -> None:
    stereo = Modality("voice", "audio", (2, None), rate=RATE)
    assert convert(coded(np.stack([SINE, SINE], axis=1)), stereo)[0].shape == (2, 4000)
    with pytest.raises(DataError, match="has a file of 1 channels, not 2"):
        convert(WAV, stereo)


def test_a_damaged_waveform_is_no_noise() -> None:
    whole = np.round(SINE * 2**15)[None] / np.float32(2**15)
    payload = encode_waveform(whole)
    with pytest.raises(ValueError, match="waveform"):
        decode_waveform(payload[: len(payload) // 2], whole.shape)
    with pytest.raises(ValueError, match="has the shape"):
        decode_waveform(payload, (1, 3999))
