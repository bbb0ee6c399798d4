import pytest

from mmbench import SpecError
from mmbench_datasets.shared.ratings import QUADRANTS, RatingScale, Ties

NAMES = ("valence", "arousal", "liking")


def labels(ties: Ties, *values: float):
    return RatingScale(NAMES, 1, 9, 5, ties).labels(values)


def test_ratings_are_classes_quadrants_and_values() -> None:
    assert labels("low", 6, 2, 5) == {"valence": 1, "arousal": 0, "liking": 0, "quadrant": 1, "ratings": [6, 2, 5]}
    assert QUADRANTS[1] == "LAHV"
    assert [QUADRANTS[labels("low", v, a, 1)["quadrant"]] for v, a in ((9, 9), (9, 1), (1, 1), (1, 9))] == [*QUADRANTS]


def test_a_rating_at_the_threshold_goes_where_ties_says() -> None:
    assert [labels(ties, 5, 9, 9).get("valence") for ties in ("low", "high", "drop")] == [0, 1, None]
    assert "quadrant" not in labels("drop", 5, 9, 9)
    assert labels("drop", 5, 9, 9)["ratings"] == [5, 9, 9]
    assert labels("high", 5, 5, 1)["quadrant"] == 0


def test_tasks_without_valence_or_arousal_have_no_quadrant() -> None:
    scale = RatingScale(("liking",), 1, 9, 5, "low")
    assert list(scale.tasks()) == ["liking", "ratings"]
    assert list(RatingScale(NAMES, 1, 9, 5, "low").tasks()) == [*NAMES, "quadrant", "ratings"]


def test_windows_are_counted_by_class() -> None:
    scale = RatingScale(NAMES, 1, 9, 5, "drop")
    ratings = {(9.0, 1.0, 1.0): 3, (9.0, 9.0, 1.0): 4, (5.0, 9.0, 1.0): 100, (1.0, 9.0, 1.0): 2}
    assert scale.count_classes("valence", ratings) == {"low": 2, "high": 7}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ((1, 2), "has 2 ratings, not 3"),
        ((1, float("nan"), 3), "arousal is not rated"),
        ((0, 2, 3), "valence is 0, outside 1-9"),
        ((1, 2, 9.5), "liking is 9.5, outside 1-9"),
        ((1, 2, 9), None),
    ],
)
def test_invalid_ratings_are_named(values, problem) -> None:
    assert RatingScale(NAMES, 1, 9, 5, "low").find_invalid(values) == problem


@pytest.mark.parametrize("threshold", [1, 9, float("nan"), 12])
def test_a_threshold_outside_of_the_scale_is_refused(threshold: float) -> None:
    with pytest.raises(SpecError, match="is not within the scale of 1 to 9"):
        RatingScale(NAMES, 1, 9, threshold, "low").check("toy")
