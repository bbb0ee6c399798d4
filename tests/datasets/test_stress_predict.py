from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmbench import DataError, Modality, Sample, SpecError, Task
from mmbench.data.dataset_files import choose_units
from mmbench.data.samples.validation import check_sample
from mmbench.registry.plugins import load_registry
from mmbench_datasets.stress_predict import StressPredict
from mmbench_datasets.stress_predict.dataset import LABELS
from mmbench_datasets.stress_predict.sensors import SENSORS

BEGIN = 1644227574
PHASES = ((0, 25), (1, 12), (0, 21))  # label and seconds; labels begin nine seconds after the wristband
SMALL = {"window": 10}


def write_sensor(path: Path, values: NDArray[np.float64], rate: int, start: float = BEGIN) -> None:
    """A CSV file of an Empatica E4: start and rate of each column, then ``values`` ``(time, channels)``."""
    n_channels = values.shape[1]
    header = [", ".join([f"{value:.6f}"] * n_channels) for value in (start, rate)]
    rows = (",".join(f"{value:.6f}" for value in row) for row in values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((*header, *rows)) + "\n")


def write_person(root: Path, number: int, seconds: int = 70) -> None:
    """Signals that tell their own time: each value is its second, its channel added."""
    for name, sensor in SENSORS.items():
        time = np.arange(seconds * sensor.rate)[:, None] / sensor.rate
        # One sensor begins two seconds later than the others.
        late = 2 if name == "temp" else 0
        values = (time[late * sensor.rate :] + np.arange(len(sensor.channels))) / sensor.scale
        write_sensor(root / "Raw_data" / f"S{number:02d}" / sensor.file, values, sensor.rate, BEGIN + late)


def write_labels(root: Path, people: Iterable[int], phases: Iterable[tuple[int, int]] = PHASES) -> None:
    lines = ["Participant,HR,respr,Time(sec),Label"]
    for number in people:
        labels = [label for label, seconds in phases for _ in range(seconds)]
        # A heart rate is missing, as in 44 rows of the publishers'.
        lines += [
            f"{number},{'' if second == 3 else 80},12.1,{BEGIN + 9 + second},{label}"
            for second, label in enumerate(labels)
        ]
    path = root / LABELS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """S01 without labels, S02 and S03 with, S04 with labels only."""
    folder = tmp_path / "stress-predict"
    for number in (1, 2, 3):
        write_person(folder, number)
    write_labels(folder, (2, 3, 4))
    return folder


def array(sample: Sample, modality: str) -> NDArray[np.float32]:
    return np.asarray(sample.data[modality])


def read(root: Path, unit: str = "s02", **params: int) -> list[Sample]:
    return list(StressPredict(**(SMALL | params)).read(root, unit))


def test_the_schema_of_the_defaults() -> None:
    schema = StressPredict().schema()
    shapes = {modality.name: (modality.shape, modality.rate) for modality in schema.modalities}
    assert shapes == {"bvp": ((1, 3840), 64), "eda": ((1, 240), 4), "acc": ((3, 1920), 32), "temp": ((1, 240), 4)}
    assert schema.tasks == {"state": Task("class", ("rest", "stress")), "heart_rate": Task("values", ("heart rate",))}
    assert schema.groups == ("subject", "trial")


def test_windows_lie_within_phases(root: Path) -> None:
    samples = read(root)
    assert [sample.id for sample in samples] == [
        "s02/p1-rest/w000",
        "s02/p1-rest/w001",
        "s02/p2-stress/w000",
        "s02/p3-rest/w000",
        "s02/p3-rest/w001",
    ]
    assert [sample.labels["state"] for sample in samples] == [0, 0, 1, 0, 0]
    assert [sample.span for sample in samples] == [(9, 19), (19, 29), (34, 44), (46, 56), (56, 66)]
    assert [sample.groups for sample in samples] == [
        {"subject": "s02", "trial": sample.id.rpartition("/")[0]} for sample in samples
    ]


