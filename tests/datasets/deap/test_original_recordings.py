"""From a simulated session in BioSemi's format back to the trials it was made of."""

from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError, SpecError
from mmbench_datasets.bdf_writer import Channel, write_bdf
from mmbench_datasets.deap import Deap
from mmbench_datasets.deap.layout import EEG_CHANNELS, ORIGINAL_FOLDER
from mmbench_datasets.deap.original_recordings import (
    CHANNELS,
    END,
    FIXATION,
    RAW_RATE,
    START,
    check_original,
    find_starts,
    load_original,
    load_presented,
    to_conductance,
)
from mmbench_datasets.deap.ratings import Rating
from mmbench_datasets.deap.simulate.options import Simulation
from mmbench_datasets.deap.simulate.ratings import make_ratings
from mmbench_datasets.deap.simulate.raw_recording import list_channels, presentation_order, write_raw_recording
from mmbench_datasets.deap.simulate.signals import simulate_eeg, simulate_peripheral
from mmbench_datasets.edf import read_header

# Experiment_ids in the order in which they are shown, and the ratings that say so.
SHOWN = (3, 1, 2)
RATINGS = {
    (who, experiment): Rating(SHOWN.index(experiment) + 1, (experiment, 2.0, 3.0, 4.0))
    for who in (1, 30)
    for experiment in SHOWN
}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """One session recorded in Twente, and one in Geneva with the offset of its Status and one channel more."""
    root = tmp_path_factory.mktemp("sessions") / ORIGINAL_FOLDER
    root.mkdir()
    for who in (1, 30):
        write_raw_recording(root / f"s{who:02d}.bdf", Simulation(32), who, SHOWN)
    return root


@pytest.fixture(scope="module")
def trials(sessions):
    """The trials of both people by the way in which ocular artefacts were removed."""
    return {
        (who, eog): load_presented(sessions / f"s{who:02d}.bdf", who, eog, 3)
        for who, eog in ((1, "regression"), (1, "none"), (1, "ica"), (30, "regression"))
    }


def clean(who, experiment):
    return simulate_eeg(0, who, experiment, *make_ratings(0, who).scores[experiment - 1])


