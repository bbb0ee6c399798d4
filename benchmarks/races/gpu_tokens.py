"""Tokens of a frozen Swin-tiny on a GPU, from coded pictures in the prepared file, against the bare network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from racing import Differs, Field, Goal, Measured, measure

from mmbench.features import Encoding, encode
from mmbench.specs import parse_spec
from mmbench.store import ArraySource
from races.milmer_parts import BAG, SWIN, make_swin, write_store

NAME = "gpu_tokens"
TITLE = "tokens on a GPU"
OURS, BARE = "mmbench, files to tokens", "bare Swin-tiny, bfloat16, channels last"
UNIT = "pictures/s"
GOALS = (Goal("at least 60 % of the bare network", OURS, BARE, UNIT, least=0.6),)
BATCH = 64


def available() -> str | None:
    return None if torch.cuda.is_available() else "no GPU"


@contextmanager
def enter(folder: Path, quick: bool) -> Iterator[Field]:
    n = 2 if quick else 200
    store = write_store(folder / "race.h5", n)
    device = torch.device("cuda")
    net = make_swin(frozen=True).to(device, memory_format=torch.channels_last)
    # As they lie in a batch of ours, but scaled and on the device before the clock runs.
    pixels = net.scaling(torch.from_numpy(store.source("face").read(np.arange(n))[0]).flatten(0, 1).to(device))

    def ours() -> Measured:
        for made in (folder / "tokens").glob("*"):
            made.unlink()
        what = Encoding(store.path, "face", parse_spec(SWIN.format(frozen="true")), (), "cuda")
        return per_second(lambda: ArraySource(encode(what, folder), "face").read(np.arange(n))[0])

    @torch.inference_mode()
    def forward() -> np.ndarray:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            parts = [
                net.net.forward_features(part.contiguous(memory_format=torch.channels_last)).flatten(1, 2).float()
                for part in pixels.split(BATCH)
            ]
        torch.cuda.synchronize()
        return torch.cat(parts).unflatten(0, (n, BAG)).cpu().numpy()

    def per_second(work: Any) -> Measured:
        done = measure(work)
        return Measured({UNIT: n * BAG / done.figures["s"]}, done.result)

    about = (
        f"{n * BAG} simulated pictures of 224 px, coded in the prepared file; for the bare network scaled on the GPU"
    )
    yield Field({OURS: ours, BARE: lambda: per_second(forward)}, check, about)


def check(results: Mapping[str, Any]) -> None:
    """The same tokens, but for what bfloat16 rounds."""
    gap = np.abs(results[OURS] - results[BARE]).max() / np.abs(results[BARE]).max()
    if not gap <= 0.05:
        raise Differs(f"tokens differ by {gap:.1%} of the largest")
