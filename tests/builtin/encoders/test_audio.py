"""Log-mel frames and statistics of waveforms."""

import math

import numpy as np
import pytest
import torch

from mmbench import Modality, SpecError
from mmbench.builtin.encoders.audio_statistics import AudioStatistics, cosine_basis, find_pitch, frame
from mmbench.builtin.encoders.logmel import LogMel
from mmbench.builtin.encoders.masks import prefix_mask
from mmbench.builtin.encoders.mel import LogMelFrames, mel_filters
from mmbench.builtin.encoders.spectral_augmentation import hide_stretches, random_factors, warp_frequencies

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


def colored(gain: torch.Tensor) -> torch.Tensor:
    """Noise (1, 4000) whose spectrum is multiplied by ``gain`` at 2,001 frequencies: another microphone."""
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    return torch.fft.irfft(torch.fft.rfft(noise) * gain, 4000)[None]


def test_centring_takes_away_the_spectrum_of_a_microphone() -> None:
    flat, dull = colored(torch.ones(2001)), colored(torch.linspace(1, 0.4, 2001))
    gaps = {}
    for centre in (0.0, 0.5, 1.0):
        torch.manual_seed(0)
        encoder = LogMel(SPEECH, centre=centre).eval()
        encoder.adapt(flat[None], torch.tensor([4000]))
        with torch.no_grad():
            tokens = encoder(torch.stack([flat, dull]), torch.tensor([4000, 4000]))
        gaps[centre] = float((tokens[0] if isinstance(tokens, tuple) else tokens).diff(dim=0).norm())
    assert gaps[1.0] < 0.35 * gaps[0.0]
    assert gaps[1.0] < gaps[0.5] < gaps[0.0]


def test_warped_frequencies_are_those_of_a_tone_at_another_pitch() -> None:
    frames = LogMelFrames(SPEECH, mels=40, window=0.032, hop=0.01)
    logs, _ = frames(torch.stack([tone(1000), tone(1500)]))
    warped = warp_frequencies(logs, frames.bands_at(torch.tensor([1 / 1.5, 1.5])))
    low, high = logs[:, 0, :, 25].argmax(dim=1).tolist()
    assert high - low > 5
    assert warped[:, 0, :, 25].argmax(dim=1).tolist() == pytest.approx([high, low], abs=1)
    same = warp_frequencies(logs, frames.bands_at(torch.ones(2)))
    torch.testing.assert_close(same, logs, rtol=1e-4, atol=1e-4)


def test_places_beyond_the_bands_are_the_outermost() -> None:
    levels = torch.tensor([1.0, 3.0, 9.0])[None, None, :, None]
    warped = warp_frequencies(levels, torch.tensor([[-2.0, 0.5, 7.0]]))
    assert warped.flatten().tolist() == [1.0, 2.0, 9.0]


def test_factors_are_as_often_above_one_as_below() -> None:
    torch.manual_seed(0)
    factors = random_factors(10_000, 0.25, torch.device("cpu"))
    assert 0.8 <= factors.min() < 0.801
    assert 1.249 < factors.max() <= 1.25
    assert factors.median() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("change", [{"warp": 0.2, "mask": 0.0}, {"warp": 0.0, "mask": 0.3}], ids=["warp", "mask"])
def test_logmel_changes_frames_in_training_only_and_as_the_seed_says(change: dict[str, float]) -> None:
    torch.manual_seed(0)
    encoder = LogMel(SPEECH, dropout=0.0, **change)
    sound, lengths = torch.randn(3, 1, 4000), torch.tensor([4000, 3000, 2000])

    def tokens(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return encoder(sound * prefix_mask(lengths, 4000)[:, None], lengths)

    assert torch.equal(tokens(1), tokens(1))
    assert not torch.allclose(tokens(1), tokens(2))
    encoder.eval()
    assert torch.equal(tokens(1), tokens(2))


def test_padding_changes_no_token_in_training() -> None:
    torch.manual_seed(0)
    encoder = LogMel(SPEECH, dropout=0.0, warp=0.2, mask=0.3)
    sound, lengths = torch.randn(2, 1, 3000), torch.tensor([3000, 3000])
    torch.manual_seed(1)
    expected = encoder(sound, lengths)
    torch.manual_seed(1)
    torch.testing.assert_close(encoder(torch.cat([sound, torch.zeros(2, 1, 999)], dim=2), lengths), expected)


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
    with pytest.raises(SpecError, match=r"^warp: is 1\.0 — give a number from 0 to below 1"):
        LogMel(SPEECH, warp=1.0)
    with pytest.raises(SpecError, match=r"^centre: is 1\.5 — give a number from 0 to 1"):
        LogMel(SPEECH, centre=1.5)
    LogMel(SPEECH, centre=1.0)


@pytest.mark.parametrize("rate", [8000.0, 2000.0, 500.0])
def test_the_defaults_take_low_rates(rate: float) -> None:
    heart = Modality("heart", "audio", (1, None), rate=rate)
    length = torch.tensor([round(rate), round(rate) // 2])
    for cls in (LogMel, AudioStatistics):
        encoder = cls(heart).eval()
        assert encoder.frames.filters.any(dim=1).all()
        assert encoder(torch.randn(2, 1, round(rate)), length).isfinite().all()
