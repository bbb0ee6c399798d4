"""What a method costs beside its parameters: operations, latency, memory, time. Measured in each job, after training.

Nothing measured here is part of a result or of its key: random generators are set back, networks are in evaluation
mode, and what fails to be measured is None, since no cost is worth a training.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.contract import Encoder, Tokens
from mmbench.data import Inputs, Source
from mmbench.training.determinism import deterministic, mixed_precision
from mmbench.training.flops import count_flops
from mmbench.training.model import Model, encode_bag

_WARM_UPS, _REPETITIONS = 3, 11
_SHARE, _LEAST, _MOST = 0.02, 0.02, 1.0  # of the training's time, and seconds, that measuring latency may take


@dataclass(frozen=True)
class Cost:
    """What one training and one prediction cost; None where it could not be measured.

    ``flops`` are the floating-point operations of one sample, from raw instances to logits, encoders that are frozen
    included; a multiply-add counts 2, what is computed outside of torch 0. ``latency_ms`` is the median time of the
    same at batch 1, from decoded and standardised instances in memory to logits in memory. ``peak_bytes`` is what
    building, reading and training took (`memory.PeakMemory`). ``train_seconds`` is the time of the training loop
    alone, predictions after each epoch included.
    """

    flops: int | None
    latency_ms: float | None
    peak_bytes: int | None
    train_seconds: float | None


def combine_costs(costs: Sequence[Mapping[str, float | None]]) -> Cost:
    """The costs of several trainings in one: the most operations and memory, the median latency, the mean time."""

    def combine(name: str, how: Callable[[list[float]], float]) -> float | None:
        known = [value for cost in costs if (value := cost.get(name)) is not None]
        return how(known) if known else None

    flops, peak = combine("flops", max), combine("peak_bytes", max)
    return Cost(
        None if flops is None else int(flops),
        combine("latency_ms", median),
        None if peak is None else int(peak),
        combine("train_seconds", mean),
    )


@dataclass(frozen=True)
class ForwardPass:
    """A forward pass of one sample: floating-point operations, and its median time in milliseconds."""

    flops: int
    milliseconds: float


def most_complete_row(present: Sequence[NDArray[np.bool_]]) -> int:
    """The first row with the most instances, over the presence ``(N, K)`` of all modalities."""
    return int(np.argmax(sum(each.sum(axis=1) for each in present)))


def measure_model(model: Model, inputs: Inputs, row: int, device: torch.device, trained: float) -> ForwardPass | None:
    """From raw instances, or tokens of frozen encoders, to logits; ``trained`` seconds tell how long to measure.

    It leaves the model in evaluation mode and without gradients: it is for models that are done with.
    """
    # Torch's counter stumbles over views of parameters that want a gradient.
    model.eval().requires_grad_(False)
    batch = inputs.batch(np.array([row]), torch.device("cpu"))
    return measure(lambda: model(_on(batch, device)), device, min(max(_SHARE * trained, _LEAST), _MOST))


_FROZEN: dict[Path, ForwardPass | None] = {}


def measure_frozen_encoder(
    tokens: Path, build: Callable[[], Encoder], source: Source, row: int, device: torch.device
) -> ForwardPass | None:
    """From raw instances to tokens, measured once a process for each file of tokens."""
    if tokens not in _FROZEN:
        encoder = build().to(device).eval().requires_grad_(False)
        batch = {"": Tokens(*(torch.from_numpy(np.ascontiguousarray(part)) for part in source.read(np.array([row]))))}
        _FROZEN[tokens] = measure(lambda: encode_bag(encoder, *_on(batch, device)[""]), device, _MOST)
    return _FROZEN[tokens]


def add_costs(passes: Sequence[ForwardPass | None], peak: int | None, trained: float) -> Cost:
    """The cost of the passes one after the other."""
    known = [each for each in passes if each is not None]
    if len(known) < len(passes):
        return Cost(None, None, peak, trained)
    return Cost(sum(each.flops for each in known), sum(each.milliseconds for each in known), peak, trained)


def measure(forward: Callable[[], Tensor], device: torch.device, seconds: float) -> ForwardPass | None:
    """Operations and time of a pass; a few passes at most where it is slow. None where it fails."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), deterministic(device):
        try:
            flops = count_flops(lambda: _predict(forward, device))
            with torch.inference_mode():
                return ForwardPass(flops, 1000 * median(_times(lambda: _predict(forward, device), seconds)))
        except Exception:  # a network may fail on a batch of one that was trained on larger ones
            return None


def _predict(forward: Callable[[], Tensor], device: torch.device) -> Tensor:
    with mixed_precision(device):
        return forward().float().cpu()


def _on(batch: Mapping[str, Tokens], device: torch.device) -> dict[str, Tokens]:
    return {name: Tokens(*(part.to(device) for part in stream)) for name, stream in batch.items()}


def _times(forward: Callable[[], object], seconds: float) -> list[float]:
    """How long passes took, without the first few of many; no new one is begun after ``seconds``."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or (len(times) < _WARM_UPS + _REPETITIONS and time.perf_counter() < end):
        start = time.perf_counter()
        forward()
        times.append(time.perf_counter() - start)
    return times[min(_WARM_UPS, len(times) - 1) :]
