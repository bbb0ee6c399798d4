"""Runs on simulated people with tasks of values and of labels, as outcomes: networks that differ in their draw alone,
and siblings of one modality each, neither better in expectation."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibrating.networks import Settings, Training, train_outputs
from calibrating.people import N_FEATURES, Design, People, cut
from calibrating.runs import AT_ONCE, Methods
from mmbench.registry import find_metric
from mmbench.results.statistics import Outcomes

Kind = Literal["values", "labels"]
METRICS: dict[Kind, tuple[str, ...]] = {
    "values": ("mae", "rmse", "r2", "pearson", "ccc", "spearman"),
    "labels": ("macro_f1", "exact_match", "auroc", "mean_average_precision"),
}
_THRESHOLDS = np.array([0.0, 0.6, 1.2])  # labels of a half, a quarter and an eighth of the windows
_PERSON, _OWN = 0.7, 0.5  # deviations of a person's mean target, and of how clearly a person shows it


def draw_outputs(design: Design, kind: Kind, strength: float, random: np.random.Generator) -> People[np.float64]:
    """A dataset whose ``labels`` are two values ``(n, 2)``, or three labels ``(n, 3)``, shown by both modalities alike.

    Each person has 6 to 60 windows. With ``strength`` 0, targets cannot be predicted.
    """
    counts = random.integers(6, 61, design.n_people)
    person = np.repeat(np.arange(design.n_people), counts)
    n_targets = 2 if kind == "values" else 3
    hidden = random.standard_normal((len(person), n_targets))
    hidden += _PERSON * random.standard_normal((design.n_people, n_targets))[person]
    x = random.standard_normal((len(person), 2, N_FEATURES))
    for modality in range(2):
        directions = np.linalg.qr(random.standard_normal((N_FEATURES, n_targets)))[0].T
        size = strength * (1 + _OWN * random.standard_normal((design.n_people, 1)))
        offset = _PERSON * random.standard_normal((design.n_people, N_FEATURES))
        x[:, modality] += size[person] * (hidden @ directions) + offset[person]
    targets = hidden if kind == "values" else (hidden > _THRESHOLDS).astype(np.float64)
    return People(x.astype(np.float32), targets, person, cut(person, design))


def run_outputs(
    design: Design, kind: Kind, methods: Methods, seeds: int, n_datasets: int, seed: int, strength: float = 1.5
) -> Iterator[dict[str, Outcomes]]:
    """Outcomes of all methods on each of ``n_datasets``."""
    random = np.random.default_rng([seed, design.n_people, len(design.protocol), len(kind)])
    n_folds = len(draw_outputs(design, kind, strength, np.random.default_rng(0)).folds)
    group = max(1, AT_ONCE // (len(methods.modalities) * seeds * n_folds))
    for start in range(0, n_datasets, group):
        people = [draw_outputs(design, kind, strength, random) for _ in range(min(group, n_datasets - start))]
        yield from _train_all(people, kind, methods, seeds, int(random.integers(2**31)))


def _train_all(
    people: list[People[np.float64]], kind: Kind, methods: Methods, seeds: int, seed: int
) -> Iterator[dict[str, Outcomes]]:
    offsets = np.cumsum([0, *(len(each.labels) for each in people)]).tolist()
    trainings = [
        Training(fold, modalities, offset)
        for each, offset in zip(people, offsets, strict=False)
        for modalities in methods.modalities.values()
        for _ in range(seeds)
        for fold in each.folds
    ]
    x, targets = (np.concatenate([getattr(each, name) for each in people]) for name in ("x", "labels"))
    tested = iter(train_outputs(x, targets, kind, trainings, seed, replace(Settings(), epochs=8, hidden=4)))
    for each in people:
        found = {}
        for name in methods.modalities:
            outputs = np.zeros((seeds, *each.labels.shape))
            for row in outputs:
                for fold in each.folds:
                    row[fold.test] = next(tested)
            found[name] = _outcomes(each, kind, outputs)
        yield found


def _outcomes(people: People[np.float64], kind: Kind, outputs: NDArray[np.float64]) -> Outcomes:
    metrics = {name: find_metric(name) for name in METRICS[kind]}
    targets = people.labels if kind == "values" else people.labels.astype(np.int64)
    n_outputs = targets.shape[1]
    return Outcomes(
        targets, outputs, people.person, people.fold, n_outputs, kind=kind, metric=METRICS[kind][0], metrics=metrics
    )
