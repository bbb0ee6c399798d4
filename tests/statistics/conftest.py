from collections.abc import Callable

import numpy as np
import pytest

from mmbench.statistics import unit_counts


@pytest.fixture(scope="session")
def people() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return simulate_people


def simulate_people(
    random: np.random.Generator, gain: float, n: int = 30, windows: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of two methods on the same people, who differ in how hard they are; the second is right ``gain`` more."""
    labels = np.tile([0, 1], n * windows // 2)
    units = np.repeat([f"s{index:02d}" for index in range(n)], windows)
    ease = np.repeat(random.uniform(0.4, 0.8, n), windows)
    found = (np.where(random.random(len(labels)) < ease + extra, labels, 1 - labels) for extra in (0.0, gain))
    first, second = (unit_counts(labels, predictions, units, 2) for predictions in found)
    return first, second
