"""Scoring of a run: the kind of its task, the metric that decides, and the metrics that stand beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmbench.contract import Metric, Task, TaskKind
from mmbench.registry import find_metric, find_recorded_metric
from mmbench.training import METRICS


@dataclass(frozen=True)
class Scoring:
    """The kind of a task, its deciding ``metric``, and all ``metrics`` of a record, in order.

    The defaults are those of records that name none.
    """

    kind: TaskKind = "class"
    metric: str = "balanced_accuracy"
    metrics: tuple[str, ...] = METRICS

    def described(self) -> dict[str, Any]:
        """What the description of a run says of it: the values that are not the defaults."""
        plain = {"kind": self.kind, "metric": self.metric, "metrics": list(self.metrics)}
        return {name: value for name, value in plain.items() if getattr(self, name) != getattr(Scoring, name)}

    def find_metrics(self, plugins: tuple[str, ...] | None = None) -> dict[str, Metric]:
        """The metrics by name: those of ``plugins``, or, for records, of any plugin that this process loaded."""
        if plugins is None:
            return {name: find_recorded_metric(name) for name in self.metrics}
        return {name: find_metric(name, plugins) for name in self.metrics}


def choose_scoring(task: Task, metric: str) -> Scoring:
    """The scoring of a task by ``metric``, which stands beside those of the task."""
    metrics = tuple(dict.fromkeys((*task.shown_metrics, metric)))
    return Scoring(task.kind, metric, METRICS if set(metrics) == set(METRICS) else metrics)


def scoring_of(run: Mapping[str, Any]) -> Scoring:
    """The scoring of a run by its description."""
    found = scoring_fields(run)
    return Scoring(**{**found, **({"metrics": tuple(found["metrics"])} if "metrics" in found else {})})


def scoring_fields(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the description of a run says of its scoring; missing values are the defaults of `Scoring`."""
    return {name: run[name] for name in ("kind", "metric", "metrics") if name in run}
