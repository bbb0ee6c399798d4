"""Tokens of a frozen Swin-tiny on a GPU, from encoded images in the prepared file, against the network alone."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import cpu_count
from timing import Contenders, Goal, Measured, ResultsDiffer, measure
from torch import Tensor

from mmbench.data.sources import ArraySource
from mmbench.data.store import Store
from mmbench.features.cache import Encoding, encode
from mmbench.features.prefetch import RawInstances, read_ahead
from mmbench.registry.specs import parse_spec
from speed.milmer_parts import BAG, SWIN, make_swin, write_store

NAME = "gpu_tokens"
TITLE = "tokens on a GPU"
OURS, DECODER = "mmbench, prepared file to token file", "its decoder alone"
BARE, MIXED = "bare Swin-tiny, bfloat16, channels last", "bare Swin-tiny, mixed with float32, channels last"
UNIT = "pictures/s"
GOALS = (
    Goal("at least 80 % of the bare network", OURS, BARE, UNIT, least=0.8),
    Goal("the decoder alone is faster", DECODER, OURS, UNIT, least=1.0),
)
BATCH = 256
RESIDENT = 8  # batches of the bare network, used repeatedly
SHARE = 4  # the bare network and the decoder get this fraction of the images, 1 / SHARE


def available() -> str | None:
    return None if torch.cuda.is_available() else "no GPU"


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    # As many samples as DEAP, or as fit on the disk.
    n = 300 if quick else min(17_480, shutil.disk_usage(folder).free // 2 // (6 * BAG * 49 * 768))
    store = write_store(folder / "benchmark.h5", n, n_pictures=500)
    device = torch.device("cuda")
    swin = make_swin(frozen=True).to(device).to(memory_format=torch.channels_last)
    # The same batches as ours, but scaled and on the device before timing.
    some = torch.from_numpy(store.source("face").read(np.arange(RESIDENT * BATCH // BAG + 1))[0]).flatten(0, 1)
    batches = [
        swin.scaling(part.to(device)).contiguous(memory_format=torch.channels_last)
        for part in torch.split(some[: RESIDENT * BATCH], BATCH)
    ]
    whole = make_swin(frozen=True).to(device, torch.bfloat16).to(memory_format=torch.channels_last)
    halved = [batch.bfloat16() for batch in batches]
    yield Contenders(
        {
            OURS: partial(ours, store, folder, n),
            BARE: partial(bare, whole.net.forward_features, halved, n // SHARE),
            MIXED: partial(bare, mixed(swin.net.forward_features), batches, n // SHARE),
            DECODER: partial(decode, store, n // SHARE),
        },
        check,
        f"{n * BAG} simulated pictures of 224 px (500 different), coded in the prepared file, {cpu_count()} cores; "
        f"the bare network is shown {RESIDENT} batches of {BATCH}, scaled and on the GPU before, in turn",
    )


def ours(store: Store, folder: Path, n: int) -> Measured:
    for path in (folder / "tokens").glob("*"):
        path.unlink()
    what = Encoding(store.path, "face", parse_spec(SWIN.format(frozen="true")), (), "cuda")
    done = measure(lambda: encode(what, folder, cpu_count()))
    first = ArraySource(done.result, "face").read(np.arange(RESIDENT * BATCH // BAG))[0]
    return per_second(n, done, first.reshape(-1, *first.shape[2:]))


def bare(forward: Callable[[Tensor], Tensor], batches: list[Tensor], n: int) -> Measured:
    @torch.inference_mode()
    def work() -> list[Tensor]:
        outputs = [forward(batch).flatten(1, 2) for batch in islice(cycle(batches), n * BAG // BATCH)][:RESIDENT]
        torch.cuda.synchronize()
        return outputs

    done = measure(work)
    return per_second(n * BAG // BATCH * BATCH / BAG, done, torch.cat(done.result).float().cpu().numpy())


def mixed(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def forward_mixed(batch: Tensor) -> Tensor:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            return forward(batch)

    return forward_mixed


def decode(store: Store, n: int) -> Measured:
    parts = np.array_split(np.arange(n), n // 32)
    done = measure(lambda: sum(len(x) for x, _ in read_ahead(RawInstances(store.path, "face"), parts, cpu_count())))
    return per_second(n, done, None)


def per_second(n: float, done: Measured, result: Any) -> Measured:
    return Measured({UNIT: n * BAG / done.figures["s"]}, result)


def check(results: Mapping[str, Any]) -> None:
    """Check that tokens agree up to the precision of bfloat16."""
    for bare in (BARE, MIXED):
        n = min(len(results[OURS]), len(results[bare]))
        gap = np.abs(results[OURS][:n] - results[bare][:n]).max() / np.abs(results[bare]).max()
        if not gap <= 0.05:
            raise ResultsDiffer(f"tokens differ by {gap:.1%} of the largest")
