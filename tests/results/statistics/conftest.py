from collections.abc import Callable

import numpy as np
import pytest

from mmbench.results.statistics import Outcomes

Pair = tuple[Outcomes, Outcomes]


@pytest.fixture(scope="session")
def people() -> Callable[..., Pair]:
    return simulate_people


@pytest.fixture(scope="session")
def alike() -> Callable[..., dict[str, Outcomes]]:
    return simulate_alike


def make_outcomes(right: np.ndarray, labels: np.ndarray, unit: np.ndarray, fold: np.ndarray | None = None) -> Outcomes:
    """Outcomes of two classes from what is right ``(S, n)``."""
    fold = unit if fold is None else fold
    return Outcomes(labels, np.where(np.atleast_2d(right), labels, 1 - labels), unit, fold, 2)


def simulate_people(random: np.random.Generator, gain: float, n: int = 30, windows: int = 20) -> Pair:
    """Two methods on the same people, who differ in how hard they are; the second is right ``gain`` more."""
    labels = np.tile([0, 1], n * windows // 2)
    unit = np.repeat(np.arange(n), windows)
    ease = np.repeat(random.uniform(0.4, 0.8, n), windows)
    first, second = (make_outcomes(random.random(len(labels)) < ease + extra, labels, unit) for extra in (0.0, gain))
    return first, second


def simulate_alike(
    random: np.random.Generator, n_methods: int, n: int = 20, n_folds: int = 5, seeds: int = 3, training: float = 0.05
) -> dict[str, Outcomes]:
    """Methods that are alike but for chance: of trainings (``training``), and of how a person takes to a method."""
    windows = 40
    labels, unit = np.tile([0, 1], n * windows // 2), np.repeat(np.arange(n), windows)
    fold = unit % n_folds
    ease = random.uniform(0.55, 0.85, n)
    found = {}
    for at in range(n_methods):
        lucky = training * random.standard_normal((seeds, n_folds))
        chance = (ease + 0.04 * random.standard_normal(n))[unit] + lucky[:, fold]
        found[f"method{at}"] = make_outcomes(random.random(chance.shape) < chance, labels, unit, fold)
    return found
