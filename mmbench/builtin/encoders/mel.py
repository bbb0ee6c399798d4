"""Log-mel frames of waveforms."""

import math

import torch
from torch import Tensor, nn

from mmbench import Modality, SpecError
from mmbench.builtin.encoders.masks import prefix_mask

POWER_FLOOR = 1e-10
"""Added to mel powers before the logarithm: -100 dB of a full-scale waveform, so that silence is finite."""


class LogMelFrames(nn.Module):
    """Natural logarithms of the power in ``mels`` bands every ``hop`` seconds, under Hann windows of ``window`` s.

    Frame t is centred on sample t·hop; beyond both ends the waveform is zero, so that padding changes no frame of an
    instance of L samples, which has 1 + L // hop of them. At a low rate, windows are padded with zeros to up to eight
    times their size, until each band has a frequency; SpecError if that is not enough.
    """

    taper: Tensor
    filters: Tensor

    def __init__(self, modality: Modality, *, mels: int, window: float, hop: float) -> None:
        super().__init__()
        self.rate = rate_of(modality)
        self.hop = samples(self.rate, hop=hop)
        size = samples(self.rate, window=window)
        self.n_fft = 1 << (size - 1).bit_length()
        filters = find_filters(mels, self.n_fft, self.rate)
        if filters is None:
            fewer = max(n for n in range(mels) if n == 0 or find_filters(n, self.n_fft, self.rate) is not None)
            raise SpecError(
                f"has windows of {size} samples at {self.rate:g} Hz, too few for {mels} bands",
                where=f"mels of {modality.name}",
                remedy=(f"give at most mels={fewer}, or " if fewer else "") + "give logmel a longer window",
            )
        self.n_fft = 2 * (filters.shape[1] - 1)
        self.register_buffer("taper", torch.hann_window(size), persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    def count(self, length: Tensor | int) -> Tensor | int:
        """The number of frames of so many samples."""
        return 1 + length // self.hop

    def bands_at(self, factors: Tensor) -> Tensor:
        """The places ``(n, mels)`` on the axis of bands of ``factors`` ``(n,)`` times the centre of each band in Hz."""
        mels = self.filters.shape[0]
        step = highest_mel(self.rate) / (mels + 1)
        centres = to_hertz((torch.arange(mels, device=factors.device) + 1) * step)
        return to_mel(factors[:, None] * centres) / step - 1

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Waveforms ``(n, C, time)`` to frames ``(n, C, mels, F)`` and their mask ``(n, F)``."""
        power = self.spectra(x)
        logs = (self.filters @ power + POWER_FLOOR).log()
        ends = torch.full((len(x),), x.shape[-1], device=x.device) if lengths is None else lengths
        counts = self.count(ends)
        assert isinstance(counts, Tensor)
        return logs, prefix_mask(counts, logs.shape[-1])

    def spectra(self, x: Tensor) -> Tensor:
        """Power spectra ``(n, C, n_fft / 2 + 1, F)`` of waveforms ``(n, C, time)``."""
        spectrum = torch.stft(
            x.flatten(0, 1),
            self.n_fft,
            self.hop,
            win_length=len(self.taper),
            window=self.taper.to(x.dtype),
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.abs().square() / self.taper.square().sum()
        return power.reshape(*x.shape[:2], *power.shape[1:])


def rate_of(modality: Modality) -> float:
    """The sampling rate in Hz; SpecError where the modality has none."""
    if modality.rate is None:
        raise SpecError("has no sampling rate", where=modality.name, remedy="declare it in the dataset's schema")
    return modality.rate


def samples(rate: float, **seconds: float) -> int:
    """The number of samples of a positive number of ``seconds``, at least 1; SpecError names the parameter."""
    ((name, value),) = seconds.items()
    if not 0 < value < math.inf:
        raise SpecError(f"is {value}", where=name, remedy="give a positive number of seconds")
    return max(1, round(value * rate))


def find_filters(mels: int, n_fft: int, rate: float) -> Tensor | None:
    """The filters for the shortest transform, of ``n_fft`` to eight times as many samples, that leaves none empty."""
    sizes = (n_fft << doublings for doublings in range(4))
    found = (mel_filters(mels, size, rate) for size in sizes if size > 1)
    return next((filters for filters in found if filters.any(dim=1).all()), None)


def mel_filters(mels: int, n_fft: int, rate: float) -> Tensor:
    """Triangular filters ``(mels, n_fft / 2 + 1)`` of height 1, from 0 to half the rate, equally wide in mel.

    A filter that falls between two frequencies of the transform is zero.
    """
    edges = to_hertz(torch.linspace(0, highest_mel(rate), mels + 2, dtype=torch.float64))
    frequencies = torch.linspace(0, rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp_min(0).float()


def highest_mel(rate: float) -> float:
    """The pitch in mel of half the sampling rate in Hz."""
    return 2595 * math.log10(1 + rate / 2 / 700)


def to_mel(hertz: Tensor) -> Tensor:
    """The pitch in mel of frequencies in Hz, 2595 log10(1 + f / 700) (O'Shaughnessy 1987; HTK)."""
    return 2595 * torch.log10(1 + hertz / 700)


def to_hertz(mel: Tensor) -> Tensor:
    """The frequencies in Hz of pitches in mel."""
    return 700 * (10 ** (mel / 2595) - 1)
