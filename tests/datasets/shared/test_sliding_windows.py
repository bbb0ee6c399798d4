import numpy as np
import pytest

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.shared.sliding_windows import Signal, cut_samples, make_windows

LABELS, GROUPS = {"state": 1}, {"subject": "s1"}


def cut(windows, signals):
    return [*cut_samples(windows, signals, "s1/t1", LABELS, GROUPS, where="file, trial 1", begin=5.0)]


def test_windows_of_two_rates_stand_at_the_same_times() -> None:
    windows = make_windows("toy", 2.0, 1.5, (4.0, 8.0), 60)
    seconds = np.arange(6 * 8) / 8
    samples = cut(windows, {"a": Signal(seconds[None, ::2], 4.0), "b": Signal(np.stack([seconds, -seconds]), 8.0)})
    assert [sample.id for sample in samples] == ["s1/t1/w000", "s1/t1/w001", "s1/t1/w002"]
    assert [sample.span for sample in samples] == [(5.0, 7.0), (6.5, 8.5), (8.0, 10.0)]
    for sample in samples:
        assert sample.data["a"].shape == (1, 1, 8)
        assert sample.data["b"].shape == (1, 2, 16)
        assert sample.data["a"][0, 0, 0] == sample.data["b"][0, 0, 0] == sample.span[0] - 5.0
    assert windows.unused(6 * 4, 4.0) == 1.0
    assert windows.unused(3, 4.0) == 0.75


def test_a_window_lacks_a_signal_that_ended_or_was_not_recorded() -> None:
    windows = make_windows("toy", 1.0, None, (4.0,), 60)
    long, short, blank = np.arange(8.0)[None], np.arange(7.0)[None], np.full((1, 8), np.nan)
    first, second = cut(windows, {"long": Signal(long, 4.0), "short": Signal(short, 4.0), "blank": Signal(blank, 4.0)})
    assert set(first.data) == {"long", "short"}
    assert set(second.data) == {"long"}


def test_single_bad_values_cost_their_window() -> None:
    values = np.arange(8.0)[None]
    values[0, 5] = -np.inf
    windows = make_windows("toy", 1.0, None, (4.0,), 60)
    first, second = cut(windows, {"eeg": Signal(values, 4.0)})
    assert isinstance(first, Sample)
    assert isinstance(second, DataError)
    assert second.line.startswith("file, trial 1: s1/t1/w001: eeg has NaN or infinite values")


@pytest.mark.parametrize("values", [np.zeros((1, 0)), np.zeros((1, 3)), np.full((1, 50), np.nan)])
def test_a_trial_without_any_window_is_an_error(values) -> None:
    (error,) = cut(make_windows("toy", 1.0, None, (4.0,), 60), {"eeg": Signal(values, 4.0)})
    assert isinstance(error, DataError)
    assert "nothing was recorded for a window of 1 s" in error.line


@pytest.mark.parametrize(
    ("window", "stride", "message"),
    [
        (0, None, "window=0 is outside 0-60 s"),
        (61, None, "window=61 is outside 0-60 s"),
        (1, float("nan"), "stride=nan is outside"),
        (1, -1, "stride=-1 is outside"),
        (1.1, None, "window=1.1 s is not a whole number of samples at 4 Hz"),
        (1, 0.01, "stride=0.01 s is not a whole number"),
    ],
)
def test_impossible_windows_are_refused(window: float, stride: float | None, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_windows("toy", window, stride, (4.0, 8.0), 60)
