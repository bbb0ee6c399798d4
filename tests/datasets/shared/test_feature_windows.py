import numpy as np
import pytest

from mmbench import DataError, Sample
from mmbench_datasets.shared.feature_windows import count_samples, describe_lacking, vector_samples

NAMES = ("calm", "glad", "sad")


def samples(label: int = 1, **features):
    groups = {"subject": "s1", "trial": f"s1/{label}"}
    return [*vector_samples(features, "s1/t1", {"emotion": label}, groups, where="file", seconds=4.0)]


def test_each_window_is_a_sample_with_a_vector_of_each_modality() -> None:
    first, second = samples(eeg=np.arange(6.0).reshape(2, 3), eye=np.arange(4.0).reshape(2, 2))
    assert (first.id, first.span, second.id, second.span) == ("s1/t1/w000", (0, 4), "s1/t1/w001", (4, 8))
    assert second.data["eeg"].tolist() == [[3, 4, 5]]
    assert second.data["eye"].tolist() == [[2, 3]]
    assert second.data["eeg"].dtype == np.float32


def test_features_that_are_no_numbers_cost_their_modality() -> None:
    eeg, eye = np.zeros((3, 2)), np.zeros((3, 2))
    eye[1, 0], eye[2, 1], eeg[2, 0] = np.nan, -np.inf, np.inf
    outcomes = samples(eeg=eeg, eye=eye)
    assert [set(each.data) for each in outcomes[:2]] == [{"eeg", "eye"}, {"eeg"}]
    assert outcomes[2].line.startswith("file: s1/t1/w002: all features have NaN or infinite values")
    assert describe_lacking(outcomes, "s01", ["eeg", "eye"]) == {"eye features of 1 window of s01": "NaN or infinite"}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ({"eeg": np.zeros((3, 2)), "eye": np.zeros((2, 2))}, "3 of eeg, 2 of eye"),
        ({"eeg": np.zeros((0, 2)), "eye": np.zeros((0, 2))}, "0 of eeg, 0 of eye"),
    ],
)
def test_a_trial_whose_windows_do_not_match_is_an_error(features, told: str) -> None:
    (error,) = samples(**features)
    assert isinstance(error, DataError)
    assert error.message == f"s1/t1: windows that do not belong together: {told}"


def test_trials_windows_and_classes_are_counted() -> None:
    outcomes: list[Sample | DataError] = [*samples(1, eeg=np.zeros((3, 2))), *samples(0, eeg=np.zeros((2, 2)))]
    outcomes.append(DataError("damaged"))
    assert count_samples(outcomes, "emotion", NAMES) == {
        "trials": 2,
        "windows": 5,
        "windows of calm": 2,
        "windows of glad": 3,
        "windows of sad": 0,
    }