def test_sensors_of_all_rates_show_the_same_time(root: Path) -> None:
    for sample in read(root):
        for name, sensor in SENSORS.items():
            window = array(sample, name)
            assert window.dtype == np.float32
            assert window.shape == (1, len(sensor.channels), 10 * sensor.rate)
            time = sample.span[0] + np.arange(10 * sensor.rate) / sensor.rate
            expected = time + np.arange(len(sensor.channels))[:, None]
            np.testing.assert_allclose(window[0], expected, atol=1e-4)


@pytest.mark.parametrize("encoder", ["conv1d", "spectrum"])
@pytest.mark.parametrize("modality", StressPredict().schema().modalities, ids=lambda modality: modality.name)
def test_encoders_work_at_every_rate(encoder: str, modality: Modality) -> None:
    built = load_registry().encoders[encoder].component(modality)
    window = torch.randn(2, *modality.shape, generator=torch.Generator().manual_seed(0))
    tokens = built(window)
    assert tokens.shape == (2, built.out.length, built.out.dim)
    assert torch.isfinite(tokens).all()


def test_two_reads_are_equal(root: Path) -> None:
    for left, right in zip(read(root), read(root), strict=True):
        assert (left.id, left.labels, left.groups, left.span) == (right.id, right.labels, right.groups, right.span)
        for modality in left.data:
            np.testing.assert_array_equal(array(left, modality), array(right, modality))


def test_stride_makes_windows_overlap(root: Path) -> None:
    assert [sample.span[0] for sample in read(root, stride=5)] == [9, 14, 19, 24, 34, 46, 51, 56]


def test_people_without_labels_or_recordings_are_named(root: Path) -> None:
    dataset = StressPredict(**SMALL)
    assert dataset.check(root) == []
    assert dataset.units(root) == ["s02", "s03"]
    left = dataset.left_out(root)
    assert left["s01"] == f"recorded, but not labelled in {LABELS}"
    assert left["s04"] == "labelled, but not recorded in Raw_data"
    with pytest.raises(SpecError, match=r"--units: s01 of stress-predict is excluded: recorded, but not labelled"):
        choose_units(dataset, root, ["s01"], "--units")
    with pytest.raises(DataError, match="s01 has no labels"):
        read(root, "s01")


@pytest.mark.parametrize(("stride", "unused"), [(None, 16), (3, 8), (11, 16), (20, 56)])
def test_seconds_without_a_window_are_counted(root: Path, stride: int | None, unused: int) -> None:
    dataset = StressPredict(window=10, stride=stride)
    covered = {
        (unit, second)
        for unit in dataset.units(root)
        for sample in dataset.read(root, unit)
        for second in range(int(sample.span[0]), int(sample.span[1]))
    }
    assert 2 * 58 - len(covered) == unused
    assert f"{unused} of 116 labelled seconds ({unused / 116:.1%})" in dataset.left_out(root)


def test_a_gap_between_seconds_ends_a_phase(root: Path) -> None:
    lines = (root / LABELS).read_text().splitlines()
    del lines[11]  # the eleventh second of s02
    (root / LABELS).write_text("\n".join(lines))
    assert [sample.id for sample in read(root)][:2] == ["s02/p1-rest/w000", "s02/p2-rest/w000"]


def test_a_sensor_that_ends_early_is_missing_from_the_last_windows(root: Path) -> None:
    path = root / "Raw_data" / "S02" / "EDA.csv"
    path.write_text("\n".join(path.read_text().splitlines()[: 2 + 4 * 50]))
    assert [sorted(sample.data) for sample in read(root)] == [sorted(SENSORS)] * 3 + [["acc", "bvp", "temp"]] * 2


def test_labels_of_a_time_that_nothing_recorded(root: Path) -> None:
    write_person(root, 2, seconds=40)
    errors = [error.line for error in read(root) if isinstance(error, DataError)]
    assert [line.partition(": labelled, but no sensor")[0] for line in errors] == [
        "s02: s02/p2-stress/w000",
        "s02: s02/p3-rest/w000",
        "s02: s02/p3-rest/w001",
    ]


