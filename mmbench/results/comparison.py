"""Comparison of methods from their records: scores, differences and verdicts with intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.contract import Metric
from mmbench.data import parse_protocol
from mmbench.results.display import Displayed
from mmbench.results.elsewhere.suspicion import Suspicion, find_suspicions
from mmbench.results.failures import Failure, describe_failures
from mmbench.results.fusion_effect import FusionEffect, find_fusion_effect
from mmbench.results.inherited_settings import UntrainedMethod, find_untrained
from mmbench.results.method_result import MethodResult
from mmbench.results.record_schema import data_name
from mmbench.results.rows import fold_rows, method_row
from mmbench.results.statistics import (
    Outcomes,
    Pair,
    Verdict,
    above_chance,
    compare_pairs,
    find_leaders,
    find_untested_reason,
    make_verdicts,
)


@dataclass(frozen=True, repr=False)
class Comparison(Displayed):
    """Methods of a comparison in the requested order; ``path`` is the folder or file of its records.

    ``print`` shows its table, `to_rows` gives rows for a data frame, `to_json` everything.

    ``lost`` are the failures of methods without any record, by name; these are not in ``methods``. ``headless`` is
    True if the first requested method is one of them, so that there are no verdicts. ``has_reference`` is False for
    runs of which none was named as the first one, as those in a folder: there are no verdicts either.
    """

    path: Path
    methods: tuple[MethodResult, ...]
    lost: Mapping[str, tuple[Failure, ...]] = field(default_factory=dict)
    headless: bool = False
    has_reference: bool = True

    @property
    def summary(self) -> str:
        """Data, scores and the command for more in one line."""
        run = self.run
        data = f"{data_name(run)}, {run['task']}, protocol {run['protocol']}"
        scores = ", ".join(f"{method.name} {method.score.mean:.3f}" for method in self.methods)
        return f"{data}; {self.metric}: {scores}; mmbench show {self.path}"

    @property
    def run(self) -> Mapping[str, Any]:
        """The description that all methods share: dataset, task, protocol, fingerprint."""
        return self.methods[0].run

    @property
    def reference(self) -> MethodResult:
        """The first method that was trained here, whose description is complete; else the first."""
        return next((method for method in self.methods if not method.is_elsewhere), self.methods[0])

    @property
    def metric(self) -> str:
        """The name of the metric of verdicts and ranking."""
        return self.methods[0].metric

    @property
    def metric_title(self) -> str:
        """The name of that metric in tables."""
        return self._metric.title

    @property
    def higher_is_better(self) -> bool:
        """The direction of that metric."""
        return self._metric.higher_is_better

    @property
    def other_metrics(self) -> tuple[str, ...]:
        """The metrics that stand beside that of verdicts; predictions made elsewhere may lack some."""
        return tuple(name for name in self.reference.metrics if name != self.metric)

    def title_of(self, metric: str) -> str:
        """The name of a metric in tables."""
        return self.reference.metrics[metric].title

    @property
    def range_of_scores(self) -> float:
        """The largest difference of two scores; infinite without bounds."""
        low, high = self._metric.bounds
        return high - low

    @property
    def _metric(self) -> Metric:
        return self.methods[0].metrics[self.metric]

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        """Verdicts on the first method against each other method without missing folds."""
        first, *others = self.methods
        if self.headless or not self.has_reference or first.missing:
            return ()
        return make_verdicts(first.outcomes, {other.name: other.outcomes for other in others if not other.missing})

    @cached_property
    def leaders(self) -> Sequence[str]:
        """The best method, then those not significantly worse; without methods with missing folds."""
        return find_leaders(self._whole) if self._whole else ()

    @cached_property
    def pairs(self) -> Sequence[Pair]:
        """Differences of every two methods without missing folds, the better one first, adjusted for all pairs."""
        ranked = sorted(self.methods, key=lambda method: -method.orient(method.score.mean))
        return compare_pairs({method.name: method.outcomes for method in ranked if not method.missing})

    @property
    def failed(self) -> dict[str, tuple[Failure, ...]]:
        """Failed jobs, by method."""
        partial = {method.name: method.failures for method in self.methods if method.failures}
        return {**self.lost, **partial}

    @cached_property
    def untrained(self) -> Sequence[UntrainedMethod]:
        """Methods that did not learn under settings of the first; empty for runs of separate commands.

        The method with the best score is not among them, whatever its loss.
        """
        elsewhere = any(method.is_elsewhere for method in self.methods)
        together = self.path.name.startswith("comparison-") and not self.headless and not elsewhere
        found = find_untrained(self.methods) if together else ()
        return tuple(each for each in found if each.method not in self.leaders[:1])

    @cached_property
    def suspicions(self) -> Sequence[Suspicion]:
        """Signs of copies and of known test labels in predictions made elsewhere."""
        return find_suspicions(self.methods)

    @property
    def best_single(self) -> str | None:
        """The best baseline that reads a single modality; None if there is none."""
        several = len(self.run["offered"]) > 1
        baselines = self.methods[1:] if self.has_reference and not self.headless else self.methods
        single = [method for method in baselines if several and len(method.run["encoders"]) == 1]
        return max(single, key=lambda method: method.orient(method.score.mean)).name if single else None

    @cached_property
    def fusion_effect(self) -> FusionEffect | None:
        """Whether the first method, a fusion, is better than every single modality; None where nothing tests it."""
        return find_fusion_effect(self.methods, self.verdicts)

    @property
    def _whole(self) -> Mapping[str, Outcomes]:
        return {method.name: method.outcomes for method in self.methods if not method.missing}

    @cached_property
    def above_chance(self) -> Mapping[str, float]:
        """One-sided p of each method's score above chance, adjusted for the number of methods.

        Where models know the subjects, the chance level of balanced accuracy is that of each subject. Without methods
        with missing folds; empty where nothing is tested, for the reason in ``above_chance_reason``.
        """
        return above_chance(self._whole, self._chance_is_per_unit) if self._whole else {}

    @property
    def above_chance_reason(self) -> str:
        """Why ``above_chance`` is empty; "" if it is not."""
        if not self._whole:
            return "not tested: folds of every method are missing"
        return find_untested_reason(self.methods[0].outcomes, self._chance_is_per_unit, self.run["unit"])

    @property
    def has_chance_level(self) -> bool:
        """Whether the metric has a chance level, on some data at least."""
        return self.metric == "balanced_accuracy" or self._metric.chance is not None

    @property
    def is_of_one_subject(self) -> bool:
        """Whether all samples are of one subject, under a protocol that needs subjects."""
        return "subject" in parse_protocol(self.run["protocol"]).needs and self.run["unit"] != "subject"

    @property
    def _chance_is_per_unit(self) -> bool:
        """Whether models are tested on subjects that they were trained on, whose class frequencies they may know."""
        knows = parse_protocol(self.run["protocol"]).knows_subjects or self.run["straddling"].get("subject", 0) > 0
        return bool(knows and self.run["unit"] == "subject")

    @property
    def simulated(self) -> bool:
        """Whether the data are simulated."""
        return bool(self.run["card"]["access"] == "simulated")

    @property
    def data_notes(self) -> tuple[str, ...]:
        """What the card of the dataset says about how the data were made (`Card.notes`)."""
        notes = self.run["card"].get("notes")
        return tuple(map(str, notes)) if isinstance(notes, list | tuple) else ()

    @property
    def chance(self) -> float | None:
        """Chance level of the metric, None where it has none; where models know the subjects, that within subjects."""
        if self.metric == "balanced_accuracy":
            return self.methods[0].outcomes.guessing(self._chance_is_per_unit)
        return None if self._chance_is_per_unit else self._metric.chance

    @property
    def chance_of_strangers(self) -> float | None:
        """The chance level of a model that knows none of the subjects, None where the metric has none."""
        if self.metric == "balanced_accuracy":
            return self.methods[0].outcomes.guessing(False)
        return self._metric.chance

    @property
    def majority(self) -> float | None:
        """Accuracy of always predicting the most frequent class; None for tasks of labels and values."""
        if self.methods[0].scoring.kind != "class":
            return None
        labels = self.methods[0].labels
        return float(np.bincount(labels).max() / len(labels))

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each method, such as for ``pandas.DataFrame``: scores, 95 % intervals, and the verdicts.

        The columns ``difference``, ``p`` and ``verdict`` are of the first method against that of the row.
        """
        verdicts = {verdict.against: verdict for verdict in self.verdicts}
        return [method_row(method, verdicts.get(method.name)) for method in self.methods]

    def to_fold_rows(self) -> list[dict[str, Any]]:
        """A row for each method, fold and seed, with the scores of the chosen epoch."""
        return fold_rows(self.methods)

    def to_json(self) -> dict[str, Any]:
        """All values of the table and of the folds, for JSON."""
        return {
            **describe_run(self),
            "records": str(self.path),
            "leaders": list(self.leaders),
            "best_single": self.best_single,
            "fusing": asdict(self.fusion_effect) if self.fusion_effect else None,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "methods": [describe_method(method) for method in self.methods],
            "failed": describe_failed(self),
        }


