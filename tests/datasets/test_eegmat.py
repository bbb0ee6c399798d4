import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbench import DataError, Sample, SpecError, Task
from mmbench_datasets.eegmat import Eegmat
from mmbench_datasets.eegmat.layout import EEG, SIGNALS

RATE = 500
SMALL = {"window": 2.0, "instances": 2}


def write_edf(path: Path, signals: Mapping[str, NDArray[np.float64]], rate: int = RATE) -> None:
    """An EDF file of one-second records; ``signals`` in µV, stored in steps of 0.1 µV, the ECG labelled in mV."""
    names = list(signals)
    in_mv = [name.startswith("ECG") for name in names]
    n_records = len(signals[names[0]]) // rate

    def column(values: list[object], width: int) -> bytes:
        return b"".join(str(value).ljust(width).encode("ascii") for value in values)

    each = len(names)
    start = column(["0"], 8) + column(["X", "X"], 80) + b"01.01.1100.00.00"
    start += column([256 * (1 + each)], 8) + column([""], 44) + column([n_records, 1], 8) + column([each], 4)
    fields = column(names, 16) + column([""] * each, 80) + column(["mV" if mv else "uV" for mv in in_mv], 8)
    fields += column([-3.2768 if mv else -3276.8 for mv in in_mv], 8)
    fields += column([3.2767 if mv else 3276.7 for mv in in_mv], 8)
    fields += column([-32768] * each, 8) + column([32767] * each, 8) + column([""] * each, 80)
    fields += column([rate] * each, 8) + column([""] * each, 32)
    digital = np.stack([np.round(10 * signals[name]) for name in names]).astype("<i2")
    records = digital[:, : n_records * rate].reshape(each, n_records, rate).transpose(1, 0, 2)
    path.write_bytes(start + fields + records.tobytes())


