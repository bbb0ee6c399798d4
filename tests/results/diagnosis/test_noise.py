"""Noise has the stated power, does not depend on the batch, and skips absent instances."""

from pathlib import Path

import numpy as np
import pytest

from mmbench.contract.types import Column, Modality, Sample, Schema
from mmbench.data.noise import Noise, NoisySource, add_noise
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.results.diagnosis.noisy_tokens import plan_diagnosis

N = 40
MODALITIES = (
    Modality("wave", "timeseries", (2, 400), instances=2, rate=100.0),
    Modality("facts", "vector", (3,)),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    random = np.random.default_rng(0)
    scale = np.array([1.0, 50.0])[:, None]
    samples = [
        Sample(
            f"x{number}",
            {"side": 0},
            {
                "wave": 1000 + scale * random.normal(size=(2, 2, 400)),
                "facts": np.array([[random.normal(), 10 * random.normal(), 7.0]]),
            },
            present={"wave": np.array([True, number % 2 == 0])},
        )
        for number in range(N)
    ]
    write_samples(tmp_path / "x.h5", samples, Schema(MODALITIES, {"side": ("a", "b")}), {"key": "k", "dropped": []})
    return Store(tmp_path / "x.h5")


def noise_in(store: Store, name: str, snr: float) -> tuple[np.ndarray, np.ndarray]:
    source, rows = store.source(name), np.arange(N)
    x, present = source.read(rows)
    return NoisySource(source, Noise(store, name), snr).read(rows)[0] - x, present


@pytest.mark.parametrize("snr", [20, 0, -10])
def test_each_channel_has_noise_of_its_own_power_about_its_mean(store: Store, snr: int) -> None:
    noise, present = noise_in(store, "wave", snr)
    power = noise[present].var(axis=(0, 2)) / np.array([1.0, 2500.0])
    assert 10 * np.log10(power) == pytest.approx(-snr, abs=0.3)
    assert not noise[~present].any()


def test_a_feature_has_noise_as_it_varies_over_samples(store: Store) -> None:
    noise, _ = noise_in(store, "facts", 0)
    x, _ = store.source("facts").read(np.arange(N))
    assert noise[:, 0].std(axis=0)[:2] / x[:, 0].std(axis=0)[:2] == pytest.approx([1, 1], abs=0.3)
    assert not noise[..., 2].any(), "what does not vary has no power"


def test_a_sample_has_the_same_noise_in_any_company(store: Store) -> None:
    rows = np.array([7, 3])
    source = NoisySource(store.source("wave"), Noise(store, "wave"), 10)
    alone = [source.read(rows[[at]])[0][0] for at in range(2)]
    assert np.array_equal(source.read(rows)[0], np.stack(alone))
    louder, _ = noise_in(store, "wave", 0)
    softer, _ = noise_in(store, "wave", 20)
    assert np.allclose(louder, 10 * softer, atol=0.01)


def test_pixels_stay_whole_and_in_range() -> None:
    x = np.full((1, 2, 3, 4, 4), 250, dtype=np.uint8)
    noise = np.linspace(-30, 30, x.size, dtype=np.float32).reshape(x.shape)
    noisy = add_noise(x, np.array([[True, False]]), noise, 0)
    assert noisy.dtype == np.uint8
    assert noisy[0, 0].min() == 220
    assert noisy[0, 0].max() < 255
    assert (noisy[0, 1] == 250).all()
    assert (add_noise(x, np.array([[True, True]]), noise, 0)[0, 1].max()) == 255


def test_a_diagnosis_leaves_out_texts_and_tables_with_the_reason(tmp_path: Path) -> None:
    modalities = [*MODALITIES, Modality("note", "text", ()), Modality("age", "table", (1,), columns=(Column("age"),))]
    plan = plan_diagnosis("full", modalities, {}, tmp_path)
    assert plan.left_out == {"note": "noise does not apply to text", "age": "noise does not apply to tables"}
    assert plan_diagnosis("full", MODALITIES, {}, tmp_path).left_out == {}
