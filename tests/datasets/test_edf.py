"""EDF and BDF files as devices and editors leave them: read rightly, or refused by name of channel and reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.deap.original_recordings import CHANNELS, RAW_RATE, check_original
from mmbench_datasets.edf import MAGIC, SAMPLE_BYTES, WIDTHS, Form, read_header
from mmbench_datasets.edf_signals import find_segments, read_integers, read_signals
from mmbench_datasets.eegmat import Eegmat
from mmbench_datasets.eegmat.layout import FILE_RATE, SIGNALS

NOTES = {"EDF": "EDF Annotations", "BDF": "BDF Annotations"}


@dataclass(frozen=True)
class Signal:
    """A signal of a file: what the header says of it, and its integers."""

    label: str
    integers: NDArray[np.int64]
    unit: bytes = b"uV"
    limits: tuple[str, str, str, str] = ("-3276.8", "3276.7", "-32768", "32767")


@dataclass(frozen=True)
class Recording:
    """A file of records of one second; ``onsets`` are the times that its records tell, ``note`` is in the fourth."""

    signals: tuple[Signal, ...]
    rate: int = FILE_RATE
    form: Form = "EDF"
    kind: str = "EDF+C"
    onsets: Sequence[str] | None = None
    note: bytes = b""
    records: int | None = None
    header_bytes: int | None = None
    seconds: str = "1"
    spare: bytes = b""

    @property
    def n_records(self) -> int:
        return len(self.signals[0].integers) // self.rate

    def write(self, path: Path) -> Path:
        n = len(self.signals) + (self.onsets is not None)
        fixed = [(MAGIC[self.form], 8), (b"", 160), (b"01.01.1100.00.00", 16)]
        fixed += [(str(256 * (n + 1) if self.header_bytes is None else self.header_bytes).encode(), 8)]
        fixed += [(self.kind.encode(), 44), (str(self.n_records if self.records is None else self.records).encode(), 8)]
        fixed += [(self.seconds.encode(), 8), (str(n).encode(), 4)]
        rows = [
            [s.label.encode(), b"", s.unit, *(text.encode() for text in s.limits), b"", str(self.rate).encode(), b""]
            for s in self.signals
        ]
        if self.onsets is not None:
            rows.append([NOTES[self.form].encode(), b"", b"", b"-1", b"1", b"-32768", b"32767", b"", b"30", b""])
        head = b"".join(text.ljust(width) for text, width in fixed)
        head += b"".join(row[at].ljust(width) for at, width in enumerate(WIDTHS) for row in rows)
        path.write_bytes(head + b"".join(map(self._record, range(self.n_records))) + self.spare)
        return path

    def _record(self, number: int) -> bytes:
        width = SAMPLE_BYTES[self.form]
        part = slice(number * self.rate, (number + 1) * self.rate)
        samples = np.concatenate([signal.integers[part] for signal in self.signals]).astype("<i4")
        stored = samples.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
        if self.onsets is None:
            return stored
        onset = self.onsets[number].encode()
        text = onset + b"\x14\x14\0" if onset else b""
        if self.note and number == 3:
            text += onset + b"\x14" + self.note + b"\x14\0"
        return stored + text.ljust(30 * width, b"\0")


def noise(seconds: int, seed: int = 0, labels: Sequence[str] = SIGNALS, rate: int = FILE_RATE) -> tuple[Signal, ...]:
    """Integers that are tenths of µV, of deviation 20 µV."""
    rng = np.random.default_rng(seed)
    return tuple(Signal(label, rng.normal(0, 200, seconds * rate).astype(int)) for label in labels)


def continuous(seconds: int) -> list[str]:
    return [f"+{second}" for second in range(seconds)]


def with_units(
    signals: Sequence[Signal], unit: bytes, limits: tuple[str, str] = ("-3276.8", "3276.7")
) -> tuple[Signal, ...]:
    return tuple(replace(signal, unit=unit, limits=(*limits, *signal.limits[2:])) for signal in signals)


@pytest.fixture
def read_windows(tmp_path: Path) -> Callable[..., list]:
    """The windows at rest of one person with this recording, and a plain one of arithmetic."""
    return lambda rest, **params: list(_dataset(**params).read(_write(tmp_path, rest), "s00"))


def _dataset(**params: float) -> Eegmat:
    return Eegmat(**({"window": 5.0, "rate": 500} | params))  # type: ignore[arg-type]


def _write(root: Path, rest: Recording) -> Path:
    rest.write(root / "Subject00_1.edf")
    Recording(noise(10, 1), onsets=continuous(10)).write(root / "Subject00_2.edf")
    return root


def eeg(samples: Sequence) -> NDArray[np.float64]:
    return np.stack([np.asarray(sample.data["eeg"])[0] for sample in samples])


# ---- time


def test_no_window_crosses_a_gap(read_windows, tmp_path):
    """30 s are missing after second 42: windows begin anew at 72 s, and each one's time is that of the recording."""
    onsets = [f"+{second}" for second in (*range(42), *range(72, 92))]
    recording = Recording(noise(62), kind="EDF+D", onsets=onsets)
    samples = [sample for sample in read_windows(recording) if sample.labels["state"] == 0]
    starts = [*range(0, 40, 5), *range(72, 92, 5)]
    assert [sample.span for sample in samples] == [(start, start + 5) for start in starts]
    written = np.stack([signal.integers for signal in recording.signals[:-1]]) / 10
    for sample, start in zip(samples, starts, strict=True):
        at = FILE_RATE * (start if start < 42 else start - 30)
        np.testing.assert_allclose(sample.data["eeg"][0], written[:, at : at + 5 * FILE_RATE], atol=1e-3)
    left = _dataset().left_out(tmp_path)
    assert left["30 s after second 42 of Subject00_1.edf"] == "not recorded: the file is discontinuous"
    assert "2 of 72 recorded seconds (2.8%)" in left
    assert _dataset().check(tmp_path) == []