def noise(seconds: int, seed: int) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {name: np.round(rng.normal(0, 20, seconds * RATE), 1) for name in SIGNALS}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people, 7 s at rest and 5 s of arithmetic."""
    folder = tmp_path / "eegmat"
    folder.mkdir()
    for subject in (0, 1):
        write_edf(folder / f"Subject{subject:02d}_1.edf", noise(7, 10 + subject))
        write_edf(folder / f"Subject{subject:02d}_2.edf", noise(5, 20 + subject))
    return folder


def array(sample: Sample, modality: str) -> NDArray[np.float32]:
    return np.asarray(sample.data[modality])


def read(root: Path, unit: str = "s00", **params: float) -> list[Sample]:
    return list(Eegmat(**(SMALL | params)).read(root, unit))  # type: ignore[arg-type]


def assert_equal(left: Sample, right: Sample) -> None:
    assert (left.id, left.labels, left.groups, left.span) == (right.id, right.labels, right.groups, right.span)
    for modality in left.data:
        np.testing.assert_array_equal(array(left, modality), array(right, modality))


def test_the_schema_of_the_defaults() -> None:
    schema = Eegmat().schema()
    eeg, ecg = schema.modalities
    assert (eeg.name, eeg.shape, eeg.instances, eeg.rate, eeg.channels) == ("eeg", (19, 625), 1, 125, EEG)
    assert (ecg.name, ecg.shape, ecg.instances, ecg.rate) == ("ecg", (1, 125), 5, 125)
    assert schema.tasks == {"state": Task("class", ("rest", "arithmetic"))}
    assert schema.groups == ("subject", "recording")


def test_samples_come_as_the_schema_says(root: Path) -> None:
    dataset = Eegmat(**SMALL)  # type: ignore[arg-type]
    samples = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    assert len({sample.id for sample in samples}) == len(samples) == 10
    for sample in samples:
        assert set(sample.groups) == set(dataset.schema().groups)
        for modality in dataset.schema().modalities:
            data = array(sample, modality.name)
            assert data.shape == (modality.instances, *modality.shape)
            assert data.dtype == np.float32
            assert np.isfinite(data).all()


def test_ids_labels_groups_and_spans(root: Path) -> None:
    samples = read(root)
    recordings = ["s00/rest"] * 3 + ["s00/arithmetic"] * 2
    numbers = ["w000", "w001", "w002", "w000", "w001"]
    assert [sample.id for sample in samples] == [f"{r}/{n}" for r, n in zip(recordings, numbers, strict=True)]
    assert [sample.labels["state"] for sample in samples] == [0, 0, 0, 1, 1]
    assert [sample.groups["recording"] for sample in samples] == recordings
    assert {sample.groups["subject"] for sample in samples} == {"s00"}
    assert [sample.span for sample in samples] == [(0, 2), (2, 4), (4, 6), (0, 2), (2, 4)]


def test_two_reads_are_equal(root: Path) -> None:
    for left, right in zip(read(root), read(root), strict=True):
        assert_equal(left, right)


def test_at_the_rate_of_the_file_the_values_are_those_of_the_file(root: Path) -> None:
    written = noise(7, 10)
    window = read(root, rate=500)[1]
    expected = np.stack([written[f"EEG {name}"][1000:2000] for name in EEG])
    np.testing.assert_allclose(array(window, "eeg")[0], expected, atol=1e-3)
    np.testing.assert_allclose(array(window, "ecg").reshape(-1), written["ECG ECG"][1000:2000], atol=1e-3)


def test_channels_are_found_by_name(root: Path) -> None:
    before = read(root)
    signals = noise(7, 10)
    shuffled = {"EEG A2-A1": np.ones(7 * RATE)} | {name: signals[name] for name in reversed(SIGNALS)}
    write_edf(root / "Subject00_1.edf", shuffled)
    for left, right in zip(before, read(root), strict=True):
        assert_equal(left, right)


def test_resampling_keeps_45_hz_and_lets_nothing_fold_back(root: Path) -> None:
    time = np.arange(7 * RATE) / RATE
    signals = noise(7, 10)
    signals["EEG Fp1"] = 100 * np.sin(2 * np.pi * 45 * time)
    signals["EEG Fp2"] = 100 * np.sin(2 * np.pi * 80 * time)  # 125 - 80 = 45 Hz, were it not filtered
    write_edf(root / "Subject00_1.edf", signals)
    middle = array(read(root)[0], "eeg")[0, :, 25:-25]
    assert np.sqrt(2) * middle[0].std() == pytest.approx(100, rel=0.01)
    assert middle[1].std() < 1


def test_window_does_not_depend_on_its_surroundings(root: Path) -> None:
    before = read(root)[1]
    signals = noise(7, 10)
    for signal in signals.values():
        signal[:1000] += 500
        signal[2000:] *= 3
    write_edf(root / "Subject00_1.edf", signals)
    assert_equal(before, read(root)[1])


def test_stride_makes_windows_overlap(root: Path) -> None:
    first, second, *_ = read(root, stride=0.5, rate=500)
    assert second.span == (0.5, 2.5)
    np.testing.assert_array_equal(array(first, "eeg")[..., 250:], array(second, "eeg")[..., :-250])


def test_rest_seconds_shortens_the_rest_only(root: Path) -> None:
    assert [sample.labels["state"] for sample in read(root, rest_seconds=5)] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"window": 0.0}, "window=0.0"),
        ({"window": 90.0}, "window=90.0"),
        ({"window": 1.003}, "not a whole number"),
        ({"stride": 0.0}, "stride=0.0"),
        ({"rate": 64}, "rate=64"),
        ({"rate": 1000}, "rate=1000"),
        ({"instances": 0}, "instances=0"),
        ({"instances": 7}, "instances=7"),
        ({"rest_seconds": 1.0}, "rest_seconds=1.0"),
    ],
)
def test_options_that_make_no_sense(params: dict[str, float], named: str) -> None:
    with pytest.raises(SpecError, match=named):
        Eegmat(**params)  # type: ignore[arg-type]


def test_a_whole_folder_has_no_problems(root: Path) -> None:
    (root / "subject-info.csv").write_text("Subject,Age\n")
    dataset = Eegmat()
    assert dataset.check(root) == []
    assert dataset.units(root) == ["s00", "s01"]
    assert dataset.sources(root, "s01") == [root / "Subject01_1.edf", root / "Subject01_2.edf"]


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Eegmat().check(folder)
        assert problem.path == str(folder)
        assert "physionet.org" in problem.remedy


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def stop_within_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_text(path: Path) -> None:
    path.write_text("<html>not found</html>" * 100)


def drop_channels(path: Path) -> None:
    signals = noise(7, 0)
    write_edf(path, {name: signal for name, signal in signals.items() if name not in ("EEG Pz", "ECG ECG")})


def halve_rate(path: Path) -> None:
    write_edf(path, noise(7, 0), rate=250)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "is missing"),
        (truncate, "is truncated or damaged: "),
        (stop_within_the_header, "has a damaged header: it ends before the last of its 20 signals"),
        (empty, "is empty"),
        (replace_by_text, "is an HTML page"),
        (drop_channels, "lacks the channel 'EEG Pz' and 1 more"),
        (halve_rate, "channel 'EEG Fp1' has 250 Hz, not 500"),
    ],
)
def test_a_damaged_file_is_named_with_a_remedy(root: Path, damage, message: str) -> None:
    path = root / "Subject01_1.edf"
    damage(path)
    (problem,) = Eegmat().check(root)
    assert problem.path == str(path)
    assert problem.message.startswith(message)
    assert problem.remedy
    with pytest.raises(DataError) as caught:
        read(root, "s01")
    assert caught.value.where == str(path)
    assert caught.value.message.startswith(message)
    assert len(read(root, "s00")) == 5


def test_a_flat_electrode_is_named(root: Path) -> None:
    signals = noise(5, 0)
    signals["EEG F3"][:] = 7
    write_edf(root / "Subject00_2.edf", signals)
    with pytest.raises(DataError, match=r"Subject00_2\.edf: channel 'EEG F3' is constant — "):
        read(root)


def test_a_recording_shorter_than_a_window(root: Path) -> None:
    with pytest.raises(DataError, match=r"Subject00_2\.edf: 5 s are shorter than one window"):
        read(root, window=6.0)


def test_importing_the_datasets_loads_nothing_heavy() -> None:
    script = (
        "import sys, mmbench_datasets.eegmat, mmbench_datasets.mfeat, mmbench_datasets.stress_predict\n"
        "print(sorted({'numpy', 'mne', 'torch', 'cv2', 'scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.shared
@pytest.mark.parametrize(("unit", "rest"), [("s00", 36), ("s04", 34)])
def test_the_real_recordings(shared: Path, unit: str, rest: int) -> None:
    dataset = Eegmat()
    assert dataset.check(shared / "eegmat") == []
    samples = list(dataset.read(shared / "eegmat", unit))
    assert [sample.labels["state"] for sample in samples] == [0] * rest + [1] * 12
    eeg = np.stack([array(sample, "eeg") for sample in samples])
    ecg = np.stack([array(sample, "ecg") for sample in samples])
    assert eeg.shape == (rest + 12, 1, 19, 625)
    assert ecg.shape == (rest + 12, 5, 1, 125)
    assert 1 < eeg.std() < 50  # µV
    assert 50 < ecg.std() < 300  # µV
