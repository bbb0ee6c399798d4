"""What is told of calibration and cost with the details of a comparison."""

from collections.abc import Iterator

from mmbench.reporting.terminal.quantities import short_count, short_latency, short_size, short_time
from mmbench.results import N_BINS, Comparison, MethodResult

CALIBRATION = ("ECE", "luck", "Brier", "NLL")
COST = ("params", "FLOPs", "latency", "memory", "train", "all")


def calibration_cells(method: MethodResult) -> tuple[str, ...]:
    """How far its probabilities can be believed."""
    calibration = method.calibration
    return (
        f"{calibration.ece:.3f}",
        f"{calibration.ece_by_luck:.3f}".removeprefix("0"),
        f"{calibration.brier.mean:.3f}",
        f"{calibration.nll.mean:.3f}",
    )


def cost_cells(method: MethodResult) -> tuple[str, ...]:
    """What one method took; a dash for what its machine could not measure."""
    cost = method.cost
    return (
        short_count(method.parameters["total"]),
        "–" if cost.flops is None else short_count(cost.flops),
        "–" if cost.latency_ms is None else short_latency(cost.latency_ms),
        "–" if cost.peak_bytes is None else short_size(cost.peak_bytes),
        "–" if cost.train_seconds is None else short_time(cost.train_seconds),
        short_time(method.seconds),
    )


def cost_lines(comparison: Comparison) -> Iterator[str]:
    """What these columns mean."""
    devices = sorted({str(method.run["device"]) for method in comparison.methods})
    yield f"ECE: calibration error over {N_BINS} bins; luck: what a perfect model would show on as"
    yield "many samples; Brier: 0 to 2; NLL: in nats; FLOPs, latency: of one sample, from"
    yield "raw instances, frozen encoders included; memory, train: of one training; all:"
    yield "time of all folds; latency, memory and time are of the machine that made the"
    yield f"records ({', '.join(devices)})"
