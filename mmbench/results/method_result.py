"""Results of one method: its predictions, scores, calibration or residuals, diagnosis and cost, from its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.registry import orient
from mmbench.results.calibration import Calibration, calibrate, calibrate_labels
from mmbench.results.diagnosis.scores import ModalityScores, score_modalities
from mmbench.results.elsewhere.origin import MARK, has_scores, is_elsewhere
from mmbench.results.failures import Failure
from mmbench.results.records import Record
from mmbench.results.residuals import Residuals, measure_residuals
from mmbench.results.scoring import Scoring, scoring_of
from mmbench.results.statistics import Interval, Outcomes, difference_intervals, interval_by, score_intervals
from mmbench.training import Cost, combine_costs


@dataclass(frozen=True)
class MethodResult:
    """Records of one method on one dataset under one protocol, and its failed jobs."""

    folder: Path
    run: Mapping[str, Any]
    records: tuple[Record, ...]
    failures: tuple[Failure, ...] = ()
    label: str | None = None

    @property
    def name(self) -> str:
        """The method as given on the command line, or ``label`` where another method has the same name.

        Marked where the predictions were made elsewhere.
        """
        mark = f" ({MARK})" if self.is_elsewhere else ""
        return self.label or f"{self.run['method']}{mark}"

    @property
    def is_elsewhere(self) -> bool:
        """Whether the predictions were made elsewhere, so that nothing is known of their training."""
        return is_elsewhere(self.run)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Predictions for all test samples, one row per seed, with unit and fold of each sample.

        Seeds with missing folds are excluded; if every seed lacks folds, those with the most folds are used.
        """
        rows = list(self._whole_seeds.values())
        units = np.concatenate([record.units for record in rows[0]])
        kind = self.scoring.kind
        predictions = (
            np.stack([np.concatenate([record.predictions for record in each]) for each in rows])
            if kind == "class"
            else self.outputs
        )
        return Outcomes(
            labels=np.concatenate([record.labels for record in rows[0]]).astype(
                np.float64 if kind == "values" else np.int64
            ),
            predictions=predictions,
            unit=np.unique(units, return_inverse=True)[1],
            fold=np.repeat(np.arange(len(rows[0])), [len(record.ids) for record in rows[0]]),
            n_classes=len(self.run["classes"]),
            varies=self.varies,
            kind=kind,
            metric=self.metric,
            metrics=self.metrics,
            outputs=self.outputs if kind == "class" and set(self.metrics) - set(Scoring.metrics) else None,
        )

    @cached_property
    def scoring(self) -> Scoring:
        """The kind of the task and the names of the metrics."""
        return scoring_of(self.run)

    @property
    def metric(self) -> str:
        """The name of the metric of verdicts and ranking."""
        return self.scoring.metric

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics of the run, by name."""
        return self.scoring.find_metrics()

    @cached_property
    def score(self) -> Interval:
        """The score by the metric of verdicts and ranking; other metrics are not computed."""
        return interval_by(self.outcomes, self.metric)

    @cached_property
    def outputs(self) -> NDArray[np.float64]:
        """Logits or values ``(S, n, n_outputs)`` of all test samples."""
        rows = self._whole_seeds.values()
        return np.stack([np.concatenate([np.asarray(record.logits) for record in each]) for each in rows]).astype(
            np.float64
        )

    @property
    def varies(self) -> bool:
        """Whether predictions depend on the training seed; False if nothing is trained, as in a prior.

        Predictions made elsewhere and estimators, whose parameters are not known, count as those of a training, unless
        they are the same for every sample and seed of a fold, as those of a prior.
        """
        if self.is_elsewhere or "estimator" in self.run:
            return not self._is_constant
        return any(record.parameters["trainable"] for record in self.records)

    @property
    def _is_constant(self) -> bool:
        """Whether all samples of a fold have one prediction, in all seeds."""
        of_fold: dict[str, set[tuple[float, ...]]] = {}
        for record in self.records:
            of_fold.setdefault(record.fold, set()).update(record.logits)
        return all(len(outputs) == 1 for outputs in of_fold.values())

    @cached_property
    def _whole_seeds(self) -> Mapping[int, Sequence[Record]]:
        """Records of each seed with all folds, sorted by fold."""
        seeds: dict[int, list[Record]] = {}
        for record in sorted(self.records, key=lambda record: record.fold):
            seeds.setdefault(record.seed, []).append(record)
        most = max(map(len, seeds.values()))
        whole = {seed: found for seed, found in sorted(seeds.items()) if len(found) == most}
        first = next(iter(whole.values()))
        return {seed: found for seed, found in whole.items() if _folds(found) == _folds(first)}

    @cached_property
    def scores(self) -> Mapping[str, Interval]:
        """Every metric over all test samples with its interval, mean over seeds."""
        return score_intervals(self.outcomes)

    @cached_property
    def diagnosis(self) -> ModalityScores | None:
        """Scores with modalities removed or perturbed; None unless every record has a diagnosis."""
        return score_modalities(self.records)

    @cached_property
    def calibration(self) -> Calibration | None:
        """Calibration of the predicted probabilities over all test samples.

        None for a task of values, and for predicted classes or labels without probabilities.
        """
        if not has_scores(self.run):
            return None
        if self.scoring.kind == "class":
            return calibrate(self.outcomes, self.outputs)
        return calibrate_labels(self.outcomes) if self.scoring.kind == "labels" else None

    @cached_property
    def residuals(self) -> Residuals | None:
        """Residuals over all test samples of a task of values; None for other tasks."""
        if self.scoring.kind != "values":
            return None
        return measure_residuals(self.outcomes, list(self._whole_seeds.values()))

    def difference(self, other: "MethodResult") -> Mapping[str, Interval] | None:
        """Scores minus those of ``other``, with paired intervals; None while folds are missing."""
        if self.missing or other.missing:
            return None
        return difference_intervals(self.outcomes, other.outcomes)

    def gap(self, which: str, metric: str | None = None) -> float:
        """Score of the ``last`` or ``oracle`` epoch minus that of the chosen one, mean over folds.

        By the metric of the run unless another is named, in its units: negative where a lower error is better. NaN for
        predictions made elsewhere, which have no epochs.
        """
        metric = metric or self.metric
        return self.mean_score(which, metric) - self.mean_score("chosen", metric)

    def orient(self, score: float) -> float:
        """A score by the metric of the run, negated where lower is better, so that the largest is the best."""
        return orient(self.metrics[self.metric], score)

    @property
    def seeds(self) -> list[int]:
        """The training seeds with a record, sorted."""
        return sorted({record.seed for record in self.records})

    @property
    def stops_early(self) -> bool:
        """Whether training may stop early, so that the oracle epoch is chosen among fewer epochs."""
        training = self.run["training"]
        return not self.is_elsewhere and int(training["patience"]) < int(training["epochs"])

    def mean_score(self, which: str, metric: str) -> float:
        """Mean over folds of a score at the ``chosen``, ``last`` or ``oracle`` epoch; NaN where there is none."""
        missing: dict[str, float] = {}
        return float(np.mean([record.scores.get(which, missing).get(metric, np.nan) for record in self.records]))

    def score_by(self, metric: str) -> float:
        """The score by a metric of the table; NaN where the predictions do not suffice for it."""
        return self.scores[metric].mean if metric in self.scores else float("nan")

    @property
    def labels(self) -> NDArray[Any]:
        """Labels ``(n,)`` or targets ``(n, n_outputs)`` of all test samples."""
        labels: NDArray[Any] = self.outcomes.labels
        return labels

    @property
    def parameters(self) -> Mapping[str, int]:
        """Numbers of parameters, ``total`` and ``trainable``; of the largest model where sizes differ.

        Empty for predictions made elsewhere.
        """
        return max((record.parameters for record in self.records), key=lambda parameters: parameters.get("total", 0))

    @property
    def seconds(self) -> float:
        """Total time of all trainings in seconds."""
        return sum(record.seconds for record in self.records)

    @property
    def cost(self) -> Cost:
        """Cost of training and prediction over folds and seeds."""
        return combine_costs([record.cost for record in self.records])

    @property
    def units(self) -> list[str]:
        """Names of the units of the intervals, sorted."""
        return sorted({unit for record in self.records for unit in record.units})

    @property
    def missing(self) -> int:
        """Number of folds without a record."""
        seeds = {record.seed for record in self.records} | {failure.seed for failure in self.failures}
        return int(self.run["folds"]) * len(seeds) - len(self.records)


def _folds(records: Sequence[Record]) -> list[str]:
    return [record.fold for record in records]
