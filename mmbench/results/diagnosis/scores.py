"""Scores of a method's diagnosis from its records: effects of each modality, Shapley values, robustness curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.data import SNRS_DB
from mmbench.registry import find_metric
from mmbench.results.diagnosis.conditions import (
    Cells,
    Condition,
    Draws,
    HitScorer,
    Mixture,
    Scorer,
    TallyScorer,
    WholeScorer,
)
from mmbench.results.diagnosis.perturbations import SHIFTS
from mmbench.results.diagnosis.predictions import (
    MAX_MODALITIES,
    Diagnosis,
    Predictions,
    find_scored,
    make_unscored,
    read_diagnosis,
)
from mmbench.results.diagnosis.shapley import shapley_weights
from mmbench.results.records import Record
from mmbench.results.scoring import scoring_of
from mmbench.results.statistics import CellScore, Interval, combination_intervals
from mmbench.training import score_outputs

MISSING_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_FALLBACK = "balanced_accuracy"  # of a class task whose metric does not follow from the predicted classes
_ALL = ""  # key for all modalities; no modality has an empty name

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConditionScore:
    """Score under a condition, and its ``change`` from the score without it."""

    score: Interval
    change: Interval


@dataclass(frozen=True)
class Shift:
    """A modality shifted by ``windows`` in the same recording, by ``seconds`` in the median.

    ``loss`` is over the ``samples`` with such a window, compared with the same samples unshifted.
    """

    windows: int
    seconds: float
    samples: int
    loss: ConditionScore


@dataclass(frozen=True)
class ModalityScores:
    """Scores of a trained method with modalities removed or perturbed, by the metric of its run.

    Conditions of a class task hold predicted classes. Where its metric needs more than these, ``metric`` is balanced
    accuracy.

    ``subsets`` are the scores with only these modalities present, all modalities first. ``shapley`` divides the score
    of all modalities over that of none; None for more than 8 modalities. ``missing`` is by the share of samples without
    the modality, ``missing_all`` by the probability that each modality is missing, independently; ``noise`` by
    signal-to-noise ratio in dB. Modalities without noise are in ``left_out``, with the reason.
    """

    modalities: tuple[str, ...]
    subsets: Mapping[tuple[str, ...], Interval]
    shapley: Mapping[str, Interval] | None
    without: Mapping[str, ConditionScore]
    shuffled: Mapping[str, ConditionScore]
    missing: Mapping[str, Mapping[float, ConditionScore]]
    missing_all: Mapping[float, ConditionScore] | None
    noise: Mapping[str, Mapping[int, ConditionScore]]
    shift: Mapping[str, tuple[Shift, ...]]
    left_out: Mapping[str, str]
    seconds: float
    metric: str = "balanced_accuracy"

    def to_json(self) -> dict[str, Any]:
        """All values for JSON, with curves as lists of points."""
        return {
            "metric": self.metric,
            "modalities": list(self.modalities),
            "subsets": [{"left": list(left), **asdict(score)} for left, score in self.subsets.items()],
            "shapley": {name: asdict(value) for name, value in self.shapley.items()} if self.shapley else None,
            "without": {name: asdict(loss) for name, loss in self.without.items()},
            "shuffled": {name: asdict(loss) for name, loss in self.shuffled.items()},
            "missing": {name: _points("share", curve) for name, curve in self.missing.items()},
            "missing_all": _points("share", self.missing_all) if self.missing_all else None,
            "noise": {name: _points("snr_db", curve) for name, curve in self.noise.items()},
            "shift": {name: [asdict(shift) for shift in curve] for name, curve in self.shift.items()},
            "left_out": dict(self.left_out),
            "seconds": self.seconds,
        }


def _points(axis: str, curve: Mapping[Any, ConditionScore]) -> list[dict[str, Any]]:
    return [{axis: at, **asdict(loss)} for at, loss in curve.items()]


def score_modalities(records: Sequence[Record]) -> ModalityScores | None:
    """Scores from a method's records; None unless every record has a diagnosis."""
    if not records or any(record.diagnosis is None for record in records):
        return None
    return _Scorer(records).score()


