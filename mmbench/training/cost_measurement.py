"""Measures the cost of a method in each job, after training: operations, latency, memory, training time.

Measuring changes no result and no key: random generators are restored and networks are in evaluation mode. What cannot
be measured is None, so that a failure here does not fail the job.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.contract import Encoder
from mmbench.data import Bags, Inputs, Source, read_bags
from mmbench.training.bag_encoding import encode_bag
from mmbench.training.cost import Cost
from mmbench.training.determinism import deterministic, mixed_precision
from mmbench.training.flops import count_flops
from mmbench.training.model import Model

_WARM_UPS, _REPETITIONS = 3, 11
_SHARE, _MIN_SECONDS, _MAX_SECONDS = (
    0.02,
    0.02,
    1.0,
)  # share of the training time, and limits in s, for measuring latency


@dataclass(frozen=True)
class ForwardPass:
    """A forward pass of one sample: floating-point operations, and its median time in milliseconds."""

    flops: int
    milliseconds: float


def most_complete_row(present: Sequence[NDArray[np.bool_]]) -> int:
    """The first row with the most present instances; ``present`` has a mask ``(N, K)`` for each modality."""
    return int(np.argmax(sum(each.sum(axis=1) for each in present)))


def measure_model(model: Model, inputs: Inputs, row: int, device: torch.device, trained: float) -> ForwardPass | None:
    """The pass from raw instances, or tokens of frozen encoders, to logits, measured for a share of ``trained`` s.

    The model is left in evaluation mode and without gradients, for it is not used any more.
    """
    # Torch's counter fails on views of parameters that require gradients.
    model.eval().requires_grad_(False)
    batch = inputs.batch(np.array([row]), torch.device("cpu"))
    return measure(lambda: model(_on(batch, device)), device, min(max(_SHARE * trained, _MIN_SECONDS), _MAX_SECONDS))


_FROZEN: dict[Path, ForwardPass | None] = {}


def measure_frozen_encoder(
    tokens: Path, build: Callable[[], Encoder], source: Source, row: int, device: torch.device
) -> ForwardPass | None:
    """The pass from raw instances to tokens, measured once per process for each token file."""
    if tokens not in _FROZEN:
        encoder = build().to(device).eval().requires_grad_(False)
        bags = read_bags(source, np.array([row]))
        _FROZEN[tokens] = measure(lambda: encode_bag(encoder, bags.to(device)).x, device, _MAX_SECONDS)
    return _FROZEN[tokens]


def add_costs(passes: Sequence[ForwardPass | None], peak: int | None, trained: float) -> Cost:
    """The sum of the passes, with the memory and time of the training; flops and latency None if one failed."""
    known = [each for each in passes if each is not None]
    if len(known) < len(passes):
        return Cost(None, None, peak, trained)
    return Cost(sum(each.flops for each in known), sum(each.milliseconds for each in known), peak, trained)


def measure(forward: Callable[[], Tensor], device: torch.device, seconds: float) -> ForwardPass | None:
    """Operations and time of a pass, repeated for at most ``seconds``; None if it fails."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), deterministic(device):
        try:
            flops = count_flops(lambda: _predict(forward, device))
            with torch.inference_mode():
                return ForwardPass(flops, 1000 * median(_times(lambda: _predict(forward, device), seconds)))
        except Exception:  # some networks fail on a batch of one
            return None


def _predict(forward: Callable[[], Tensor], device: torch.device) -> Tensor:
    with mixed_precision(device):
        return forward().float().cpu()


def _on(batch: Mapping[str, Bags], device: torch.device) -> dict[str, Bags]:
    return {name: bags.to(device) for name, bags in batch.items()}


def _times(forward: Callable[[], object], seconds: float) -> list[float]:
    """Times of passes in s, without warm-ups if there are enough; none starts after ``seconds``."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or (len(times) < _WARM_UPS + _REPETITIONS and time.perf_counter() < end):
        start = time.perf_counter()
        forward()
        times.append(time.perf_counter() - start)
    return times[min(_WARM_UPS, len(times) - 1) :]
