"""Statistics of pitch, energy and spectrum of a waveform: the baseline of every audio encoder."""

import math

import torch
from torch import Tensor

from mmbench import Encoder, Modality, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.encoders.mel import LogMelFrames

PITCH = (60.0, 400.0)
"""Range of fundamental frequencies in Hz: speech of men, women and children."""
VOICED = 0.45
"""Least normalised autocorrelation of a voiced frame, as in Praat."""
_WINDOW, _HOP = 0.04, 0.01
_ENERGY_FLOOR = 1e-10
_OCTAVE_COST = 0.05


class AudioStatistics(Encoder):
    """Means and deviations over the frames of a waveform, as one token; hand-made, for speech and other sounds.

    For each channel and frame (40 ms, every 10 ms): ``coefficients`` mel-frequency cepstral coefficients (``mels``
    bands) and their differences between frames, energy in dB, spectral centroid and bandwidth in Hz, share of zero
    crossings. Over the frames with a pitch of 60-400 Hz (largest normalised autocorrelation, at least 0.45): the pitch
    in semitones over 60 Hz; and the share of these frames. It is no substitute for openSMILE's eGeMAPS, whose licence
    allows research only; Eyben et al. 2016 describe such a set, Davis & Mermelstein 1980 the coefficients.
    """

    name = "audio-statistics"
    kinds = ("audio",)
    frozen = True

    def __init__(self, modality: Modality, *, coefficients: int = 20, mels: int = 40) -> None:
        super().__init__(modality)
        at_least(1, coefficients=coefficients, mels=mels)
        self.frames = LogMelFrames(modality, mels=mels, window=_WINDOW, hop=_HOP)
        basis = cosine_basis(min(coefficients, mels), mels)
        self.register_buffer("basis", basis, persistent=False)
        n_channels = modality.shape[0]
        assert n_channels is not None
        self.out = TokenSpec(1, n_channels * (2 * (2 * len(basis) + 4) + 3))

    @torch.no_grad()
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Waveforms ``(n, C, time)`` to tokens ``(n, 1, D)``, channel by channel; each over its own length."""
        ends = [x.shape[-1]] * len(x) if lengths is None else lengths.tolist()
        return torch.stack([self._features(wave[:, :end]).flatten() for wave, end in zip(x, ends, strict=True)])[
            :, None
        ]

    def _features(self, x: Tensor) -> Tensor:
        """Statistics ``(C, features)`` of one waveform ``(C, time)``."""
        power = self.frames.spectra(x[None])[0]
        logs, _ = self.frames(x[None])
        cepstra = self.get_buffer("basis") @ logs[0]
        changes = cepstra.diff(dim=-1) if cepstra.shape[-1] > 1 else torch.zeros_like(cepstra)
        framed = frame(x, round(_WINDOW * self.frames.rate), self.frames.hop)
        course = torch.stack(
            [energy(framed), *centroid_and_bandwidth(power, self.frames.rate), crossings(framed)], dim=1
        )
        pitch, voiced = find_pitch(framed, self.frames.rate)
        return torch.cat(
            [
                *(moment for part in (cepstra, changes, course) for moment in mean_and_deviation(part)),
                pitch_statistics(pitch, voiced),
            ],
            dim=1,
        )


def cosine_basis(coefficients: int, mels: int) -> Tensor:
    """The first rows of the orthonormal discrete cosine transform (type II), ``(coefficients, mels)``."""
    row, column = torch.arange(coefficients)[:, None], torch.arange(mels)
    basis = (math.pi / mels * (column + 0.5) * row).cos() * math.sqrt(2 / mels)
    basis[0] /= math.sqrt(2)
    return basis


def frame(x: Tensor, size: int, hop: int) -> Tensor:
    """Frames ``(C, F, size)`` of a waveform ``(C, time)``, centred on multiples of ``hop``; zero beyond its ends."""
    return torch.nn.functional.pad(x, (size // 2, size - size // 2)).unfold(-1, size, hop)


def energy(frames: Tensor) -> Tensor:
    """Mean power of each frame in dB, ``(C, F)``."""
    return 10 * (frames.square().mean(dim=-1) + _ENERGY_FLOOR).log10()


def centroid_and_bandwidth(power: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the frequency in Hz under the power ``(C, bins, F)``; each ``(C, F)``, 0 in silence."""
    frequencies = torch.linspace(0, rate / 2, power.shape[1], device=power.device)[:, None]
    share = power / power.sum(dim=1, keepdim=True).clamp_min(1e-12)
    centre = (share * frequencies).sum(dim=1)
    spread = (share * (frequencies - centre[:, None]).square()).sum(dim=1).sqrt()
    return centre, spread


def crossings(frames: Tensor) -> Tensor:
    """The share of neighbouring samples of different sign in each frame, ``(C, F)``."""
    return (frames[..., 1:].sign() * frames[..., :-1].sign() < 0).to(frames.dtype).mean(dim=-1)


def find_pitch(frames: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """The fundamental frequency in Hz of frames ``(C, F, size)``, and which have one; both ``(C, F)``.

    Autocorrelations are divided by that of the window, and an octave costs 0.05, since a multiple of the period is a
    period too (Boersma 1993).
    """
    size = frames.shape[-1]
    taper = torch.hann_window(size, dtype=frames.dtype, device=frames.device)
    centred = (frames - frames.mean(dim=-1, keepdim=True)) * taper
    lags = torch.arange(max(1, math.ceil(rate / PITCH[1])), max(2, min(math.floor(rate / PITCH[0]), size // 2) + 1))
    own = autocorrelation(taper)
    raw = autocorrelation(centred)
    normalised = raw / raw[..., :1].clamp_min(1e-12) / (own / own[0]).clamp_min(1e-3)
    lags = lags.to(frames.device)
    strengths = normalised[..., lags]
    best = (strengths - _OCTAVE_COST * (lags / lags[0]).log2()).argmax(dim=-1, keepdim=True)
    strength = strengths.gather(-1, best).squeeze(-1)
    return rate / lags[best.squeeze(-1)].to(frames.dtype), (strength >= VOICED) & (raw[..., 0] > 1e-8)


def autocorrelation(x: Tensor) -> Tensor:
    """The autocorrelation of the last axis, from lag 0 to its size."""
    size = x.shape[-1]
    whole: Tensor = torch.fft.irfft(torch.fft.rfft(x, n=2 * size).abs().square(), n=2 * size)
    return whole[..., :size]


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation over the last axis."""
    return x.mean(dim=-1), x.std(dim=-1, correction=0)


def pitch_statistics(pitch: Tensor, voiced: Tensor) -> Tensor:
    """Mean and deviation of the pitch in semitones over 60 Hz, and the share of voiced frames: ``(C, 3)``."""
    weights = voiced.to(pitch.dtype)
    count = weights.sum(dim=-1)
    semitones = 12 * (pitch / PITCH[0]).log2()
    mean = (semitones * weights).sum(dim=-1) / count.clamp_min(1)
    deviation = ((semitones - mean[:, None]).square() * weights).sum(dim=-1).div(count.clamp_min(1)).sqrt()
    return torch.stack([mean, deviation, weights.mean(dim=-1)], dim=1)
