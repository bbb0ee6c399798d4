"""Milmer at its published size with random weights, and simulated bags for it: 10 pictures of 224 px, 32 channels."""

import io
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from mmbench import Encoder, Modality, Sample, Schema
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.registry.build import build_encoder, build_fusion
from mmbench.registry.specs import parse_spec
from mmbench.training.model import Model
from mmbench_milmer.swin import Swin

BAG, SIDE, CHANNELS, TIMES = 10, 224, 32, 384
FACE = Modality("face", "image", (3, SIDE, SIDE), instances=BAG)
EEG = Modality("eeg", "timeseries", (CHANNELS, TIMES), rate=128.0)
SCHEMA = Schema((EEG, FACE), {"quadrant": ("HAHV", "LAHV", "LALV", "HALV")})
SWIN = "swin[pretrained=false,frozen={frozen}]"


def write_store(path: Path, n_samples: int, n_pictures: int | None = None) -> Store:
    """Simulated samples in a prepared file: images as JPEG; ``n_pictures`` different ones are repeated."""
    random = np.random.default_rng(0)
    pictures = cycle([picture(random) for _ in range(n_pictures or n_samples * BAG)])
    write_samples(
        path,
        [
            Sample(
                f"s{row}",
                {"quadrant": row % 4},
                {
                    "eeg": random.standard_normal((1, CHANNELS, TIMES)).astype(np.float32),
                    "face": [next(pictures) for _ in range(BAG)],
                },
            )
            for row in range(n_samples)
        ],
        SCHEMA,
        {"key": "benchmark"},
    )
    return Store(path)


def picture(random: np.random.Generator) -> bytes:
    """Smooth noise as JPEG."""
    coarse = Image.fromarray(random.integers(0, 256, (14, 14, 3), dtype=np.uint8))
    file = io.BytesIO()
    coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=95)
    return file.getvalue()


def make_swin(frozen: bool, side: int = SIDE) -> Swin:
    """Swin-tiny with random weights, the same in every call."""
    face = Modality("face", "image", (3, side, side), instances=BAG)
    swin = build_encoder(parse_spec(SWIN.format(frozen=str(frozen).lower())), face, (), seed=0)
    assert isinstance(swin, Swin)
    return swin


def make_model(encoders: Sequence[Encoder], face: Encoder) -> Model:
    """Milmer over the tokens of ``face`` and of the EEG; ``encoders`` are part of the model."""
    eeg = build_encoder(parse_spec("milmer-eeg"), EEG, (), seed=0)
    tokens = {name: encoder.out for name, encoder in (("eeg", eeg), ("face", face))}
    specs = {name: type(out)(out.length, out.dim, SCHEMA.modality(name).instances) for name, out in tokens.items()}
    fusion = build_fusion(parse_spec("milmer"), specs, SCHEMA.tasks["quadrant"], (), seed=0)
    return Model({"eeg": eeg, **{encoder.modality.name: encoder for encoder in encoders}}, fusion)