def test_rest_seconds_is_time_of_the_recording(read_windows):
    recording = Recording(noise(30), kind="EDF+D", onsets=[f"+{at}" for at in (*range(10), *range(50, 70))])
    samples = [sample for sample in read_windows(recording, rest_seconds=56) if sample.labels["state"] == 0]
    assert [sample.span[0] for sample in samples] == [0, 5, 50]


def test_the_first_record_may_begin_within_a_second(read_windows):
    onsets = [f"+{at}.25" for at in (*range(6), *range(8, 14))]
    samples = read_windows(Recording(noise(12), kind="EDF+D", onsets=onsets))
    assert [sample.span[0] for sample in samples if sample.labels["state"] == 0] == [0, 8]


def test_stretches_that_are_all_shorter_than_a_window(read_windows):
    onsets = [f"+{10 * (at // 4) + at % 4}" for at in range(12)]
    with pytest.raises(DataError, match=r"_1\.edf: 4 s, its longest part without a gap, are shorter than one window"):
        read_windows(Recording(noise(12), kind="EDF+D", onsets=onsets))


@pytest.mark.parametrize(
    ("kind", "onsets", "says"),
    [
        ("EDF+C", [f"+{at}" for at in (0, 1, 2, 3, 4, 9, 10, 11)], "continuous, but its record 6 begins at 9 s"),
        (
            "EDF+D",
            [f"+{at}" for at in (0, 1, 2, 3, 4, 4, 5, 6)],
            "record 6 begins at 4 s, before the end of the previous",
        ),
        (
            "EDF+D",
            ["+0", "+1", "", "+3", "+4", "+5", "+6", "+7"],
            r"\(EDF\+D\), but its record 3 has no onset",
        ),
        ("EDF+D", None, r"is discontinuous \(EDF\+D\), but no channel holds the onsets of its records"),
        ("EDF+D", ["+" + "9" * 40] * 8, "record 2 begins at"),
    ],
)
def test_times_of_records_that_cannot_be(read_windows, tmp_path, kind, onsets, says):
    with pytest.raises(DataError, match=rf"Subject00_1\.edf: .*{says}"):
        read_windows(Recording(noise(8), kind=kind, onsets=onsets))
    (problem,) = _dataset().check(tmp_path)
    assert problem.path.endswith("Subject00_1.edf")


def test_times_that_are_rounded_are_no_gaps(tmp_path):
    onsets = [f"+{at / 3:.2f}" for at in range(12)]
    path = Recording(noise(12), onsets=onsets, seconds="0.333333").write(tmp_path / "a.edf")
    assert len(find_segments(read_header(path, "EDF", "again"))) == 1


