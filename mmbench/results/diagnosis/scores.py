"""Scores of a method's diagnosis from its records: effects of each modality, Shapley values, robustness curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data import SNRS_DB
from mmbench.results.diagnosis.perturbations import SHIFTS
from mmbench.results.diagnosis.predictions import MAX_MODALITIES, UNSCORED, Diagnosis, Predictions, read_diagnosis
from mmbench.results.diagnosis.shapley import shapley_weights
from mmbench.results.records import Record
from mmbench.results.statistics import Interval, combination_intervals, find_cells

MISSING_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
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
    """Balanced accuracies of a trained method with modalities removed or perturbed.

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

    def to_json(self) -> dict[str, Any]:
        """All values for JSON, with curves as lists of points."""
        return {
            "metric": "balanced_accuracy",
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


Condition = tuple[str | float, ...]


class _Scorer:
    """Counts correct predictions under each condition over all records, and computes all intervals together."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = [(record, _read(record)) for record in records]
        self.names = self.records[0][1].modalities
        self.seeds = sorted({record.seed for record in records})
        self.n_classes = len(records[0].run["classes"])
        self._find_cells()
        self.whole: Condition = ("subset", "1" * len(self.names))

    def _find_cells(self) -> None:
        """The cell of each sample of each record, and the unit and the fold of each cell."""
        units = sorted({unit for record, _ in self.records for unit in record.units})
        folds = sorted({record.fold for record, _ in self.records})
        unit = np.concatenate([np.searchsorted(units, record.units) for record, _ in self.records])
        fold = np.concatenate([np.full(len(record.ids), folds.index(record.fold)) for record, _ in self.records])
        cell, self.unit, self.fold = find_cells(unit, fold)
        self.cells = np.split(cell, np.cumsum([len(record.ids) for record, _ in self.records])[:-1])

    def score(self) -> ModalityScores:
        """Scores under all conditions."""
        names, tables = self.names, [_predictions(*each) for each in self.records]
        # Only conditions of all folds are scored.
        keys = [key for key in tables[0] if all(key in table for table in tables)]
        hits = np.stack([self._count([table[key] for table in tables]) for key in keys])
        self.column = {key: np.eye(len(keys))[at] for at, key in enumerate(keys)}
        wanted = dict(self._wanted(keys))
        found = combination_intervals(hits, self._support(), self.unit, self.fold, np.stack([*wanted.values()]))
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
        )

    def _wanted(self, keys: Sequence[Condition]) -> Iterator[tuple[tuple[Any, ...], Floats]]:
        """The scores to compute, as weights of the conditions."""
        mixtures = {key: self.column[key] for key in keys}
        for name in self._missing_curves:
            for share in MISSING_SHARES:
                mixtures["missing", name, share] = self._mixture(name, share)
        for key, weights in mixtures.items():
            yield ("score", *key), weights
            yield ("change", *key), weights - self.column[self.whole]
        if self._has_all_subsets:
            subsets = [str(key[1]) for key in keys if key[0] == "subset"]
            for name, row in zip(self.names, shapley_weights(subsets), strict=True):
                shares = [weight * self.column["subset", subset] for weight, subset in zip(row, subsets, strict=True)]
                yield ("shapley", name), np.sum(shares, axis=0)

    @property
    def _has_all_subsets(self) -> bool:
        return len(self.names) <= MAX_MODALITIES

    @property
    def _missing_curves(self) -> tuple[str, ...]:
        return (*self.names, _ALL) if self._has_all_subsets else self.names

    def _mixture(self, name: str, share: float) -> Floats:
        """Weights of the expected score with a share of samples without a modality, or without each modality.

        This is exact, since predictions of a sample do not depend on other samples: predictions with each subset are
        weighted by the probability of that subset.
        """
        if name != _ALL:
            kept = (1 - share) * self.column[self.whole]
            return np.asarray(kept + share * self.column["subset", self._all_but(name)])
        subsets = ["".join(left) for left in product("01", repeat=len(self.names))]
        odds = [share ** subset.count("0") * (1 - share) ** subset.count("1") for subset in subsets]
        columns = [self.column["subset", subset] for subset in subsets]
        return np.asarray(np.sum([odd * column for odd, column in zip(odds, columns, strict=True)], axis=0))

    def _shifts(self, name: str) -> Iterator[Shift]:
        for windows in SHIFTS:
            found = [diagnosis.shift.get(name, {}).get(windows) for _, diagnosis in self.records]
            if not any(found):
                continue
            shifted = [
                each.predictions if each else np.full(len(record.ids), UNSCORED)
                for each, (record, _) in zip(found, self.records, strict=True)
            ]
            scored = [predictions != UNSCORED for predictions in shifted]
            as_is = [record.predictions for record, _ in self.records]
            hits = np.stack([self._count([[draw] for draw in each], scored) for each in (shifted, as_is)])
            weights = np.array([[1.0, 0.0], [1.0, -1.0]])
            seconds = float(np.median([each.seconds for each in found if each]))
            n_scored = sum(int(each.sum()) for each in scored) // len(self.seeds)
            loss = ConditionScore(*combination_intervals(hits, self._support(scored), self.unit, self.fold, weights))
            yield Shift(windows, seconds, n_scored, loss)

    def _support(self, scored: Sequence[NDArray[np.bool_]] | None = None) -> Floats:
        return self._count([[np.asarray(record.labels)] for record, _ in self.records], scored)

    def _count(
        self, predictions: Sequence[Sequence[Predictions]], scored: Sequence[NDArray[np.bool_]] | None = None
    ) -> Floats:
        """Correct predictions, means over draws, by seed, cell and class ``(S, N, C)``."""
        counts = np.zeros((len(self.seeds), len(self.unit), self.n_classes))
        for at, (record, _) in enumerate(self.records):
            labels = np.asarray(record.labels)
            right = np.mean([draw == labels for draw in predictions[at]], axis=0)
            if scored is not None:
                right = right * scored[at]
            place = self.cells[at] * self.n_classes + labels
            summed = np.bincount(place, weights=right, minlength=counts[0].size)
            counts[self.seeds.index(record.seed)] += summed.reshape(counts[0].shape)
        return counts

    def _remaining(self, subset: str) -> tuple[str, ...]:
        return tuple(name for name, flag in zip(self.names, subset, strict=True) if flag == "1")

    def _all_but(self, name: str) -> str:
        return "".join("0" if each == name else "1" for each in self.names)


def _predictions(record: Record, found: Diagnosis) -> dict[Condition, Sequence[Predictions]]:
    """Predictions under each condition, a list of draws each; all modalities first."""
    return {
        ("subset", "1" * len(found.modalities)): [record.predictions],
        **{("subset", subset): [each] for subset, each in found.subsets.items()},
        **{("shuffled", name): draws for name, draws in found.shuffled.items()},
        **{("noise", name, snr): [each] for name, levels in found.noise.items() for snr, each in levels.items()},
    }


def _read(record: Record) -> Diagnosis:
    assert record.diagnosis is not None
    return read_diagnosis(record.diagnosis, len(record.ids), len(record.run["classes"]))
