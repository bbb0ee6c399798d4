"""The cost of a method, as records hold it; importing it does not import torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median


@dataclass(frozen=True)
class Cost:
    """The cost of one training and of one prediction; None if it could not be measured.

    ``flops`` are the floating-point operations of one sample, from raw instances to logits, with frozen encoders; a
    multiply-add counts 2, computations outside of torch 0. ``latency_ms`` is the median time of the same at batch size
    1, from decoded and standardised instances in memory to logits in memory. ``peak_bytes`` is the peak memory of
    building, reading and training (`PeakMemory`). ``train_seconds`` is the time of the training loop, including the
    predictions after each epoch.
    """

    flops: int | None
    latency_ms: float | None
    peak_bytes: int | None
    train_seconds: float | None


def combine_costs(costs: Sequence[Mapping[str, float | None]]) -> Cost:
    """The cost of several trainings: maximum operations and memory, median latency, mean training time."""

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
