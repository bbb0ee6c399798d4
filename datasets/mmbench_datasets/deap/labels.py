"""Class labels from the ratings of a trial."""

from typing import TYPE_CHECKING, Literal

from mmbench_datasets.deap.faults import published_quadrant
from mmbench_datasets.deap.layout import RATINGS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUADRANTS = ("HAHV", "LAHV", "LALV", "HALV")
"""High or low arousal, high or low valence, in Milmer's order."""

Ties = Literal["low", "halv"]


def label(ratings: "NDArray[np.floating]", ties: Ties = "low") -> dict[str, int]:
    """Labels of all tasks from ratings (4,) of 1-9; above 5 is high.

    With ``ties="halv"`` the quadrant is that of the public notebook; the other tasks stay as they are.
    """
    high = {name.lower(): int(value > 5) for name, value in zip(RATINGS, ratings, strict=True)}
    quadrant = QUADRANTS.index(f"{'LH'[high['arousal']]}A{'LH'[high['valence']]}V")
    if ties == "halv":
        quadrant = published_quadrant(float(ratings[0]), float(ratings[1]))
    return {"quadrant": quadrant, **high}
