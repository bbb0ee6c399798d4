"""What the eyes add is taken out and little else, by regression and by ICA."""

import numpy as np
import pytest

from mmbench import DataError
from mmbench_datasets.deap import Deap
from mmbench_datasets.deap.layout import EEG_CHANNELS, TWENTE_CHANNELS
from mmbench_datasets.deap.milmer_preprocessing import clean_as_described
from mmbench_datasets.deap.ocular import join_trials, rank_of, regress_eog, remove_ocular_components, split_trials
from mmbench_datasets.deap.recordings import Recording

RATE, SECONDS = 128.0, 100
BLINKING = ("Fp1", "Fp2", "AF3", "AF4")


def bumps(rng, n_times, width):
    """Blinks at random times."""
    signal = np.zeros(n_times)
    signal[rng.integers(0, n_times, n_times // 300)] = 1.0
    return np.convolve(signal, np.hanning(width), "same")


def spread(names, size):
    return size * np.isin(EEG_CHANNELS, names).astype(float)


@pytest.fixture(scope="module")
def recording():
    """Average-referenced EEG of independent sources, with blinks added, and the EOG that recorded them."""
    rng = np.random.default_rng(0)
    n_times = int(RATE * SECONDS)
    clean = rng.normal(0, 1, (32, 32)) @ rng.laplace(0, 2, (32, n_times))
    blinks = 40 * bumps(rng, n_times, 40)
    dirty = clean + np.outer(spread(BLINKING, 2.0), blinks)
    eog = np.stack([rng.normal(0, 5, n_times), 3 * blinks + rng.normal(0, 1, n_times)])
    return clean - clean.mean(0), dirty - dirty.mean(0), eog, blinks


def blink_share(eeg, blinks):
    """How much of a blink is in Fp1, per unit of the blink."""
    return abs(np.cov(eeg[0], blinks)[0, 1] / blinks.var())


@pytest.mark.parametrize("remove", [regress_eog, remove_ocular_components])
def test_blinks_are_removed_and_the_rest_stays(recording, remove):
    clean, dirty, eog, blinks = recording
    got = remove(dirty, eog, EEG_CHANNELS, RATE)
    assert blink_share(dirty, blinks) > 1.5
    assert blink_share(got, blinks) < 0.1
    assert np.corrcoef(got.ravel(), clean.ravel())[0, 1] > 0.97
    assert np.corrcoef(dirty.ravel(), clean.ravel())[0, 1] < 0.93


def test_the_rank_is_counted_and_one_dimension_is_lost(recording):
    _, dirty, eog, _ = recording
    assert rank_of(dirty) == 31
    assert rank_of(dirty + np.outer(np.arange(32), dirty[0])) == 31
    got, again = (remove_ocular_components(dirty, eog, EEG_CHANNELS, RATE) for _ in range(2))
    assert rank_of(got - got.mean(axis=1, keepdims=True)) == 30
    np.testing.assert_array_equal(got, again)


def test_something_is_removed_even_where_the_eyes_did_nothing(recording):
    clean, _, _, _ = recording
    eog = np.random.default_rng(5).normal(0, 1, (2, clean.shape[1]))
    got = remove_ocular_components(clean, eog, EEG_CHANNELS, RATE)
    assert rank_of(got - got.mean(axis=1, keepdims=True)) == 30


def test_wrong_names_keep_the_blinks():
    """Under Twente's names the right side of the front is called the back, and its map is no longer frontal."""
    rng = np.random.default_rng(1)
    n_times = int(RATE * SECONDS)
    blinks = bumps(rng, n_times, 40)
    eeg = rng.normal(0, 1, (32, 32)) @ rng.laplace(0, 2, (32, n_times))
    eeg += np.outer(spread(("Fp2", "AF4", "F8"), 200.0), blinks)
    eeg -= eeg.mean(0)
    eog = np.stack([rng.normal(0, 5, n_times), 100 * blinks + rng.normal(0, 1, n_times)])
    right = remove_ocular_components(eeg, eog, EEG_CHANNELS, RATE)
    wrong = remove_ocular_components(eeg, eog, TWENTE_CHANNELS, RATE)
    fp2 = EEG_CHANNELS.index("Fp2")
    assert abs(np.corrcoef(right[fp2], blinks)[0, 1]) < 0.15
    assert abs(np.corrcoef(wrong[fp2], blinks)[0, 1]) > 0.6


def test_the_described_preprocessing_filters_each_trial_and_removes_over_all(recording):
    _, dirty, eog, blinks = recording
    slow = 30 * np.sin(2 * np.pi * 0.2 * np.arange(dirty.shape[1]) / RATE)
    fast = 30 * np.sin(2 * np.pi * 63 * np.arange(dirty.shape[1]) / RATE)
    eeg = dirty + np.outer(spread(("Oz",), 1.0), slow + fast)
    eeg -= eeg.mean(0)
    got = join_trials(clean_as_described(split_trials(eeg, 4), split_trials(eog, 4), EEG_CHANNELS))
    oz = EEG_CHANNELS.index("Oz")
    assert abs(np.corrcoef(eeg[oz], slow)[0, 1]) > 0.5
    assert abs(np.corrcoef(got[oz], slow)[0, 1]) < 0.1
    assert abs(np.corrcoef(got[oz], fast)[0, 1]) < 0.1
    assert blink_share(got, blinks) < 0.2


def test_trials_are_joined_and_split():
    signals = np.arange(24.0).reshape(3, 2, 4)
    assert join_trials(signals)[1].tolist() == [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23]
    np.testing.assert_array_equal(split_trials(join_trials(signals), 3), signals)


@pytest.mark.parametrize(
    ("eeg", "says"),
    [
        (np.zeros((40, 40, 8064)), "all EEG channels hold the same signal"),
        (np.broadcast_to(np.random.default_rng(0).normal(size=8064), (40, 40, 8064)), "hold the same signal"),
        (1e300 * np.random.default_rng(0).normal(size=(40, 40, 8064)), r"cannot be preprocessed \(.+\)"),
    ],
    ids=["zeros", "one signal", "huge"],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_signals_that_cannot_be_preprocessed_are_reported_with_their_file(tmp_path, monkeypatch, eeg, says):
    """Whatever a library stumbles over becomes one line, not a traceback."""
    import mmbench_datasets.deap.subject as subject

    path = tmp_path / "data_preprocessed_python" / "s01.dat"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(subject, "load_recording", lambda path: Recording(eeg, np.full((40, 4), 5.0)))
    with pytest.raises(DataError, match=rf"s01\.dat: its signals .*{says}.* — leave this person out") as caught:
        next(Deap(video=False, eeg="milmer").read(tmp_path, "s01"))
    assert "\n" not in str(caught.value)


def test_a_constant_eog_has_no_weights(recording):
    _, dirty, eog, _ = recording
    with pytest.raises(ValueError, match="vEOG is constant"):
        regress_eog(dirty, np.stack([eog[0], np.zeros_like(eog[1])]), EEG_CHANNELS, RATE)