def write_heart_rate(root: Path, seconds: int = 70, blank: int | None = None) -> Path:
    """Each second's heart rate of S02 is 60 and the second; it begins ten seconds after the other files."""
    path = root / "Raw_data" / "S02" / "HR.csv"
    write_sensor(path, 60.0 + np.arange(10, seconds)[:, None], 1, BEGIN + 10)
    if blank is not None:
        lines = path.read_text().splitlines()
        lines[2 + blank - 10] = ""
        path.write_text("\n".join(lines))
    return path


def test_heart_rate_is_the_mean_over_the_window(root: Path) -> None:
    before = read(root)
    write_heart_rate(root)
    samples = read(root)
    # The first window begins at second 9, which the file does not have.
    assert [sample.labels.get("heart_rate") for sample in samples] == [
        None,
        *(pytest.approx(60 + sample.span[0] + 4.5) for sample in samples[1:]),
    ]
    for one, other in zip(before, samples, strict=True):
        assert (one.id, one.span, one.labels["state"]) == (other.id, other.span, other.labels["state"])
        assert all((array(one, name) == array(other, name)).all() for name in SENSORS)


def test_windows_with_a_gap_in_heart_rate_are_not_labelled(root: Path) -> None:
    write_heart_rate(root, seconds=60, blank=25)
    assert ["heart_rate" in sample.labels for sample in read(root)] == [False, False, True, True, False]


def test_people_without_heart_rate_are_named(root: Path) -> None:
    assert StressPredict(**SMALL).left_out(root)["heart rate of s02, s03"].startswith("no HR.csv")
    write_heart_rate(root)
    assert "heart rate of s03" in StressPredict(**SMALL).left_out(root)


def test_a_damaged_file_of_heart_rate_is_told(root: Path) -> None:
    path = write_heart_rate(root)
    path.write_text(path.read_text().replace("1.000000", "2.000000", 1))
    (problem,) = StressPredict().check(root)
    assert (problem.path, problem.message) == (str(path), "has 2 Hz, not 1")


def test_sources_are_the_labels_and_four_files(root: Path) -> None:
    sources = [path.relative_to(root).as_posix() for path in StressPredict().sources(root, "s02")]
    assert sources == [LABELS, *(f"Raw_data/S02/{name}.csv" for name in ("BVP", "EDA", "ACC", "TEMP"))]
    path = write_heart_rate(root)
    assert StressPredict().sources(root, "s02")[5:] == [path]


@pytest.mark.parametrize("params", [{"window": 0}, {"window": 601}, {"stride": 0}, {"stride": -5}])
def test_options_that_make_no_sense(params: dict[str, int]) -> None:
    with pytest.raises(SpecError, match="is outside 1-600 s"):
        StressPredict(**params)


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = StressPredict().check(folder)
        assert problem.path.startswith(str(folder))
        assert "github.com" in problem.remedy


def test_labels_without_recordings(tmp_path: Path) -> None:
    write_labels(tmp_path, (2,))
    (problem,) = StressPredict().check(tmp_path)
    assert problem.message == "Raw_data has no subject with labels"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("Participant,Time(sec)\n2,3\n", "is not the publishers' table"),
        ("Participant,Time(sec),Label\n", "has no rows"),
        ("Participant,Time(sec),Label\n2,3,0.5\n", "is not the publishers' table"),
        ("Participant,Time(sec),Label\n2,3\n", "is not the publishers' table"),
        ("Participant,Time(sec),Label\n2,1000000000000000000000000,0\n", "is not the publishers' table"),
        ("Participant,Time(sec),Label\n2,3,2\n", "a label other than 0 and 1"),
        ("Participant,Time(sec),Label\n-2,3,1\n", "a participant outside 0-999"),
        ("Participant,Time(sec),Label\n1000,3,1\n", "a participant outside 0-999"),
        ("Participant,Time(sec),Label\n2,3,1\n2,3,1\n", "the seconds of s02 do not increase: 3 comes after 3"),
        ("Participant,Time(sec),Label\n2,3,1\n2,4,1\n2,2,1\n", "the seconds of s02 do not increase: 2 comes after 4"),
        ("Participant,Time(sec),Label\n2,2,1\n2,4,1\n2,6,1\n", "most rows of s02 are 2 s apart, not 1"),
        ("Participant,Time(sec),Label\n2,1644227574000,1\n", "1644227574000 of s02 is not a Unix time in seconds"),
        ("Participant,Time(sec),Label\n2,1.64423E+09,1\n", "are exact only to 10000 s"),
        ("Participant,Time(sec),Label\n2,-5,1\n", "-5 of s02 is not a Unix time in seconds"),
        ("Participant,Time(sec),Label\n2,3.5,1\n", "a participant, time or label is not an integer"),
        ("Participant,Time(sec),Label\n2,nan,1\n", "a participant, time or label is not an integer"),
    ],
)
def test_a_damaged_table_of_labels_is_named(root: Path, text: str, message: str) -> None:
    (root / LABELS).write_text(text)
    (problem,) = StressPredict().check(root)
    assert problem.path == str(root / LABELS)
    assert message in problem.message
    assert problem.remedy
    with pytest.raises(DataError, match=message):
        read(root)


