"""Comparisons as rows of plain values, for data frames."""

from collections.abc import Sequence
from typing import Any

from mmbench.results.method_result import MethodResult
from mmbench.results.statistics import Verdict


def method_row(method: MethodResult, verdict: Verdict | None) -> dict[str, Any]:
    """Scores of a method with their intervals, and the verdict of the first method against it (None: no verdict)."""
    row: dict[str, Any] = {"method": method.name}
    for name, interval in method.scores.items():
        row |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    row |= {
        "difference": verdict and verdict.difference.mean,
        "difference_low": verdict and verdict.difference.low,
        "difference_high": verdict and verdict.difference.high,
        "p": verdict and verdict.p,
        "verdict": verdict and verdict.word,
        "modalities": ",".join(method.run["encoders"]),
        "parameters": method.parameters.get("total"),
        "seconds": method.seconds,
    }
    return row


def fold_rows(methods: Sequence[MethodResult]) -> list[dict[str, Any]]:
    """The scores of each method, fold and seed."""
    return [
        {
            "method": method.name,
            "fold": record.fold,
            "seed": record.seed,
            "samples": len(record.ids),
            **record.scores["chosen"],
        }
        for method in methods
        for record in method.records
    ]
