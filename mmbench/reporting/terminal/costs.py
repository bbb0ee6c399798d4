"""Columns and footnotes on calibration and cost."""

from collections.abc import Iterator

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.number_format import (
    format_count,
    format_duration,
    format_latency,
    format_score,
    format_signed,
    format_size,
)
from mmbench.results import N_BINS, Comparison, MethodResult

CALIBRATION = ("ECE", "exp.", "Brier", "NLL")
RESIDUALS = ("bias", "dev.", "cover")
COST = ("params", "FLOPs", "latency", "memory", "train", "total")


def calibration_columns(comparison: Comparison) -> tuple[str, ...]:
    """Titles of the columns of `calibration_cells`."""
    return RESIDUALS if kind_of(comparison.run) == "values" else CALIBRATION


def calibration_cells(method: MethodResult) -> tuple[str, ...]:
    """Expected calibration error, its expectation under perfect calibration, Brier score and log loss.

    For values, of the first target: mean and standard deviation of residuals, and the coverage of 95 % intervals.
    """
    calibration = method.calibration
    if calibration is None:
        return _residual_cells(method) if method.residuals else ("–",) * len(CALIBRATION)
    return (
        f"{calibration.ece:.3f}",
        f"{calibration.ece_by_luck:.3f}".removeprefix("0"),
        f"{calibration.brier.mean:.3f}",
        f"{calibration.nll.mean:.3f}",
    )


def _residual_cells(method: MethodResult) -> tuple[str, ...]:
    assert method.residuals is not None
    first = method.residuals.targets[0]
    coverage = "–" if first.coverage is None else f"{first.coverage.mean:.3f}"
    return format_signed(first.bias.mean), format_score(first.deviation), coverage


def cost_cells(method: MethodResult) -> tuple[str, ...]:
    """Parameters, operations, latency, memory and time of one method; a dash where it could not be measured."""
    cost = method.cost
    return (
        "–" if method.is_elsewhere else format_count(method.parameters["total"]),
        "–" if cost.flops is None else format_count(cost.flops),
        "–" if cost.latency_ms is None else format_latency(cost.latency_ms),
        "–" if cost.peak_bytes is None else format_size(cost.peak_bytes),
        "–" if cost.train_seconds is None else format_duration(cost.train_seconds),
        "–" if method.is_elsewhere else format_duration(method.seconds),
    )


def _calibration_note(comparison: Comparison) -> str:
    kind = kind_of(comparison.run)
    if kind == "values":
        first = comparison.run["classes"][0]
        which = "" if len(comparison.run["classes"]) == 1 else f" of {first}"
        return (
            f"bias, dev.: mean and standard deviation of prediction minus target{which}; cover: share of targets "
            "within 1.96 standard deviations of the validation residuals, .95 if these intervals are right"
        )
    pooled = ", pooled over labels" if kind == "labels" else ""
    return (
        f"ECE: expected calibration error, {N_BINS} bins{pooled}; exp.: ECE expected under perfect calibration with as "
        "many samples; Brier: 0 to 2; NLL: in nats"
    )


def cost_lines(comparison: Comparison) -> Iterator[str]:
    """Footnotes of these columns."""
    devices = sorted({str(method.run["device"]) for method in comparison.methods if not method.is_elsewhere})
    where = f" ({', '.join(devices)})" if devices else ""
    yield (
        f"{_calibration_note(comparison)}; FLOPs, latency: of one sample, frozen encoders included; memory, "
        "train: of one training; total: time of all folds; latency, memory and time: measured on the machine that made "
        f"the records{where}"
    )
