"""Simulated original recordings: a BDF file of raw voltages with artefacts and Status codes.

The EEG of the trials is that of the simulated preprocessed release. This module adds what preprocessing has to remove
(offsets, drifts, line hum, blinks, saccades) and the time between trials.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmbench_datasets.bdf_writer import Channel, write_bdf
from mmbench_datasets.deap.layout import BASELINE_S, EEG_CHANNELS, N_SAMPLES, RATE, TWENTE_CHANNELS
from mmbench_datasets.deap.original_recordings import END, FIXATION, LAST_IN_TWENTE, RAW_RATE, START, STATUS_OFFSET
from mmbench_datasets.deap.simulate.options import Simulation
from mmbench_datasets.deap.simulate.ratings import make_ratings
from mmbench_datasets.deap.simulate.signals import Signals, simulate_eeg, simulate_peripheral
from mmbench_datasets.shared.seeding import make_rng

_LEAD_S, _FIXATION_S, _VIDEO_S, _REST_S = 8, 5, 60, 3
_BLOCK_S = _FIXATION_S + _VIDEO_S + _REST_S
_HELD_S = 0.1
_BLINK, _SACCADE = 250.0, 120.0  # µV between the electrodes around the eyes
_OFFSET, _DRIFT, _HUM = 15_000.0, 40.0, 20.0  # µV
_PICKUP = 0.3
# Share of the vertical EOG at an electrode, by row; of the horizontal EOG, by side.
_VERTICAL = {"Fp": 0.4, "AF": 0.28, "F": 0.14, "FC": 0.07}
_HORIZONTAL = {"F7": 0.25, "F8": -0.25, "Fp1": 0.1, "Fp2": -0.1, "F3": 0.1, "F4": -0.1, "AF3": 0.1, "AF4": -0.1}


def write_raw_recording(
    path: Path, simulation: Simulation, participant: int, experiments: Sequence[int] | None = None
) -> None:
    """Write the BDF file of a person who watches ``experiments`` (from 1), by default all in order of presentation."""
    order = presentation_order(simulation.seed, participant) if experiments is None else experiments
    channels = list_channels(participant)
    n_seconds = _LEAD_S + _BLOCK_S * len(order)
    write_bdf(path, channels, RAW_RATE, n_seconds, _blocks(simulation, participant, order, channels))


def presentation_order(seed: int, participant: int) -> list[int]:
    """Experiment_ids in order of presentation."""
    return [int(row) + 1 for row in np.argsort(make_ratings(seed, participant).trials)]


def list_channels(participant: int) -> list[Channel]:
    """Channels of the file: Twente's order for participants 1-22, Geneva's for 23-32; one more channel from 29 on.

    GSR is in ohm in Twente's files, in nS in Geneva's.
    """
    names = TWENTE_CHANNELS if participant <= LAST_IN_TWENTE else EEG_CHANNELS
    volts = [*names, *(f"EXG{number}" for number in range(1, 9))]
    extra = [Channel("Extra", "uV", 262144.0)] if participant > 28 else []
    return [
        *(Channel(name, "uV", 262144.0) for name in volts),
        Channel("GSR1", "Ohm", 2.0**23 - 1) if participant <= LAST_IN_TWENTE else Channel("GSR1", "nS", 262144.0),
        *(Channel(name, "uV", 262144.0) for name in ("GSR2", "Erg1", "Erg2", "Resp", "Plet")),
        Channel("Temp", "Celsius", 64.0),
        *extra,
        Channel("Status", "Boolean", 2.0**23 - 1),
    ]


def _blocks(
    simulation: Simulation, participant: int, order: Sequence[int], channels: Sequence[Channel]
) -> Iterator[Signals]:
    offsets = make_rng("raw", simulation.seed, participant).uniform(-_OFFSET, _OFFSET, (len(channels), 1))
    is_volt = np.array([[channel.unit == "uV"] for channel in channels])
    status = STATUS_OFFSET if participant >= 24 else 0
    lead = np.zeros((len(channels), _LEAD_S * RAW_RATE)) + offsets * is_volt
    lead[-1] = status
    yield lead
    for experiment in order:
        signals = _record(simulation, participant, experiment)
        block = np.stack([signals.get(channel.label, np.zeros(_BLOCK_S * RAW_RATE)) for channel in channels])
        block += offsets * is_volt
        block[-1] = status + _status()
        yield block


def _record(simulation: Simulation, participant: int, experiment: int) -> dict[str, Signals]:
    """Signals of one trial with the fixation before and the rest after it, by channel."""
    seed = simulation.seed
    valence, arousal = simulation.strength * make_ratings(seed, participant).scores[experiment - 1]
    clean = simulate_eeg(seed, participant, experiment, valence, arousal, simulation.power, simulation.evoked)
    peripheral = simulate_peripheral(seed, participant, experiment, arousal)
    rng = make_rng("raw", seed, participant, experiment)
    # Sample 0 of the simulated trial is the start of the baseline.
    at = np.arange(_BLOCK_S * RAW_RATE) / RAW_RATE - (_FIXATION_S - BASELINE_S)
    horizontal, vertical = _eyes(rng, len(at))
    shared = _HUM * np.sin(2 * np.pi * 50 * at) + _drift(rng, 1, len(at))[0]
    drifts = _drift(rng, len(EEG_CHANNELS), len(at))
    fine = _upsample(clean)
    eeg = dict(zip(EEG_CHANNELS, fine[:, np.round(at * RAW_RATE).astype(int) % fine.shape[1]], strict=True))
    signals = {
        name: eeg[name] + drift + shared + _vertical_share(name) * vertical + _HORIZONTAL.get(name, 0.0) * horizontal
        for name, drift in zip(EEG_CHANNELS, drifts, strict=True)
    }
    # Electrodes at the eyes record the brain, too, so that a regression on them takes a little of it away.
    horizontal = horizontal + _PICKUP * (eeg["F7"] - eeg["F8"])
    vertical = vertical + _PICKUP * (eeg["Fp1"] + eeg["Fp2"])
    others = [np.interp(at, np.arange(N_SAMPLES) / RATE, signal) for signal in peripheral]
    if participant <= LAST_IN_TWENTE:
        others[4] = 1e9 / others[4]
    pairs = (horizontal, vertical, others[2], others[3])
    for number, pair in enumerate(pairs):
        signals[f"EXG{2 * number + 1}"] = shared + pair / 2
        signals[f"EXG{2 * number + 2}"] = shared - pair / 2
    return {**signals, **dict(zip(("GSR1", "Resp", "Plet", "Temp"), others[4:], strict=True))}


def _upsample(signals: Signals) -> Signals:
    """Signals (C, T) at 128 Hz as (C, 4 T) at 512 Hz; exact, since the simulated EEG is periodic."""
    spectrum = np.fft.rfft(signals, axis=1)
    return np.asarray(4 * np.fft.irfft(spectrum, 4 * signals.shape[1], axis=1))


def _eyes(rng: np.random.Generator, n_times: int) -> tuple[Signals, Signals]:
    """Horizontal EOG with saccades and vertical EOG with blinks, (n,) each in µV."""
    impulses = np.zeros(n_times)
    impulses[rng.integers(0, n_times, n_times // (3 * RAW_RATE))] = 1.0
    width = np.arange(-0.25, 0.25, 1 / RAW_RATE)
    blinks = np.convolve(impulses, np.exp(-0.5 * (width / 0.05) ** 2), "same")
    gaze = np.repeat(rng.choice([-1.0, 0.0, 1.0], n_times // (RAW_RATE // 2) + 1), RAW_RATE // 2)[:n_times]
    return _SACCADE * np.convolve(gaze, np.ones(20) / 20, "same"), _BLINK * blinks


def _vertical_share(name: str) -> float:
    return _VERTICAL.get(name.rstrip("z0123456789"), 0.02)


def _drift(rng: np.random.Generator, n_channels: int, n_times: int) -> Signals:
    """Slow drifts (n, T) in µV, zero at both ends."""
    time = np.linspace(0, 1, n_times)
    waves = np.sin(np.pi * np.arange(1, 6)[:, None] * time)
    return np.asarray(_DRIFT * rng.normal(0, 1, (n_channels, 5)) @ waves)


def _status() -> Signals:
    codes = np.zeros(_BLOCK_S * RAW_RATE)
    for second, code in ((0, FIXATION), (_FIXATION_S, START), (_FIXATION_S + _VIDEO_S, END)):
        codes[second * RAW_RATE : round((second + _HELD_S) * RAW_RATE)] = code
    return codes
