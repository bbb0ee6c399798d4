"""Labels from the ratings of a trial."""

from typing import TYPE_CHECKING, Literal

from mmbench_datasets.deap.layout import RATINGS
from mmbench_datasets.deap.notebook_faults import published_quadrant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUADRANTS = ("HAHV", "LAHV", "LALV", "HALV")
"""Quadrants in Milmer's order: high or low arousal (A), high or low valence (V)."""

Ties = Literal["low", "halv"]


def label(ratings: "NDArray[np.floating]", ties: Ties = "low") -> dict[str, int | list[float]]:
    """Labels of all tasks from ratings (4,) of 1-9: classes, of which above 5 is high, and the ratings themselves.

    ``ties="halv"`` labels the quadrant as Milmer's public notebook does; the other tasks are unaffected.
    """
    high = {name.lower(): int(value > 5) for name, value in zip(RATINGS, ratings, strict=True)}
    quadrant = QUADRANTS.index(f"{'LH'[high['arousal']]}A{'LH'[high['valence']]}V")
    if ties == "halv":
        quadrant = published_quadrant(float(ratings[0]), float(ratings[1]))
    return {"quadrant": quadrant, **high, "ratings": [float(value) for value in ratings]}