def edit(old: str, new: str):
    return lambda path: path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "is missing"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00" * 99), "is not a file of an Empatica E4"),
        (lambda path: path.write_text("1,1,1\n32,32,32\n"), "is not a file of an Empatica E4"),
        (edit("32.000000, 32.000000, 32.000000", "16, 16, 16"), "has 16 Hz, not 32"),
        (edit(f"{BEGIN}", f"{BEGIN + 1}"), "does not have 3 columns with one start time"),
        (edit("32.000000, 32.000000, 32.000000", "32"), "does not have 3 columns with one start time"),
        (lambda path: path.write_text(path.read_text().replace(f"{BEGIN}.000000", "1e300")), "begins at 1e+300"),
        (edit(f"{BEGIN}.000000", "nan"), "is not a file of an Empatica E4"),
    ],
)
def test_a_damaged_file_is_named_with_a_remedy(root: Path, damage, message: str) -> None:
    path = root / "Raw_data" / "S03" / "ACC.csv"
    damage(path)
    (problem,) = StressPredict().check(root)
    assert problem.path == str(path)
    assert problem.message.startswith(message)
    assert problem.remedy
    with pytest.raises(DataError) as caught:
        read(root, "s03")
    assert caught.value.where == str(path)
    assert caught.value.message.startswith(message)
    assert len(read(root, "s02")) == 5


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,2,three", r"line 2243 is not numeric \(could not convert string to float: 'three'\)"),
        ("1,2", "line 2243 has 2 columns, not 3"),
        ("1,2,3,4", "line 2243 has 4 columns, not 3"),
        ("1,2,1_0", r"line 2243 is not numeric \(could not convert string to float: '1_0'\)"),
        ("1;2;3", "line 2243 has 1 columns, not 3"),
    ],
)
def test_a_row_that_is_no_sample(root: Path, row: str, says: str) -> None:
    path = root / "Raw_data" / "S03" / "ACC.csv"
    path.write_text(f"{path.read_text()}{row}\n")
    with pytest.raises(DataError, match=rf"ACC\.csv: {says} — get this file again"):
        read(root, "s03")


def lay_still(path: Path, channel: int, seconds: float, rate: int) -> None:
    """The first ``seconds`` of a channel have one value."""
    lines = path.read_text().splitlines()
    rows = [line.split(",") for line in lines[2:]]
    for row in rows[: round(seconds * rate)]:
        row[channel] = rows[0][channel]
    path.write_text("\n".join([*lines[:2], *(",".join(row) for row in rows)]) + "\n")


@pytest.mark.parametrize("sensor", ["acc", "temp"])
def test_a_wrist_that_lies_still_is_no_damage(root: Path, sensor: str) -> None:
    path = root / "Raw_data" / "S03" / SENSORS[sensor].file
    lay_still(path, 0, 40, SENSORS[sensor].rate)
    changes: dict[str, Counter[str]] = {}
    samples = [check_sample(each, StressPredict(**SMALL).schema(), changes) for each in read(root, "s03")]
    assert len(samples) == len(read(root, "s02"))
    still = sum((np.ptp(array(each, sensor), axis=2) == 0).any() for each in samples)
    assert still > 0
    assert changes == {sensor: {"with a constant channel": still}}


