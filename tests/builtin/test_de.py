"""Differential entropy agrees with its definition."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import butter, lfilter

from mmbench import Modality, SpecError
from mmbench.builtin.encoders.de import SHORT, VARIANCE_FLOOR, DifferentialEntropy, parse_bands

EEG = Modality("eeg", "timeseries", (3, 384), rate=128.0)


def by_definition(window: np.ndarray, bands: list[tuple[float, float]], rate: float) -> np.ndarray:
    """One channel after the other, with the transfer function that published pipelines use: (C, bands)."""
    values = np.empty((len(window), len(bands)))
    for b, (low, high) in enumerate(bands):
        numerator, denominator = butter(5, [low / (rate / 2), high / (rate / 2)], btype="band")
        for c, channel in enumerate(window):
            filtered = lfilter(numerator, denominator, channel)
            values[c, b] = 0.5 * math.log(2 * math.pi * math.e * np.var(filtered))
    return values


@pytest.mark.parametrize("n_times", [128, SHORT, SHORT + 1, 384])
@pytest.mark.parametrize("offset", [0.0, 1e4])  # µV, as of electrodes without a high-pass
def test_values_are_those_of_the_definition(n_times: int, offset: float) -> None:
    eeg = replace(EEG, shape=(3, n_times))
    x = offset + 20 * torch.randn(5, *eeg.shape, generator=torch.Generator().manual_seed(0))
    bands = [(4.0, 8.0), (8.0, 14.0), (14.0, 31.0), (31.0, 45.0)]
    expected = np.stack([by_definition(window, bands, 128.0) for window in x.double().numpy()])
    tokens = DifferentialEntropy(eeg, bands="four", per="channel")(x)
    np.testing.assert_allclose(tokens.numpy(), expected, rtol=1e-6, atol=1e-6)
    flat = DifferentialEntropy(eeg, bands="4-8+8-14+14-31+31-45")(x)
    assert torch.equal(flat, tokens.reshape(5, 1, 12))


def test_entropy_of_noise_is_that_of_a_gaussian() -> None:
    # White noise of variance 9 keeps the share of the band, (45 - 1) of 64 Hz, but for the filter's flanks.
    modality = Modality("noise", "timeseries", (1, 100_000), rate=128.0)
    x = 3 * torch.randn(1, 1, 100_000, generator=torch.Generator().manual_seed(0))
    value = DifferentialEntropy(modality, bands="1-45")(x).item()
    assert value == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 9 * 44 / 64), abs=0.02)


@pytest.mark.parametrize("n_times", [128, 384])
def test_a_dead_channel_has_a_finite_floor(n_times: int) -> None:
    eeg = replace(EEG, shape=(3, n_times))
    floor = 0.5 * math.log(2 * math.pi * math.e * VARIANCE_FLOOR)
    assert DifferentialEntropy(eeg)(torch.zeros(1, *eeg.shape)).numpy() == pytest.approx(floor)


def test_narrow_bands_at_high_rates_stay_sound() -> None:
    modality = Modality("eeg", "timeseries", (1, 20_000), rate=2000.0)
    time = torch.arange(20_000) / 2000
    inside, outside = torch.sin(2 * math.pi * 2 * time), torch.sin(2 * math.pi * 20 * time)
    tokens = DifferentialEntropy(modality, bands="1-4")(torch.stack([inside, outside])[:, None]).flatten()
    assert tokens.isfinite().all()
    assert tokens[0] - tokens[1] > 2


@pytest.mark.parametrize(
    ("modality", "bands", "message"),
    [
        (Modality("eda", "timeseries", (1, 240), rate=4.0), "five", "eda: the band 1-4 Hz is not below half"),
        (Modality("eeg", "timeseries", (1, 240), rate=90.0), "31-45", "half of its rate of 90 Hz"),
        (Modality("eeg", "timeseries", (1, 240)), "five", "eeg: has no sampling rate"),
        (EEG, "theta", "bands=theta: 'theta' is not a band"),
        (EEG, "8-4", "'8-4' is not a band"),
        (EEG, "0-4", "'0-4' is not a band"),
        (EEG, "4-8+", "'' is not a band"),
    ],
)
def test_impossible_bands_are_refused(modality: Modality, bands: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        DifferentialEntropy(modality, bands=bands)


def test_bands_may_have_decimals() -> None:
    assert parse_bands("0.5-4+8-12.5") == [(0.5, 4.0), (8.0, 12.5)]
