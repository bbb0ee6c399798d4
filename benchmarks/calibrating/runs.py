"""Runs on simulated people, as outcomes: networks that differ in their draw alone, siblings, a linear classifier."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibrating.networks import Settings, Training, train
from calibrating.people import LABELS, Design, People, draw_people
from mmbench.results.statistics import Outcomes

AT_ONCE = 400  # networks
BOTH, FIRST, SECOND = (0, 1), (0,), (1,)


@dataclass(frozen=True)
class Methods:
    """What is trained on each dataset: ``twins`` networks of both modalities, which differ in their draw alone, and
    ``siblings``, one of each modality, neither better in expectation, as networks and as linear classifiers."""

    twins: int
    siblings: bool = True

    @property
    def modalities(self) -> dict[str, tuple[int, ...]]:
        """The modalities of each network."""
        found: dict[str, tuple[int, ...]] = {f"twin{at}": BOTH for at in range(self.twins)}
        return {**found, "first": FIRST, "second": SECOND} if self.siblings else found


def run_datasets(
    design: Design, methods: Methods, seeds: int, n_datasets: int, seed: int, strength: float = 1.2
) -> Iterator[dict[str, Outcomes]]:
    """Outcomes of all methods on each of ``n_datasets``."""
    random = np.random.default_rng([seed, design.n_people, len(design.protocol), LABELS.index(design.labels)])
    each = len(methods.modalities) * seeds * len(draw_people(design, strength, np.random.default_rng(0)).folds)
    group = max(1, AT_ONCE // each)
    for start in range(0, n_datasets, group):
        people = [draw_people(design, strength, random) for _ in range(min(group, n_datasets - start))]
        yield from _train_all(people, methods, seeds, int(random.integers(2**31)))


def _train_all(
    people: list[People[np.int64]], methods: Methods, seeds: int, seed: int
) -> Iterator[dict[str, Outcomes]]:
    offsets = np.cumsum([0, *(len(each.labels) for each in people)]).tolist()
    trainings = [
        Training(fold, modalities, offset)
        for each, offset in zip(people, offsets, strict=False)
        for modalities in methods.modalities.values()
        for _ in range(seeds)
        for fold in each.folds
    ]
    x, labels = np.concatenate([each.x for each in people]), np.concatenate([each.labels for each in people])
    tested = iter(train(x, labels, trainings, seed, Settings()))
    for each in people:
        found = {}
        for name in methods.modalities:
            predictions = np.zeros((seeds, len(each.labels)), dtype=np.int64)
            for row in predictions:
                for fold in each.folds:
                    row[fold.test] = next(tested)
            found[name] = _outcomes(each, predictions)
        if methods.siblings:
            found |= {f"linear-{name}": linear(each, at) for at, name in enumerate(("first", "second"))}
        yield found


def linear(people: People[np.int64], modality: int) -> Outcomes:
    """A ridge classifier of one modality, each class weighing the same: nothing about it is drawn."""
    x = np.concatenate([people.x[:, modality], np.ones((len(people.labels), 1))], axis=1).astype(np.float64)
    predictions = np.zeros((1, len(x)), dtype=np.int64)
    for fold in people.folds:
        rows = np.concatenate([fold.train, fold.validation])
        labels = people.labels[rows]
        weight = (1 / np.maximum(np.bincount(labels, minlength=2), 1))[labels][:, None]
        gram = (x[rows] * weight).T @ x[rows] + 1e-3 * np.eye(x.shape[1])
        solved = np.linalg.solve(gram, (x[rows] * weight).T @ np.eye(2)[labels])
        predictions[0, fold.test] = (x[fold.test] @ solved).argmax(axis=1)
    return _outcomes(people, predictions, varies=False)


def _outcomes(people: People[np.int64], predictions: NDArray[np.int64], varies: bool = True) -> Outcomes:
    return Outcomes(people.labels, predictions, people.person, people.fold, 2, varies)
