"""Predictions of a trained model under every condition of a diagnosis."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from mmbench.contract import Tokens
from mmbench.data import SNRS_DB, Noise, Rows, Source, add_noise, open_tokens
from mmbench.registry import seed_torch
from mmbench.results.diagnosis.perturbations import MISSING, SHIFTS, neighbours, shuffles, subsets
from mmbench.results.diagnosis.predictions import Diagnosis, Predictions, Shifted, make_unscored
from mmbench.results.diagnosis.trained_model import ModalityPredictor, TrainedModel, batches
from mmbench.storage import file_identity
from mmbench.training import as_tokens, deterministic

_BATCH = 64


def diagnose_model(trained: TrainedModel) -> Diagnosis:
    """Predictions of a trained model for its test part under every condition.

    Leaves weights and random states unchanged, so that no other result depends on the diagnosis.
    """
    start = time.perf_counter()
    trained.model.to(trained.device).eval()
    with deterministic(trained.device), torch.random.fork_rng(devices=[]), torch.inference_mode():
        seed_torch(0)
        return _diagnose(trained, start)


def _diagnose(trained: TrainedModel, start: float) -> Diagnosis:
    names, test = trained.modalities, trained.fold.test
    shifts_of = {name: dict(_shifts(trained, name)) for name in names}
    shifted_rows = [shift.rows for shifts in shifts_of.values() for shift in shifts.values()]
    with ModalityPredictor(trained, np.unique(np.concatenate([test, *shifted_rows]))) as predictor:
        return Diagnosis(
            modalities=names,
            subsets={subset: predictor.predict(sources) for subset, sources in subsets(names, test)},
            shuffled={
                name: tuple(predictor.predict(sources) for sources in shuffles(name, test, trained.fold.name))
                for name in names
            },
            noise={name: _predict_with_noise(predictor, name) for name in names if name not in trained.left_out},
            shift={
                name: {windows: _predict_shifted(predictor, name, shift) for windows, shift in shifts.items()}
                for name, shifts in shifts_of.items()
                if shifts
            },
            left_out=trained.left_out,
            seconds=time.perf_counter() - start,
        )


@dataclass(frozen=True)
class _Shift:
    """Positions ``at`` of test samples with a shifted window, the ``rows`` of these, the median shift in seconds."""

    at: Rows
    rows: Rows
    seconds: float


def _shifts(trained: TrainedModel, name: str) -> Iterator[tuple[int, _Shift]]:
    """Shifts of one modality for which any test sample has a window, by the number of windows."""
    test, start = trained.fold.test, trained.store.spans[:, 0]
    for windows in SHIFTS:
        found = neighbours(trained.store, name, windows)[test]
        at = np.flatnonzero(found != MISSING)
        if at.size:
            yield windows, _Shift(at, found[at], float(np.median(start[found[at]] - start[test[at]])))


def _predict_shifted(predictor: ModalityPredictor, name: str, shift: _Shift) -> Shifted:
    rows = predictor.trained.fold.test.copy()
    rows[shift.at] = shift.rows
    found = predictor.predict({name: rows}, shift.at)
    predictions = make_unscored(np.zeros((len(rows), *found.shape[1:]), dtype=found.dtype))
    predictions[shift.at] = found
    return Shifted(shift.seconds, predictions)


def _predict_with_noise(predictor: ModalityPredictor, name: str) -> dict[int, Predictions]:
    """Predictions with noise on the raw instances of one modality, by signal-to-noise ratio in dB."""
    trained = predictor.trained
    noisy = _read_noisy_tokens if name in trained.noisy else _encode_noisy
    found: dict[int, list[Predictions]] = {snr: [] for snr in SNRS_DB}
    for rows in batches(trained.fold.test, _BATCH):
        tokens = predictor.clean(rows)
        for snr, perturbed in noisy(predictor, name, rows):
            found[snr].append(predictor.classify({**tokens, name: perturbed}))
    return {snr: np.concatenate(parts) for snr, parts in found.items()}


def _read_noisy_tokens(predictor: ModalityPredictor, name: str, rows: Rows) -> Iterator[tuple[int, Tokens]]:
    trained = predictor.trained
    for snr, path in trained.noisy[name].items():
        source = _open(path, name)
        lengths = None if source.lengths is None else source.lengths[rows]
        bags = trained.inputs.streams[name].standardize(*source.read(rows), lengths, rows)
        yield snr, as_tokens(bags.to(trained.device))


def _encode_noisy(predictor: ModalityPredictor, name: str, rows: Rows) -> Iterator[tuple[int, Tokens]]:
    stream = predictor.trained.inputs.streams[name]
    # Images are decoded once for all noise levels, or not at all where the training kept them.
    x, present = stream.raw(rows)
    lengths = None if stream.lengths is None else stream.lengths[rows]
    noise = Noise(predictor.trained.store, name).draw(x, rows)
    for snr in SNRS_DB:
        noisy = stream.standardize(add_noise(x, present, noise, snr), present, lengths, rows)
        yield snr, predictor.encode(name, noisy)


def _open(path: Path, name: str) -> Source:
    return _opened(path, name, file_identity(path))


@lru_cache(maxsize=16)
def _opened(path: Path, name: str, which: tuple[int, ...]) -> Source:
    return open_tokens(path, name)