@pytest.mark.parametrize("sensor", ["bvp", "eda"])
def test_an_electrode_or_a_light_without_contact_is_damage(root: Path, sensor: str) -> None:
    lay_still(root / "Raw_data" / "S03" / SENSORS[sensor].file, 0, 40, SENSORS[sensor].rate)
    with pytest.raises(DataError, match=f"channel {SENSORS[sensor].channels[0]} of {sensor} is constant"):
        [check_sample(each, StressPredict(**SMALL).schema()) for each in read(root, "s03")]


def test_an_axis_without_a_value_is_not_recorded(root: Path) -> None:
    path = root / "Raw_data" / "S03" / "ACC.csv"
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join([*lines[:3], *(f"{line.split(',')[0]},,{number}" for number, line in enumerate(lines[3:]))]) + "\n"
    )
    assert all("acc" not in sample.data for sample in read(root, "s03"))


def test_an_axis_that_never_changes_is_a_broken_sensor(root: Path) -> None:
    path = root / "Raw_data" / "S03" / "ACC.csv"
    lay_still(path, 1, 99, 32)
    with pytest.raises(DataError, match=r"ACC\.csv: never changes \(y\), as of a broken sensor — get this file again"):
        read(root, "s03")


@pytest.mark.parametrize("blank", ["", " ", ",,", "nan,nan,nan", "1,,3"])
def test_empty_rows_keep_their_place(root: Path, blank: str) -> None:
    """Ten seconds of one sensor are missing: its values before and after tell their own time, as in `write_person`."""
    before = read(root)
    path = root / "Raw_data" / "S02" / "ACC.csv"
    lines = path.read_text().splitlines()
    lines[2 + 32 * 25 : 2 + 32 * 35] = [blank] * 32 * 10
    path.write_text("\n".join(lines) + "\n" * 5)
    after = read(root)
    assert [sample.span for sample in after] == [sample.span for sample in before]
    lacking = [sample.span[0] <= 35 and sample.span[1] >= 25 for sample in before]
    assert any(lacking)
    assert not all(lacking)
    for left, right, lacks in zip(before, after, lacking, strict=True):
        assert set(right.data) == set(left.data) - ({"acc"} if lacks else set())
        for name in right.data:
            np.testing.assert_array_equal(array(left, name), array(right, name))


def test_a_first_row_that_is_empty(root: Path) -> None:
    before = read(root)
    path = root / "Raw_data" / "S02" / "EDA.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "", *lines[3:]]))
    np.testing.assert_array_equal(array(read(root)[0], "eda"), array(before[0], "eda"))


def test_a_file_of_empty_rows(root: Path) -> None:
    path = root / "Raw_data" / "S02" / "EDA.csv"
    path.write_text(f"{BEGIN}\n4\n" + "\n" * 100)
    with pytest.raises(DataError, match=r"EDA\.csv: holds no samples, only empty rows"):
        read(root)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Raw_data/S02/EDA.csv", lambda content: b"\xef\xbb\xbf" + content),
        (LABELS, lambda content: b"\xef\xbb\xbf" + content),
        ("Raw_data/S02/BVP.csv", lambda content: content.replace(b"\n", b"\r\n")),
        ("Raw_data/S02/BVP.csv", lambda content: content.replace(b"\n", b"\r\r\n")),
        (LABELS, lambda content: content.replace(b"\n", b"\n,,,,\n")),
        (LABELS, lambda content: content.replace(b",0\n", b".0,0\n").replace(b",1\n", b".0,1\n")),
    ],
    ids=["bom", "bom of labels", "windows", "windows twice", "empty labels", "fractions of zeros"],
)
def test_what_spreadsheets_add_changes_nothing(root: Path, name: str, change) -> None:
    before = read(root)
    (root / name).write_bytes(change((root / name).read_bytes()))
    assert StressPredict(**SMALL).check(root) == []
    for left, right in zip(before, read(root), strict=True):
        assert (left.id, left.labels, left.span, set(left.data)) == (
            right.id,
            right.labels,
            right.span,
            set(right.data),
        )
        for modality in left.data:
            np.testing.assert_array_equal(array(left, modality), array(right, modality))


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("1.64423E+09", r"begins at 1\.64423E\+09, which is exact only to 10000 s, as spreadsheets save long numbers"),
        ("-1644227574", r"begins at -1\.64423e\+09, which is not a Unix time in seconds"),
        (f"{BEGIN}000", r"begins at 1\.64423e\+12, which is not a Unix time in seconds"),
        ("nan", "is not a file of an Empatica E4"),
        (f"{BEGIN - 63072000}", r"begins 63072000 s \(730\.0 days\) before BVP\.csv of the same person"),
        (f"{BEGIN + 7200}", r"begins 7200 s \(0\.1 days\) after BVP\.csv of the same person"),
    ],
)
def test_start_times_that_cannot_be(root: Path, start: str, says: str) -> None:
    path = root / "Raw_data" / "S02" / "EDA.csv"
    path.write_text(path.read_text().replace(f"{BEGIN}.000000", start, 1))
    (problem,) = StressPredict(**SMALL).check(root)
    assert problem.path == str(path)
    with pytest.raises(DataError, match=rf"EDA\.csv: {says}.* — get "):
        read(root)


