"""Tokens of noisy instances for a diagnosis, encoded once for all folds and seeds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmbench.contract import Modality
from mmbench.data import NOISE_OBSTACLES, SNRS_DB, Store
from mmbench.features import FROZEN_SEED, Encoding, count_parameters, encode
from mmbench.registry import build_encoder
from mmbench.results.diagnosis.predictions import DiagnosisLevel

_COSTLY = 1_000_000  # parameters of a frozen encoder above which ``auto`` does not run it again


@dataclass(frozen=True)
class DiagnosisPlan:
    """Token files of frozen encoders, ``noisy``, by modality and signal-to-noise ratio in dB.

    ``left_out`` are the modalities without noise, with the reason.
    """

    noisy: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def plan_diagnosis(
    level: DiagnosisLevel, modalities: Collection[Modality], frozen: Mapping[str, Encoding], cache: Path, jobs: int = 1
) -> DiagnosisPlan | None:
    """Encode noisy instances for a method that reads ``modalities``, with its ``frozen`` encoders.

    None if nothing is diagnosed: for the level ``no``, or fewer than two modalities.
    """
    if level == "no" or len(modalities) < 2:
        return None
    noisy = {}
    left_out = {each.name: NOISE_OBSTACLES[each.kind] for each in modalities if each.kind in NOISE_OBSTACLES}
    for name, what in frozen.items():
        if name in left_out:
            continue
        size = _size(what)
        if skips_noise(level, size):
            left_out[name] = f"its frozen encoder is large ({size / 1e6:.1f}M parameters)"
        else:
            noisy[name] = {snr: encode(replace(what, snr_db=snr), cache, jobs) for snr in SNRS_DB}
    return DiagnosisPlan(noisy, left_out)


def skips_noise(level: DiagnosisLevel, size: int) -> bool:
    """Whether noise is skipped for a frozen encoder with ``size`` parameters."""
    return level == "auto" and size > _COSTLY


def _size(what: Encoding) -> int:
    modality = Store(what.store).schema.modality(what.modality)
    return count_parameters(build_encoder(what.encoder, modality, what.plugins, FROZEN_SEED))
