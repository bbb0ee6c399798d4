"""Log-mel frames and statistics of waveforms."""

import math

import numpy as np
import pytest
import torch

from mmbench import Modality, SpecError
from mmbench.builtin.encoders.audio_statistics import AudioStatistics, cosine_basis, find_pitch, frame
from mmbench.builtin.encoders.logmel import LogMel, hide_stretches
from mmbench.builtin.encoders.mel import LogMelFrames, mel_filters

SPEECH = Modality("speech", "audio", (1, None), rate=8000.0)


def tone(hertz: float, seconds: float = 0.5) -> torch.Tensor:
    return 0.5 * (2 * math.pi * hertz * torch.arange(round(8000 * seconds)) / 8000).sin()[None]


def test_mel_filters_are_those_of_a_kept_library() -> None:
    audio_utils = pytest.importorskip("transformers.audio_utils")
    expected = audio_utils.mel_filter_bank(257, 40, 0.0, 8000.0, 16000, norm=None, mel_scale="htk")
    np.testing.assert_allclose(mel_filters(40, 512, 16000.0).numpy(), expected.T, atol=1e-5)


def test_cosines_are_those_of_scipy() -> None:
    from scipy.fft import dct

    x = np.random.default_rng(0).normal(size=40)
    np.testing.assert_allclose(cosine_basis(13, 40).numpy() @ x, dct(x, norm="ortho")[:13], atol=1e-5)


def test_a_tone_is_loudest_in_its_band() -> None:
    frames = LogMelFrames(SPEECH, mels=40, window=0.032, hop=0.01)
    logs, mask = frames(tone(1000)[None], torch.tensor([4000]))
    band = int(logs[0, 0, :, 25].argmax())
    assert 900 < float(frames.filters[band] @ torch.linspace(0, 4000, 129) / frames.filters[band].sum()) < 1100
    assert mask.sum() == 51


def test_neither_gain_nor_the_level_of_silence_matters_to_logmel() -> None:
    torch.manual_seed(0)
    encoder = LogMel(SPEECH).eval()
    sound = torch.cat([torch.zeros(1, 800), tone(500), torch.zeros(1, 800)], dim=1)[None]
    length = torch.tensor([sound.shape[-1]])
    expected = encoder(sound, length)
    torch.testing.assert_close(encoder(0.1 * sound, length), expected, rtol=1e-3, atol=1e-3)
    noisy = sound + 1e-5 * torch.randn_like(sound)
    torch.testing.assert_close(encoder(noisy, length), expected, rtol=1e-2, atol=1e-2)


def test_stretches_are_hidden_within_the_instance() -> None:
    torch.manual_seed(0)
    hidden = hide_stretches(torch.ones(200, 1, 20, 30), torch.full((200,), 10), 0.3) == 0
    assert hidden.all(dim=(1, 3)).sum(dim=1).max() == 6
    assert hidden.all(dim=(1, 2)).sum(dim=1).max() == 3
    assert not hidden.all(dim=(1, 2))[:, 10:].any()


def test_the_pitch_of_a_tone_is_found() -> None:
    for hertz in (100.0, 220.0):
        pitch, voiced = find_pitch(frame(tone(hertz), 320, 80), 8000.0)
        assert voiced[0, 5:-5].all()
        assert pitch[0, 10].item() == pytest.approx(hertz, rel=0.02)
    _, voiced = find_pitch(frame(torch.zeros(1, 4000), 320, 80), 8000.0)
    assert not voiced.any()
    noise = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    assert find_pitch(frame(noise, 320, 80), 8000.0)[1].float().mean() < 0.2


def test_statistics_end_with_pitch_and_its_share() -> None:
    encoder = AudioStatistics(SPEECH)
    tokens = encoder(tone(120)[None], torch.tensor([4000]))[0, 0]
    semitones, deviation, voiced = tokens[-3:].tolist()
    assert semitones == pytest.approx(12, abs=0.5)  # an octave over 60 Hz
    assert deviation < 1
    assert voiced > 0.9


def test_audio_without_a_rate_and_windows_too_short_are_refused() -> None:
    with pytest.raises(SpecError, match="has no sampling rate"):
        LogMel(Modality("x", "audio", (1, None)))
    with pytest.raises(
        SpecError,
        match=r"^mels of speech: has windows of \d+ samples at 8000 Hz, too few for \d+ bands — give at most mels=",
    ):
        LogMel(SPEECH, window=0.001)
    with pytest.raises(SpecError, match="span"):
        LogMel(SPEECH, span=0.0)


@pytest.mark.parametrize("rate", [8000.0, 2000.0, 500.0])
def test_the_defaults_take_low_rates(rate: float) -> None:
    heart = Modality("heart", "audio", (1, None), rate=rate)
    length = torch.tensor([round(rate), round(rate) // 2])
    for cls in (LogMel, AudioStatistics):
        encoder = cls(heart).eval()
        assert encoder.frames.filters.any(dim=1).all()
        assert encoder(torch.randn(2, 1, round(rate)), length).isfinite().all()
