import itertools
from pathlib import Path

import numpy as np
import pytest

from mmbench_datasets.mfeat import Mfeat
from mmbench_datasets.shared.simulated_signals import Trial, simulate_bands, simulate_pulse, simulate_ratings
from mmbench_datasets.shared.twins import make_once, twin_card

EDGES = (1.0, 8.0, 30.0)


def log_power(trial: Trial) -> np.ndarray:
    """Log power of the bands (3, 2)."""
    signal = simulate_bands(trial, 0, 3, 2000, 100.0, EDGES)
    power, at = np.abs(np.fft.rfft(signal)) ** 2, np.fft.rfftfreq(2000, 0.01)
    return np.log([power[:, (at >= low) & (at < high)].mean(axis=1) for low, high in itertools.pairwise(EDGES)])


def test_scores_move_band_power_along_one_direction_for_everybody() -> None:
    def change(person: int) -> np.ndarray:
        low, high = (log_power(Trial(0, person, 1, np.array([score]))) for score in (-3.0, 3.0))
        return (high - low).ravel()

    assert np.corrcoef(change(1), change(2))[0, 1] > 0.95


def test_persons_and_trials_differ_without_any_score_and_repeat_exactly() -> None:
    none = np.zeros(1)
    first = Trial(0, 1, 1, none)
    np.testing.assert_array_equal(
        simulate_bands(first, 0, 3, 500, 100.0, EDGES), simulate_bands(first, 0, 3, 500, 100.0, EDGES)
    )
    for other in (Trial(0, 2, 1, none), Trial(0, 1, 2, none), Trial(1, 1, 1, none)):
        assert np.abs(log_power(first) - log_power(other)).max() > 0.1


def test_a_pulse_has_about_seventy_beats_a_minute() -> None:
    pulse = simulate_pulse(Trial(0, 1, 1, np.zeros(1)), 1, 60 * 128, 128.0)
    beats = np.sum((pulse[1:] > 0.5) & (pulse[:-1] <= 0.5))
    assert 45 < beats < 110


def test_ratings_are_whole_numbers_of_the_scale_that_follow_their_scores() -> None:
    ratings, scores = simulate_ratings(0, 1, 40, (1, 5), 2)
    assert set(ratings.ravel()) <= {1, 2, 3, 4, 5}
    assert np.corrcoef(ratings.ravel(), scores.ravel())[0, 1] > 0.9
    others = np.mean([simulate_ratings(0, person, 40, (1, 5), 2)[0] for person in range(2, 12)], axis=0)
    assert np.corrcoef(ratings.ravel(), others.ravel())[0, 1] > 0.4, "films are rated alike"


def test_a_twin_is_made_once_and_an_interrupted_one_is_completed(tmp_path: Path) -> None:
    calls = []

    def write(root: Path, *, subjects: int) -> None:
        calls.append(subjects)
        root.mkdir(exist_ok=True)
        if len(calls) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(tmp_path, "toy", write, subjects=2)
    assert make_once(tmp_path, "toy", write, subjects=2) == make_once(tmp_path, "toy", write, subjects=2)
    assert make_once(tmp_path, "toy", write, subjects=3) != make_once(tmp_path, "toy", write, subjects=2)
    assert calls == [2, 2, 3]


def test_the_card_of_a_twin_says_simulated() -> None:
    card = twin_card(Mfeat.card)
    assert card.access == "simulated"
    assert card.title.startswith("Simulated, in the files of")
    assert card.citation.startswith("simulated by mmbench")