def test_a_note_in_latin1_changes_nothing(read_windows):
    plain = read_windows(Recording(noise(12), onsets=continuous(12)))
    noted = read_windows(Recording(noise(12), onsets=continuous(12), note="yeux ferm\u00e9s".encode("latin1")))
    np.testing.assert_array_equal(eeg(plain), eeg(noted))


# ---- units and limits


MICRO = ("-3276.8", "3276.7")


@pytest.mark.parametrize(
    ("unit", "limits"),
    [
        ("\u00b5V".encode(), MICRO), ("\u00b5V".encode("latin1"), MICRO), ("\u03bcV".encode(), MICRO),
        (b"\x83\xcaV", MICRO), (b"UV", MICRO), (b"mV", ("-3.2768", "3.2767")),
        (b"V", ("-.003277", ".0032767")), (b"nV", ("-3276800", "3276700")),
    ],
)  # fmt: skip
def test_every_voltage_becomes_microvolt(read_windows, unit, limits):
    signals = noise(10)
    plain = read_windows(Recording(signals))
    other = read_windows(Recording(with_units(signals, unit, limits)))
    np.testing.assert_allclose(eeg(other), eeg(plain), rtol=1e-3, atol=0.2)


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        (b"", "has no unit"),
        (b"Ohm", "has the unit 'Ohm', which is not a voltage"),
        (b"MV", "has the unit 'MV', which is not a voltage"),
    ],
)
def test_what_is_no_voltage_is_refused_by_name_of_channel(read_windows, tmp_path, unit, says):
    signals = list(noise(10))
    signals[4] = replace(signals[4], unit=unit)
    with pytest.raises(DataError, match=rf"Subject00_1\.edf: channel 'EEG F7' {says} — correct the unit"):
        read_windows(Recording(tuple(signals)))
    assert len(_dataset().check(tmp_path)) == 1


def test_other_channels_may_have_any_unit(read_windows):
    other = Signal("SpO2", np.ones(10 * FILE_RATE, int), unit=b"%", limits=("0", "0", "5", "5"))
    assert len(read_windows(Recording((other, *noise(10))))) == 4


def test_an_inverted_amplifier_turns_the_sign(read_windows):
    signals = noise(10)
    turned = tuple(replace(signal, limits=("3276.7", "-3276.8", "-32768", "32767")) for signal in signals)
    at_rest = slice(2)
    expected = -eeg(read_windows(Recording(signals))[at_rest])
    np.testing.assert_allclose(eeg(read_windows(Recording(turned))[at_rest]), expected, atol=0.2)


def test_a_decimal_comma_is_read(read_windows):
    signals = noise(10)
    comma = tuple(replace(signal, limits=("-3276,8", "3276,7", "-32768", "32767")) for signal in signals)
    np.testing.assert_array_equal(eeg(read_windows(Recording(comma))), eeg(read_windows(Recording(signals))))


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (("0", "0", "-32768", "32767"), "its physical minimum and maximum are both 0"),
        (("-100", "100", "5", "5"), "its digital limits 5 to 5 are not ascending"),
        (("-100", "100", "32767", "-32768"), "its digital limits 32767 to -32768 are not ascending"),
        (("-100", "100", "-8388608", "8388607"), "not ascending within -32768 to 32767"),
        (("low", "100", "-32768", "32767"), "'low', '100', '-32768', '32767' are not four numbers"),
        (("", "", "", ""), "are not four numbers"),
        (("nan", "100", "-32768", "32767"), "are not four finite numbers"),
        (("-1e999", "100", "-32768", "32767"), "are not four finite numbers"),
    ],
)
def test_limits_that_cannot_scale_a_channel(read_windows, limits, says):
    signals = list(noise(10))
    signals[0] = replace(signals[0], limits=limits)
    with pytest.raises(
        DataError, match=rf"_1\.edf: channel 'EEG Fp1' cannot be scaled: .*{says}.* — get this file again"
    ):
        read_windows(Recording(tuple(signals)))


def test_a_label_that_two_channels_have(read_windows):
    signals = noise(10)
    with pytest.raises(DataError, match=r"Subject00_1\.edf: has 2 channels 'EEG Fp1'"):
        read_windows(Recording((*signals, signals[0])))
    assert len(read_windows(Recording((*signals, *noise(10, 2, ["x", "x"]))))) == 4


# ---- lengths