def same(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


@pytest.mark.parametrize("who", [1, 30])
def test_the_eeg_is_that_of_the_trial_channel_by_channel(trials, who):
    got = trials[who, "regression"]
    assert got.shape == (3, 40, 8064)
    for place, experiment in enumerate(SHOWN):
        truth = clean(who, experiment)
        assert min(same(got[place, row], truth[row]) for row in range(32)) > 0.9
        assert same(got[place, :32], truth) > 0.99
        assert 0.9 < got[place, :32].std() / truth.std() < 1.1, "in µV"
    assert np.abs(got[:, :32].mean(axis=1)).max() < 1e-9, "average reference"


def test_ocular_artefacts_are_much_smaller_than_without_removal(trials):
    """The error of Fp1, which is nearest to the eyes, while they blink (µV)."""
    errors = {}
    for eog in ("none", "regression", "ica"):
        got = trials[1, eog]
        error = np.stack([got[place, :32] - clean(1, experiment) for place, experiment in enumerate(SHOWN)])
        blinks = trials[1, "none"][:, 33]
        errors[eog] = np.abs(error[:, 0][np.abs(blinks - np.median(blinks)) > 150]).mean()
    assert errors["none"] > 8
    assert errors["regression"] < 0.3 * errors["none"]
    assert errors["ica"] < 0.6 * errors["none"]


def test_the_other_channels_are_the_bipolar_ones_and_four_more(trials):
    for who in (1, 30):
        got = trials[who, "regression"]
        truth = simulate_peripheral(0, who, SHOWN[1], make_ratings(0, who).scores[SHOWN[1] - 1, 1])
        assert all(same(got[1, 32 + row], truth[row]) > 0.95 for row in range(2, 8))
        # Temperature keeps its unit and its level; GSR has one unit, though Twente's file (s01) has ohm.
        for row in (4, 7):
            np.testing.assert_allclose(got[1, 32 + row].mean(), truth[row].mean(), rtol=0.02)
        assert np.ptp(got[1, 33]) > 150, "blinks"


def test_a_resistance_that_no_skin_has_gives_no_infinite_conductance():
    np.testing.assert_allclose(to_conductance(np.array([1e6, 2e5, 0.0, -5.0])), [1e3, 5e3, 1e6, 1e6])


def test_rows_are_in_the_order_of_experiment_id(sessions):
    """Fails where the order of presentation is kept: the clips were shown as 3, 1, 2."""
    recording = load_original(sessions / "s01.bdf", 1, RATINGS, "regression", 3)
    assert recording.data.shape == (3, 40, 8064)
    for row, experiment in enumerate((1, 2, 3)):
        assert same(recording.data[row, :32], clean(1, experiment)) > 0.99
        assert abs(same(recording.data[row, :32], clean(1, SHOWN[row]))) < 0.2
    assert recording.labels.tolist() == [[float(experiment), 2.0, 3.0, 4.0] for experiment in (1, 2, 3)]


def test_trials_missing_in_the_ratings(sessions):
    fewer = {key: value for key, value in RATINGS.items() if key != (1, 2)}
    with pytest.raises(DataError, match=r"s01\.bdf: the table of ratings does not list 3 trials of participant 1"):
        load_original(sessions / "s01.bdf", 1, fewer, "none", 3)


def test_the_simulated_files_have_the_quirks_of_the_real_ones(sessions):
    twente, geneva = (read_header(sessions / name, "BDF", "") for name in ("s01.bdf", "s30.bdf"))
    assert [len(header.labels) for header in (twente, geneva)] == [48, 49]
    assert twente.labels[:4] == ("Fp1", "AF3", "F7", "F3")
    assert geneva.labels[:32] == EEG_CHANNELS
    assert twente.rate("Status") == twente.rate("Fp1") == RAW_RATE
    assert [header.units[header.index("GSR1")] for header in (twente, geneva)] == ["Ohm", "nS"]
    assert len(list_channels(28)) == 48
    assert sorted(presentation_order(0, 1)) == list(range(1, 41))
    assert presentation_order(0, 1)[make_ratings(0, 1).trials[6] - 1] == 7
    with pytest.raises(DataError, match="has 0 video starts"):
        load_presented(sessions / "s30.bdf", 1, "none", 3)  # the offset is that of s24-s32


def codes(*events, seconds=300):
    """Status codes that are held for a tenth of a second, at times in seconds."""
    status = np.zeros(seconds * RAW_RATE, np.int64)
    for second, code in events:
        status[round(second * RAW_RATE) : round((second + 0.1) * RAW_RATE)] = code
    return status


REGULAR = [(5, FIXATION), (10, START), (70, END), (75, FIXATION), (80, START), (140, END)]


def test_starts_are_found():
    assert find_starts(codes(*REGULAR), Path("s01.bdf"), 2) == [10 * RAW_RATE, 80 * RAW_RATE]


@pytest.mark.parametrize(
    ("events", "seconds", "says"),
    [
        (REGULAR[:4], 300, r"s01.bdf: has 1 video starts \(Status 4\), not 2"),
        ([*REGULAR, (200, START)], 300, "has 3 video starts"),
        ([(10, START), (40, START)], 300, "presentation 1: lasts 27.0 s, not 60: a spurious Status 4"),
        ([(2, START), (80, START)], 300, "presentation 1: has less than 3 s of baseline before it"),
        (REGULAR, 120, "presentation 2: lasts 40.0 s"),
        ([*REGULAR, (90, END)], 300, "presentation 2: ends after 10.0 s: a spurious Status 5"),
    ],
)
def test_irregular_codes_are_reported_in_one_line(events, seconds, says):
    with pytest.raises(DataError, match=says):
        find_starts(codes(*events, seconds=seconds), Path("s01.bdf"), 2)


def small(path, labels=(*CHANNELS, "Status"), rate=RAW_RATE):
    channels = [Channel(label, "uV", 262144.0) for label in labels]
    write_bdf(path, channels, rate, 1, [np.zeros((len(labels), rate))])
    return path


def test_what_does_not_fit_is_named(tmp_path):
    path = tmp_path / "s01.bdf"
    assert check_original(small(path)).records == 1
    with pytest.raises(DataError, match=r"s01\.bdf: lacks the channel Fp1 and 1 more"):
        check_original(small(path, (*CHANNELS[1:-1], "Status", "Temp?", "Temp")[:-1]))
    with pytest.raises(DataError, match="Fp1 has 256 Hz, not 512"):
        check_original(small(path, rate=256))
    whole = small(path).read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="truncated or damaged"):
        check_original(path)
    for content, message in (
        (b"", "is empty"),
        (b"no recording" * 100, "is not a BDF"),
        (b"0" + whole[1:], "is not a BDF"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            check_original(path)


def test_values_are_written_as_24_bits(tmp_path):
    import mne

    values = np.array([[0.0, 1.0, -1.0, 262_000.0, -262_000.0, 15.625, -0.03125, 100.0]])
    write_bdf(tmp_path / "a.bdf", [Channel("Fp1", "uV", 262144.0)], 8, 1, [values])
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="error")
    np.testing.assert_allclose(raw.get_data() * 1e6, values, atol=0.02, rtol=1e-6)


def test_check_sources_and_units_follow_the_source(sessions, simulated):
    root = sessions.parent
    dataset = Deap(source="bdf", video=False)
    assert dataset.units(root) == ["s01", "s30"]
    (problem,) = dataset.check(root)
    assert problem.path.endswith("participant_ratings.csv")
    assert "order of presentation" in problem.message
    (problem,) = dataset.check(simulated)
    assert "no data_original/sNN.bdf" in problem.message
    (root / "metadata_csv").mkdir()
    ratings = root / "metadata_csv" / "participant_ratings.csv"
    ratings.symlink_to(simulated / "metadata_csv" / "participant_ratings.csv")
    first, second = dataset.check(root)
    assert (first.path, first.message) == (str(sessions / "s01.bdf"), "has 3 video starts (Status 4), not 40")
    assert second.message == "the table of ratings does not list 40 trials of participant 30"
    assert dataset.sources(root, "s01") == [sessions / "s01.bdf", ratings]
    with pytest.raises(DataError, match=r"no signals of s02 — add data_original/s02\.bdf"):
        dataset.sources(root, "s02")
    with pytest.raises(DataError, match="has 3 video starts"):
        list(dataset.read(root, "s01"))
    (sessions / "s02.bdf").write_bytes((sessions / "s01.bdf").read_bytes()[:50_000])
    assert any(problem.path.endswith("s02.bdf") for problem in dataset.check(root))
    (sessions / "s02.bdf").unlink()
    assert "no data_preprocessed_python" in Deap().check(root)[0].message


def test_the_reader_cuts_windows_from_the_originals(sessions, simulated, monkeypatch, tmp_path):
    """With the trials that are there repeated up to 40."""
    import mmbench_datasets.deap.subject as subject

    def load(path, participant, ratings, eog):
        assert (path.name, participant, len(ratings)) == ("s01.bdf", 1, 40)
        recording = load_original(path, participant, RATINGS, eog, 3)
        return type(recording)(np.tile(recording.data, (14, 1, 1))[:40], np.tile(recording.labels, (14, 1))[:40])

    monkeypatch.setattr(subject, "load_original", load)
    for name, folder in (("metadata_csv", simulated), (ORIGINAL_FOLDER, sessions.parent)):
        (tmp_path / name).symlink_to(folder / name)
    sample = next(Deap(source="bdf", video=False, windows=2).read(tmp_path, "s01"))
    assert same(sample.data["eeg"][0], clean(1, 1)[:, 384:768]) > 0.98
    assert sample.labels["quadrant"] == 2


def test_removal_of_ocular_artefacts_is_for_the_originals():
    assert Deap(source="bdf", eog="ica").options.eog == "ica"
    with pytest.raises(SpecError, match=r"eog=none applies to the original recordings.* — add source=bdf"):
        Deap(eog="none")


def test_a_simulation_with_originals_plans_one_a_person(tmp_path):
    from mmbench_datasets.deap.simulate.folder import _plan
    from mmbench_datasets.deap.simulate.options import Simulation

    names = [path.name for _, path, *_ in _plan(tmp_path, Simulation(2, bdf=True)) if path.suffix == ".bdf"]
    assert names == ["s01.bdf", "s02.bdf"]
    assert not [path for _, path, *_ in _plan(tmp_path, Simulation(2)) if path.suffix == ".bdf"]