def describe_run(comparison: Comparison) -> dict[str, Any]:
    """What all methods of a comparison share, for JSON."""
    run, first = comparison.run, comparison.methods[0]
    shared = ("dataset", "task", "classes", "protocol", "preset", "units", "standardize", "fingerprint")
    return {
        **{name: run[name] for name in shared},
        **describe_doubts(comparison),
        "kind": first.scoring.kind,
        "metric": comparison.metric,
        "higher_is_better": comparison.higher_is_better,
        "stratify": run.get("stratify", False),
        "split_notes": list(run.get("split_notes", ())),
        "dropped": run["dropped"],
        "lost": run.get("lost", []),
        "chance": comparison.chance,
        "above_chance": dict(comparison.above_chance),
        "above_chance_reason": comparison.above_chance_reason,
        "majority": comparison.majority,
        "unit": run["unit"],
        "n_units": len(first.units),
        "n_samples": len(first.labels),
    }


def describe_doubts(comparison: Comparison) -> dict[str, Any]:
    """All that the warnings of a comparison are about, for JSON.

    ``straddling`` are shares of the test samples that share a group with the training part, ``copies`` is the share of
    those with a copy in it, ``lacking`` are classes that a part has no sample of.
    """
    run = comparison.run
    return {
        "straddling": run["straddling"],
        "copies": run.get("copies", 0.0),
        "lacking": run.get("lacking", {}),
        "untrained": [asdict(each) for each in comparison.untrained],
        "suspicions": [asdict(each) for each in comparison.suspicions],
        "data_notes": list(comparison.data_notes),
        "simulated": comparison.simulated,
    }