def test_a_recording_that_was_not_ended_has_the_records_that_are_there(read_windows, tmp_path):
    whole = read_windows(Recording(noise(10)))
    open_ended = read_windows(Recording(noise(10), records=-1, spare=bytes(123)))
    np.testing.assert_array_equal(eeg(whole), eeg(open_ended))
    left = _dataset().left_out(tmp_path)
    assert left["the last 123 bytes of Subject00_1.edf"] == "an incomplete record: the recording was not ended properly"


@pytest.mark.parametrize(
    ("recording", "says"),
    [
        (Recording(noise(10), records=11), r"is truncated or damaged: \d+ bytes, but its header declares \d+"),
        (Recording(noise(10), records=0), "has a damaged header: its number of records is 0"),
        (Recording(noise(10), records=-2), "its number of records is '-2'"),
        (Recording(noise(10), header_bytes=512), "it declares 512 bytes, but a header of 20 signals has 5376"),
        (Recording(noise(10), seconds="0"), "the duration of its records is '0'"),
        (Recording(noise(10), seconds="nan"), "the duration of its records is 'nan'"),
        (Recording(noise(10), seconds="two"), "the duration of its records is 'two'"),
        (Recording(noise(10), seconds="2"), "channel 'EEG Fp1' has 250 Hz, not 500"),
        (Recording(noise(10), form="BDF"), "is a BDF file"),
    ],
)
def test_headers_that_cannot_be(read_windows, recording, says):
    with pytest.raises(DataError, match=rf"Subject00_1\.edf: .*{says}"):
        read_windows(recording)


def test_nothing_but_a_header(read_windows):
    with pytest.raises(DataError, match="is truncated or damaged: 5376 bytes"):
        read_windows(Recording(noise(0), records=-1))


# ---- BDF


def original(**values: object) -> Recording:
    signals = noise(3, labels=(*CHANNELS, "Status"), rate=RAW_RATE)
    return Recording(signals, rate=RAW_RATE, form="BDF", kind="24BIT", **values)  # type: ignore[arg-type]


def test_units_and_gaps_of_original_recordings(tmp_path):
    path = tmp_path / "s01.bdf"
    assert check_original(original().write(path)).records == 3
    for unit in (b"", b"Ohm"):
        wrong = replace(original(), signals=with_units(original().signals, unit))
        with pytest.raises(DataError, match=r"s01\.bdf: channel 'Fp1' has .*unit"):
            check_original(wrong.write(path))
    gap = replace(original(), kind="BDF+D", onsets=["+0", "+1", "+7"])
    with pytest.raises(DataError, match=r"s01\.bdf: is discontinuous: a gap ends at 7 s"):
        check_original(gap.write(path))


# ---- the samples are those that mne reads, to the last bit


@pytest.mark.parametrize("form", ["EDF", "BDF"])
def test_samples_are_those_that_mne_reads(tmp_path, form):
    import mne

    largest = 2 ** (8 * SAMPLE_BYTES[form] - 1)
    rng = np.random.default_rng(0)
    labels = ("a", "b", "c")
    limits = ("-187500", "187499", str(-largest), str(largest - 1))
    signals = [Signal(label, rng.integers(-largest, largest, 6 * 100), limits=limits) for label in labels]
    signals[1] = replace(signals[1], unit=b"mV", limits=("-3.3", "1.7", *limits[2:]))
    kind = f"{form}+C"
    path = Recording(tuple(signals), 100, form, kind, onsets=continuous(6)).write(tmp_path / f"a.{form.lower()}")
    header = read_header(path, form, "again")
    read = mne.io.read_raw_edf if form == "EDF" else mne.io.read_raw_bdf
    expected = read(path, verbose="error").get_data(picks=["c", "b"]) * 1e6
    np.testing.assert_array_equal(read_signals(header, ["c", "b"]), expected)
    np.testing.assert_array_equal(read_signals(header, ["c", "b"], 2, 4), expected[:, 200:400])
    np.testing.assert_array_equal(read_integers(header, labels), [signal.integers for signal in signals])


@pytest.mark.shared
def test_real_samples_are_those_that_mne_reads(shared):
    import mne

    for name in ("Subject00_1.edf", "Subject13_2.edf"):
        header = read_header(shared / "eegmat" / name, "EDF", "again")
        raw = mne.io.read_raw_edf(header.path, include=list(SIGNALS), verbose="error")
        np.testing.assert_array_equal(read_signals(header, SIGNALS), raw.get_data(picks=list(SIGNALS)) * 1e6)
        assert len(find_segments(header)) == 1