def test_a_start_time_in_scientific_notation_that_is_whole(root: Path) -> None:
    before = read(root)
    path = root / "Raw_data" / "S02" / "EDA.csv"
    path.write_text(path.read_text().replace(f"{BEGIN}.000000", "1.644227574E9", 1))
    np.testing.assert_array_equal(array(read(root)[0], "eda"), array(before[0], "eda"))


@pytest.mark.parametrize(
    ("rates", "says"),
    [("0, 0, 0", "has 0 Hz, not 32"), ("32, 32, 16", "has 32, 16 Hz, not 32"), ("-32, -32, -32", "-32")],
)
def test_rates_that_cannot_be(root: Path, rates: str, says: str) -> None:
    path = root / "Raw_data" / "S02" / "ACC.csv"
    path.write_text(path.read_text().replace("32.000000, 32.000000, 32.000000", rates, 1))
    with pytest.raises(DataError, match=rf"ACC\.csv: .*{says}"):
        read(root)


def test_rows_of_too_many_columns_after_whole_first_lines(root: Path) -> None:
    path = root / "Raw_data" / "S03" / "EDA.csv"
    path.write_text(f"{BEGIN}\n4\n0.1,0.2\n0.1,0.2\n")
    with pytest.raises(DataError, match="does not have one column"):
        read(root, "s03")


@pytest.mark.shared
def test_the_real_recordings(shared: Path) -> None:
    folder = shared / "stress-predict"
    dataset = StressPredict()
    assert dataset.check(folder) == []
    assert dataset.units(folder) == [f"s{number:02d}" for number in range(2, 21)]
    left = dataset.left_out(folder)
    assert "s01" in left
    assert "3495 of 63375 labelled seconds (5.5%)" in left
    windows, counts = Counter[int](), []
    for unit in dataset.units(folder):
        samples = list(dataset.read(folder, unit))
        windows.update(int(sample.labels["state"]) for sample in samples)  # type: ignore[arg-type]
        assert len({sample.groups["trial"] for sample in samples}) == 7
        assert all(set(sample.data) == set(SENSORS) for sample in samples)
        low, high = array(samples[0], "temp").min(), array(samples[0], "temp").max()
        assert 20 < low <= high < 40  # °C
        gravity = np.linalg.norm(array(samples[0], "acc")[0], axis=0).mean()
        assert 0.8 < gravity < 1.2  # g
        assert -0.1 <= array(samples[0], "eda").min() <= array(samples[0], "eda").max() < 100  # µS
        counts.append(len(samples))
        rates = [sample.labels["heart_rate"] for sample in samples if "heart_rate" in sample.labels]
        assert len(rates) >= len(samples) - 1
        assert 50 < min(rates) < max(rates) < 150
    assert windows == {0: 682, 1: 316}
    assert counts == [57, 53, 56, 51, 54, 53, 48, 50, 48, 51, 52, 53, 56, 55, 54, 52, 55, 49, 51]
