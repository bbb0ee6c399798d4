"""Simulated people in two modalities of equal distribution, and the splits of their samples."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.fold import Fold
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS

Labels = Literal["even", "uneven", "majority", "single"]
LABELS: tuple[Labels, ...] = ("even", "uneven", "majority", "single")
Floats = NDArray[np.float32]
Index = NDArray[np.int64]
Target = TypeVar("Target", np.int64, np.float64)

N_FEATURES = 16
_PERSON, _OWN = 0.7, 0.7  # deviations of a person's offset, and of how a person shows a class


@dataclass(frozen=True)
class Design:
    """How many people of how many windows, how they are labelled, and how they are held out.

    ``even``: both classes alike for everybody; ``uneven``: 6 to 60 windows in any mixture; ``majority``: three of four
    windows are of one class; ``single``: one class a person, people in turn.
    """

    n_people: int
    protocol: str
    labels: Labels
    windows: int = 30


@dataclass(frozen=True)
class People(Generic[Target]):
    """One simulated dataset: ``x`` ``(n, 2, F)``, labels ``(n,)`` or ``(n, targets)``, people ``(n,)``, and folds."""

    x: Floats
    labels: NDArray[Target]
    person: Index
    folds: list[Fold]

    @property
    def fold(self) -> Index:
        """The fold that tests each sample ``(n,)``."""
        fold = np.full(len(self.labels), -1, dtype=np.int64)
        for at, each in enumerate(self.folds):
            fold[each.test] = at
        return fold


def draw_labels(design: Design, random: np.random.Generator) -> tuple[Index, Index]:
    """The person and the label of each sample ``(n,)``."""
    people, labels = [], []
    for person in range(design.n_people):
        mine = _labels_of(person, design, random)
        people.append(np.full(len(mine), person, dtype=np.int64))
        labels.append(mine)
    return np.concatenate(people), np.concatenate(labels)


def _labels_of(person: int, design: Design, random: np.random.Generator) -> Any:
    n = design.windows
    if design.labels == "single":
        return np.full(n, person % 2, dtype=np.int64)
    if design.labels == "majority":
        return (random.random(n) < 0.25).astype(np.int64)
    if design.labels == "even":
        return np.arange(n, dtype=np.int64) % 2
    share = random.dirichlet([3.0, 3.0])
    return random.choice(2, int(random.integers(n // 5, 2 * n)), p=share).astype(np.int64)


def draw_people(design: Design, strength: float, random: np.random.Generator) -> People[np.int64]:
    """A dataset in which the labels move both modalities by ``strength`` deviations; 0: they cannot be predicted.

    Directions, people's offsets and their ways to show a class are drawn anew for each modality, so that no modality is
    better than the other in expectation.
    """
    person, labels = draw_labels(design, random)
    x = random.standard_normal((len(labels), 2, N_FEATURES))
    for modality in range(2):
        toward = random.standard_normal((2, N_FEATURES))
        toward -= toward.mean(axis=0)
        toward *= strength / np.linalg.norm(toward, axis=1, keepdims=True)
        size = 1 + _OWN * random.standard_normal((design.n_people, 1))
        own = _OWN * strength * random.standard_normal((design.n_people, 2, N_FEATURES)) / np.sqrt(N_FEATURES)
        offset = _PERSON * random.standard_normal((design.n_people, N_FEATURES))
        x[:, modality] += offset[person] + size[person] * toward[labels] + own[person, labels]
    return People(x.astype(np.float32), labels, person, cut(person, design))


def cut(person: Index, design: Design) -> list[Fold]:
    """The folds that mmbench cuts."""
    ids = np.array([f"{at:05d}" for at in range(len(person))])
    groups = {"subject": np.array([f"p{each:03d}" for each in person])}
    return make_folds(ids, groups, PROTOCOLS[design.protocol])
