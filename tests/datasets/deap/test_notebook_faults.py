"""The faults of Milmer's public notebook, by hand: none by default, each as the notebook has it."""

import numpy as np
import pytest

from mmbench_datasets.deap import Deap, DeapSim
from mmbench_datasets.deap.files import find_files
from mmbench_datasets.deap.labels import QUADRANTS, label
from mmbench_datasets.deap.layout import DATA_SHAPE, EEG_CHANNELS, TWENTE_CHANNELS
from mmbench_datasets.deap.milmer_preprocessing import _filtered, clean_as_described, clean_as_published
from mmbench_datasets.deap.notebook_faults import scramble
from mmbench_datasets.deap.recordings import Recording, load_recording
from mmbench_datasets.deap.video_matching import match_videos
from mmbench_datasets.deap.windows import preprocess


def test_scrambling_is_no_transpose():
    trial = np.array([[1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60]])
    assert scramble(trial).tolist() == [[1, 3, 5, 10, 30, 50], [2, 4, 6, 20, 40, 60]]


def test_a_scrambled_window_is_few_electrodes_over_the_whole_minute(simulated):
    data = np.zeros(DATA_SHAPE)
    data[:, :, 384:] = np.arange(40)[:, None]  # the value is the number of the channel
    times = np.zeros(DATA_SHAPE)
    times[:, :, 384:] = np.arange(7680)
    options = Deap(scramble=True).options
    electrodes, seconds = (preprocess(options, Recording(values, np.ones((40, 4)))) for values in (data, times))
    window = slice(384 * 7, 384 * 8)  # samples 2688-3071 of each row are values 86016-98303 of the trial laid flat
    assert np.unique(electrodes[0, :, window]).tolist() == [11, 12]
    assert np.ptp(seconds[0, :, window]) == 7679
    plain = preprocess(Deap().options, Recording(data, np.ones((40, 4))))
    assert np.unique(plain[0, 5]).tolist() == [5]


def test_scrambling_reaches_the_samples(simulated):
    data = load_recording(simulated / "data_preprocessed_python/s01.dat").data
    samples = list(Deap(video=False, scramble=True, peripheral=True).read(simulated, "s01"))
    expected = data[0, :32, 384:].reshape(-1, 32)[384:768].T.astype(np.float32)
    np.testing.assert_array_equal(samples[1].data["eeg"][0], expected)
    np.testing.assert_array_equal(samples[1].data["peripheral"][0], data[0, 32:, 768:1152].astype(np.float32))


def test_selected_preprocessing_receives_eog_and_channel_names(simulated):
    recording = load_recording(simulated / "data_preprocessed_python/s01.dat")
    few = Recording(recording.data[:2, :, : 384 + 1280], recording.labels[:2])
    trials = few.data[:, :, 384:]
    for names, wrong in ((EEG_CHANNELS, False), (TWENTE_CHANNELS, True)):
        expected = clean_as_described(trials[:, :32], trials[:, 32:34], names)
        np.testing.assert_array_equal(preprocess(Deap(eeg="milmer", twente_names=wrong).options, few), expected)
        assert np.abs(expected - trials[:, :32]).max() > 1
    assert np.array_equal(preprocess(Deap().options, few), trials[:, :32])


@pytest.mark.parametrize("is_scrambled", [False, True])
def test_published_ica_corrupts_rank_deficient_data(is_scrambled):
    trial = np.random.default_rng(0).normal(0, 10, (32, 1024))
    trial -= trial.mean(axis=0)
    eeg = (scramble(trial) if is_scrambled else trial)[None]
    before, after = _filtered(eeg), clean_as_published(eeg, TWENTE_CHANNELS)
    assert after.shape == (1, 32, 1024)
    if is_scrambled:
        np.testing.assert_allclose(after, before, atol=1e-3)
    else:
        assert np.abs(after - before).max() > 1


def test_twente_names_are_the_same_channels_in_another_order():
    assert sorted(TWENTE_CHANNELS) == sorted(EEG_CHANNELS)
    named, misnamed = (Deap(twente_names=wrong).schema().modality("eeg").channels for wrong in (False, True))
    assert [named.index("F3"), misnamed.index("F3")] == [2, 3]
    assert [named[16], misnamed[16]] == ["Fp2", "O2"]


# Valence, arousal, then the quadrant without and with the fault.
@pytest.mark.parametrize(
    ("valence", "arousal", "correct", "published"),
    [
        (6, 6, "HAHV", "HAHV"),
        (6, 4, "LAHV", "LAHV"),
        (4, 4, "LALV", "LALV"),
        (4, 6, "HALV", "HALV"),
        (5, 5, "LALV", "HALV"),
        (6, 5, "LAHV", "HALV"),
        (4, 5, "LALV", "HALV"),
        (5, 6, "HALV", "HALV"),
        (5, 4, "LALV", "LAHV"),
    ],
)
def test_ties(valence, arousal, correct, published):
    ratings = np.array([valence, arousal, 5.0, 9.0])
    assert QUADRANTS[label(ratings)["quadrant"]] == correct
    assert QUADRANTS[label(ratings, "halv")["quadrant"]] == published
    assert {**label(ratings, "halv"), "quadrant": 0} == {**label(ratings), "quadrant": 0}


def test_ties_reach_the_samples(simulated, monkeypatch):
    recording = load_recording(simulated / "data_preprocessed_python/s01.dat")
    tied = Recording(recording.data, np.full((40, 4), 5.0))
    monkeypatch.setattr("mmbench_datasets.deap.subject.load_recording", lambda _: tied)
    for ties, quadrant in (("low", "LALV"), ("halv", "HALV")):
        sample = next(Deap(video=False, ties=ties).read(simulated, "s01"))
        assert QUADRANTS[sample.labels["quadrant"]] == quadrant


def test_videos_in_the_order_of_presentation(copy):
    """Each number is taken for an Experiment_id; the ratings are not even needed."""
    root = copy("metadata_csv/participant_ratings.csv")
    labels = np.ones((40, 4))
    videos = match_videos(find_files(root), "s01", labels, "presentation")
    assert {number: path.stem for number, path in videos.items()} == {
        number: f"s01_trial{number:02d}" for number in range(1, 41)
    }
    options = {"windows": 2, "frames": 2, "face_size": 24, "video_order": "presentation"}
    assert Deap(**options).check(root) == []
    assert "metadata_csv" not in str(Deap(**options).sources(root, "s01"))
    sample = next(Deap(**options).read(root, "s01"))
    assert "eeg" in sample.data


def test_the_simulated_version_has_the_same_options():
    options = DeapSim(scramble=True, twente_names=True, ties="halv", video_order="presentation", eeg="milmer").options
    assert options.channels == TWENTE_CHANNELS
    assert (options.scramble, options.ties) == (True, "halv")
    assert (options.video_order, options.eeg) == ("presentation", "milmer")