def describe_method(method: MethodResult) -> dict[str, Any]:
    """Results of one method and its folds, for JSON."""
    return {
        "name": method.name,
        "scores": {metric: asdict(interval) for metric, interval in method.scores.items()},
        **{
            which: None
            if method.is_elsewhere
            else {metric: method.mean_score(which, metric) for metric in method.metrics}
            for which in ("last", "oracle")
        },
        "calibration": asdict(method.calibration) if method.calibration else None,
        "residuals": asdict(method.residuals) if method.residuals else None,
        "parameters": dict(method.parameters),
        "cost": asdict(method.cost),
        "seconds": method.seconds,
        "modalities": method.run["modalities"],
        "encoders": {name: encoder["name"] for name, encoder in method.run["encoders"].items()},
        "own_encoders": method.run["own_encoders"],
        "training": dict(method.run["training"]),
        "trainer": method.run.get("trainer"),
        "lint": list(method.run.get("lint", ())),
        "tuning": method.run.get("tuning"),
        "diagnosis": method.diagnosis.to_json() if method.diagnosis else None,
        "elsewhere": method.run.get("elsewhere"),
        "pretrained": list(method.run.get("pretrained", ())),
        "records": str(method.folder),
        "folds": [
            {
                "fold": record.fold,
                "seed": record.seed,
                "samples": len(record.ids),
                "scores": dict(record.scores["chosen"]),
                "epochs": dict(record.epochs),
                "cost": dict(record.cost),
                "seconds": record.seconds,
                "tuning": record.tuning,
            }
            for record in method.records
        ],
    }


def describe_failed(comparison: Comparison) -> list[dict[str, Any]]:
    """Failed jobs by method, for JSON; tracebacks are in files next to the records."""
    return [
        {
            "method": name,
            "first": failures[0].error,
            "folds": [{"fold": each.fold, "seed": each.seed, "error": each.error} for each in failures],
        }
        for name, failures in comparison.failed.items()
    ]


def describe_missing(comparison: Comparison) -> Iterator[str]:
    """Methods and folds without a record and why, a line each."""
    for name, failures in comparison.lost.items():
        yield f"{name}: {describe_failures(failures)}"
    for method in comparison.methods:
        failures = method.failures
        if failures:
            yield f"{method.name}: {describe_failures(failures)}; the same command tries again"
        if method.missing > len(failures):
            n_missing = method.missing - len(failures)
            count = "1 fold is" if n_missing == 1 else f"{n_missing} folds are"
            yield f"{method.name}: {count} missing; run the same command again"