class _Scorer:
    """Scores all conditions of a method's records, and computes all intervals together."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = [(record, _read(record)) for record in records]
        self.names = self.records[0][1].modalities
        self.metric_name, self.metric = _find_metric(records)
        self.scorer = _make_scorer(records, self.metric_name, self.metric)
        self.whole: Condition = ("subset", "1" * len(self.names))

    def score(self) -> ModalityScores:
        """Scores under all conditions."""
        names, tables = self.names, [_predictions(*each) for each in self.records]
        # Only conditions of all folds are scored.
        keys = [key for key in tables[0] if all(key in table for table in tables)]
        table = {key: [each[key] for each in tables] for key in keys}
        self.columns: dict[Condition, CellScore] = {key: self.scorer.score(draws) for key, draws in table.items()}
        mixtures = self._mixtures(table)
        self.column = {key: np.eye(len(self.columns))[at] for at, key in enumerate(self.columns)}
        wanted = dict(self._wanted(keys, mixtures))
        found = combination_intervals(list(self.columns.values()), np.stack([*wanted.values()]), self.metric)
        scores = dict(zip(wanted, found, strict=True))

        def loss(*key: Any) -> ConditionScore:
            return ConditionScore(scores["score", *key], scores["change", *key])

        return ModalityScores(
            modalities=names,
            subsets={self._remaining(str(key[1])): scores["score", *key] for key in keys if key[0] == "subset"},
            shapley={name: scores["shapley", name] for name in names} if self._has_all_subsets else None,
            without={name: loss("subset", self._all_but(name)) for name in names},
            shuffled={name: loss("shuffled", name) for name in names},
            missing={name: {share: loss("missing", name, share) for share in MISSING_SHARES} for name in names},
            missing_all=(
                {share: loss("missing", _ALL, share) for share in MISSING_SHARES} if self._has_all_subsets else None
            ),
            noise={
                name: {snr: loss("noise", name, snr) for snr in SNRS_DB}
                for name in names
                if all(("noise", name, snr) in keys for snr in SNRS_DB)
            },
            shift={name: curve for name in names if (curve := tuple(self._shifts(name)))},
            left_out={name: why for _, found in self.records for name, why in found.left_out.items()},
            seconds=sum(found.seconds for _, found in self.records),
            metric=self.metric_name,
        )

    def _mixtures(self, table: Mapping[Condition, Draws]) -> dict[Condition, Mixture]:
        """The conditions of samples of which a share lacks a modality, or each modality, by their probabilities.

        Those that are no weighted mean of scores become columns of their own.
        """
        found: dict[Condition, Mixture] = {}
        for name in self._missing_curves:
            for share in MISSING_SHARES:
                key, mixture = ("missing", name, share), self._mixture(name, share)
                found[key] = mixture
                likely = {condition: odds for condition, odds in mixture.items() if odds}
                score = self.columns[next(iter(likely))] if len(likely) == 1 else self.scorer.mix(name, likely, table)
                if score is not None:
                    self.columns[key] = score
        return found

    def _wanted(
        self, keys: Sequence[Condition], mixtures: Mapping[Condition, Mixture]
    ) -> Iterator[tuple[tuple[Any, ...], Floats]]:
        """The scores to compute, as weights of the columns."""
        wanted = {key: self.column[key] for key in keys}
        for key, mixture in mixtures.items():
            wanted[key] = self.column[key] if key in self.column else self._weights(mixture)
        for key, weights in wanted.items():
            yield ("score", *key), weights
            yield ("change", *key), weights - self.column[self.whole]
        if self._has_all_subsets:
            subsets = [str(key[1]) for key in keys if key[0] == "subset"]
            for name, row in zip(self.names, shapley_weights(subsets), strict=True):
                shares = [weight * self.column["subset", subset] for weight, subset in zip(row, subsets, strict=True)]
                yield ("shapley", name), np.sum(shares, axis=0)

    def _weights(self, mixture: Mixture) -> Floats:
        return np.asarray(np.sum([odds * self.column[key] for key, odds in mixture.items()], axis=0))

    @property
    def _has_all_subsets(self) -> bool:
        return len(self.names) <= MAX_MODALITIES

    @property
    def _missing_curves(self) -> tuple[str, ...]:
        return (*self.names, _ALL) if self._has_all_subsets else self.names

    def _mixture(self, name: str, share: float) -> Mixture:
        """Probabilities of the subsets that a sample has, with a share of samples without one or without each modality.

        Predictions of a sample do not depend on other samples, so that those with each subset tell what is expected.
        """
        if name != _ALL:
            return {self.whole: 1 - share, ("subset", self._all_but(name)): share}
        subsets = ["".join(left) for left in product("01", repeat=len(self.names))]
        return {("subset", subset): share ** subset.count("0") * (1 - share) ** subset.count("1") for subset in subsets}

    def _shifts(self, name: str) -> Iterator[Shift]:
        for windows in SHIFTS:
            found = [diagnosis.shift.get(name, {}).get(windows) for _, diagnosis in self.records]
            if not any(found):
                continue
            as_is = [_whole(record) for record, _ in self.records]
            shifted = [
                each.predictions if each else make_unscored(whole) for each, whole in zip(found, as_is, strict=True)
            ]
            scored = [find_scored(predictions) for predictions in shifted]
            pair = [self.scorer.score([[draw] for draw in each], scored) for each in (shifted, as_is)]
            weights = np.array([[1.0, 0.0], [1.0, -1.0]])
            seconds = float(np.median([each.seconds for each in found if each]))
            n_scored = sum(int(each.sum()) for each in scored) // len({record.seed for record, _ in self.records})
            loss = ConditionScore(*combination_intervals(pair, weights, self.metric))
            yield Shift(windows, seconds, n_scored, loss)

    def _remaining(self, subset: str) -> tuple[str, ...]:
        return tuple(name for name, flag in zip(self.names, subset, strict=True) if flag == "1")

    def _all_but(self, name: str) -> str:
        return "".join("0" if each == name else "1" for each in self.names)


def _find_metric(records: Sequence[Record]) -> tuple[str, Metric]:
    """The metric of the conditions: that of the run, if what is stored of them determines it.

    Of class tasks that is the predicted class: an additive metric whose score follows from it alone.
    """
    scoring = scoring_of(records[0].run)
    metrics = scoring.find_metrics()
    metric = metrics[scoring.metric]
    if scoring.kind != "class" or (metric.additive and _needs_classes_only(records[0], metric)):
        return scoring.metric, metric
    return _FALLBACK, metrics.get(_FALLBACK) or find_metric(_FALLBACK)


def _needs_classes_only(record: Record, metric: Metric) -> bool:
    labels, logits = np.asarray(record.labels), np.asarray(record.logits)
    one, other = (
        score_outputs({"": metric}, labels, each)[""] for each in (logits, np.eye(logits.shape[1])[record.predictions])
    )
    return abs(one - other) < 1e-9


def _make_scorer(records: Sequence[Record], name: str, metric: Metric) -> Scorer:
    cells, n_classes = Cells(records), len(records[0].run["classes"])
    is_class = scoring_of(records[0].run).kind == "class"
    if is_class and name == _FALLBACK:
        return HitScorer(cells, n_classes)
    if metric.additive:
        return TallyScorer(cells, metric, n_classes if is_class else None)
    return WholeScorer(cells, metric)


def _whole(record: Record) -> Predictions:
    """Predictions with all modalities: classes, or outputs."""
    return record.predictions if scoring_of(record.run).kind == "class" else np.asarray(record.logits)


def _predictions(record: Record, found: Diagnosis) -> dict[Condition, Sequence[Predictions]]:
    """Predictions under each condition, a list of draws each; all modalities first."""
    return {
        ("subset", "1" * len(found.modalities)): [_whole(record)],
        **{("subset", subset): [each] for subset, each in found.subsets.items()},
        **{("shuffled", name): draws for name, draws in found.shuffled.items()},
        **{("noise", name, snr): [each] for name, levels in found.noise.items() for snr, each in levels.items()},
    }


def _read(record: Record) -> Diagnosis:
    assert record.diagnosis is not None
    kind = scoring_of(record.run).kind
    return read_diagnosis(record.diagnosis, len(record.ids), len(record.run["classes"]), kind)
