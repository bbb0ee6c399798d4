"""Results of the rows of a claim card."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmbench.data import parse_protocol
from mmbench.results import Comparison, Interval, MethodResult, PretrainedWeights, describe_method, find_pretrained
from mmbench.workflows.claims.cards import ClaimRow, EpochRule, ReportedScore


@dataclass(frozen=True)
class RowScore:
    """Score of one method of a row; ``oracle`` is the score of the oracle epoch minus that of the chosen epoch.

    ``interval`` is None if only the mean over folds is known.
    """

    method: MethodResult
    value: float
    interval: Interval | None
    oracle: float


@dataclass(frozen=True)
class RowResult:
    """A row with its ``comparison``, or the ``reason`` why there is none ("" where it was not run).

    ``command`` runs it. ``left_out`` are parameters of the dataset that the simulated twin does not have.
    """

    row: ClaimRow
    reported: ReportedScore
    metric: str
    command: str
    comparison: Comparison | None
    reason: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[RowScore, ...]:
        """Scores of the method and its baselines at the epoch of the row; empty if it was not run."""
        methods = self.comparison.methods if self.comparison else ()
        return tuple(_score(method, self.row.score, self.metric) for method in methods)

    @property
    def over_reported(self) -> float | None:
        """Score minus the reported score; None if it was not run or the data are simulated."""
        if self.comparison is None or self.comparison.simulated:
            return None
        return self.reported.gap(self.scores[0].value)

    @property
    def leaks(self) -> Mapping[str, float]:
        """Shares of test samples whose trial, session ... is also in the training part, from the records.

        Without sessions where trials are held out: they are in both parts by design.
        """
        if self.comparison is None:
            return {}
        run = self.comparison.run
        protocol = parse_protocol(run["protocol"])
        return {group: share for group, share in run["straddling"].items() if share > 0 and not protocol.spans(group)}

    @property
    def is_valid(self) -> bool:
        """Whether it was run without leaks, without choosing the epoch on test data, and with weights trained here."""
        return self.comparison is not None and not self.leaks and self.row.score != "oracle" and not self.unknown

    @property
    def unknown(self) -> tuple[PretrainedWeights, ...]:
        """The weights of a row that scores a checkpoint whose training data are unknown."""
        if self.comparison is None or not self.row.checkpoint:
            return ()
        found = find_pretrained(self.comparison.methods[0].run)
        return tuple(weights for weights in found if weights.trained_on is None)

    def same_but_held_out(self, other: "RowResult") -> bool:
        """Whether two rows differ only in the protocol and the baselines."""
        free: dict[str, Any] = {"name": "", "protocol": "", "folds": None, "against": (), "reported": None}
        return replace(self.row, **free) == replace(other.row, **free)

    def to_json(self) -> dict[str, Any]:
        """All values of the row, for JSON."""
        row, comparison = self.row, self.comparison
        return {
            "name": row.name,
            "run": comparison is not None,
            "reason": self.reason,
            "command": self.command,
            "protocol": row.protocol,
            "held_out": parse_protocol(row.protocol).summary,
            "epoch": row.score,
            "reported": self.reported.name,
            "left_out": list(self.left_out),
            "straddling": dict(comparison.run["straddling"]) if comparison else None,
            "honest": self.is_valid,
            "unknown_weights": [asdict(weights) for weights in self.unknown],
            "simulated": comparison.simulated if comparison else None,
            "majority": comparison.majority if comparison else None,
            "best_single": comparison.best_single if comparison else None,
            "verdicts": [asdict(verdict) for verdict in comparison.verdicts] if comparison else [],
            "records": str(comparison.path) if comparison else None,
            "scores": [self._score_json(score) for score in self.scores],
            "over_reported": self.over_reported,
        }

    def _score_json(self, score: RowScore) -> dict[str, Any]:
        return {
            "method": score.method.name,
            "value": score.value,
            "interval": asdict(score.interval) if score.interval else None,
            "oracle_gap": score.oracle,
            "details": describe_method(score.method),
        }


def _score(method: MethodResult, rule: EpochRule, metric: str) -> RowScore:
    oracle = method.gap("oracle", metric)
    if rule == "chosen":
        interval = method.scores[metric]
        return RowScore(method, interval.mean, interval, oracle)
    return RowScore(method, method.mean_score(rule, metric), None, oracle)
