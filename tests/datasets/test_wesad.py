import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.wesad import Wesad, WesadSim
from mmbench_datasets.wesad.sensors import SENSORS

RUNS = ((0, 3.0), (1, 6.5), (2, 6.0), (5, 2.0), (4, 3.0))  # label and seconds


def content(**changes: Any) -> dict[str, Any]:
    """A file whose sensors count their samples; changes are of sensors by name, or of ``label``."""
    signal: dict[str, Any] = {"chest": {}, "wrist": {}}
    seconds = sum(length for _, length in RUNS)
    for name, sensor in SENSORS.items():
        counted = np.arange(round(seconds * sensor.rate), dtype=float)[:, None] + np.arange(len(sensor.channels))
        values = changes.get(name, counted)
        if values is not None:
            signal[sensor.device][sensor.key] = values
    label = np.concatenate([np.full(round(length * 700), label, np.int32) for label, length in RUNS])
    return {"signal": signal, "label": changes.get("label", label), "subject": "S2"}


def write(root: Path, tree: object, person: str = "S2", protocol: int = 2) -> Path:
    if isinstance(tree, dict) and "subject" in tree:
        tree = {**tree, "subject": person}
    path = root / person / f"{person}.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(tree, protocol))
    return path


def read(root: Path, unit: str = "s02", **options: Any) -> list[Any]:
    return [*Wesad(**{"window": 3.0, **options}).read(root, unit)]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_windows_lie_within_one_condition_and_have_the_values_of_the_file(tmp_path: Path, protocol: int) -> None:
    write(tmp_path, content(), protocol=protocol)
    assert Wesad().check(tmp_path) == []
    assert Wesad().units(tmp_path) == ["s02"]
    samples = read(tmp_path)
    assert [(sample.id, sample.span) for sample in samples] == [
        ("s02/1-baseline/w000", (3.0, 6.0)),
        ("s02/1-baseline/w001", (6.0, 9.0)),
        ("s02/2-stress/w000", (9.5, 12.5)),
        ("s02/2-stress/w001", (12.5, 15.5)),
        ("s02/3-meditation/w000", (17.5, 20.5)),
    ]
    assert [dict(sample.labels) for sample in samples[1::1][:2]] == [
        {"condition": 0, "state": 0, "stress": 0},
        {"condition": 1, "state": 1, "stress": 1},
    ]
    assert samples[-1].labels == {"condition": 3}
    second = samples[3]
    assert second.groups == {"subject": "s02", "trial": "s02/2-stress"}
    np.testing.assert_array_equal(second.data["chest_ecg"][0, 0], np.arange(8750, 8750 + 2100))
    np.testing.assert_array_equal(second.data["wrist_eda"][0, 0], np.arange(50, 62))
    np.testing.assert_array_equal(second.data["wrist_acc"][0, 2], (np.arange(400, 496) + 2) / 64)
    np.testing.assert_array_equal(second.data["chest_acc"][0, 1], np.arange(8750, 8750 + 2100) + 1)


def test_conditions_begin_at_the_next_quarter_of_a_second(tmp_path: Path) -> None:
    label = content()["label"].copy()
    label[2100:2101] = 0
    write(tmp_path, content(label=label))
    assert read(tmp_path)[0].span == (3.25, 6.25)


def test_the_chest_is_resampled_window_by_window(tmp_path: Path) -> None:
    write(tmp_path, content())
    schema = Wesad(window=3.0, chest_rate=100).schema()
    assert schema.modality("chest_ecg").shape == (1, 300)
    assert schema.modality("chest_ecg").rate == 100
    assert schema.modality("wrist_bvp").shape == (1, 192)
    sample = read(tmp_path, chest_rate=100)[0]
    np.testing.assert_allclose(sample.data["chest_ecg"][0, 0], 2100 + 7 * np.arange(300), atol=7)


def test_counts_and_what_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, content())
    write(tmp_path, content(wrist_bvp=None), "S10")
    (tmp_path / "S2" / "S2_quest.csv").write_text("# Subj;S2")
    dataset = Wesad(window=3.0)
    assert dataset.units(tmp_path) == ["s02", "s10"]
    assert dataset.counts(tmp_path) == {
        "people": 2,
        "trials": 6,
        "windows": 10,
        "windows of baseline": 4,
        "windows of stress": 4,
        "windows of amusement": 0,
        "windows of meditation": 2,
    }
    left = dataset.left_out(tmp_path)
    assert left["s10: wrist_bvp"] == "not in S10.pkl: its windows lack the modality"
    assert left["1 of 31 labelled seconds (3.2%)"]
    assert left["*/*_quest.csv"]
    assert dataset.assumptions(tmp_path)[1].startswith("without S3, S4, S5, S6, S7, S8, S9, S11")


def test_labels_with_gaps_and_without_a_condition_are_told(tmp_path: Path) -> None:
    label = content()["label"]
    label[700 * 12 : 700 * 12 + 1] = 0
    write(tmp_path, content(label=label))
    assert "s02: 2 stretches of stress, of which the protocol has one: its labels may have gaps" in (
        Wesad().assumptions(tmp_path)
    )
    path = write(tmp_path, content(label=label * 0), person="S3")
    (problem,) = Wesad().check(tmp_path)
    assert (problem.path, problem.message) == (str(path), "has no label of a condition")
    assert problem.remedy.endswith("leave this person out: mmbench run ... --bad drop")


def test_the_file_of_another_person_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, content(), person="S3")
    path.write_bytes(pickle.dumps(content(), 2))
    with pytest.raises(DataError, match="is of the person S2 by its content"):
        read(tmp_path, "s03")


def test_a_person_without_a_sensor_lacks_this_modality(tmp_path: Path) -> None:
    write(tmp_path, content(wrist_bvp=None, chest_emg=np.full((14350, 1), np.nan)))
    assert {frozenset(SENSORS) - set(sample.data) for sample in read(tmp_path)} == {
        frozenset({"wrist_bvp", "chest_emg"})
    }


def test_single_bad_values_cost_their_window(tmp_path: Path) -> None:
    values = np.arange(14350.0)[:, None]
    values[2200] = -np.inf
    write(tmp_path, content(chest_ecg=values))
    outcomes = read(tmp_path)
    assert isinstance(outcomes[0], DataError)
    assert outcomes[0].line.startswith(f"{tmp_path / 'S2' / 'S2.pkl'}: s02/1-baseline/w000: chest_ecg has NaN")
    assert all(isinstance(outcome, Sample) for outcome in outcomes[1:])


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([1, 2], "has no signal and label of WESAD"),
        ({"signal": {}, "label": np.ones(10, int)}, "has no sensor of WESAD"),
        ({"signal": content()["signal"]}, "has no signal and label of WESAD"),
        (content(label=np.ones((10, 2), int)), r"label is int64 \(10, 2\), not whole numbers"),
        (content(label=np.ones(14350)), "label is float64"),
        (content(label=np.full(14350, 9)), "has the label 9, outside 0-7"),
        (content(label=np.full(14350, 6)), "has no label of a condition"),
        (content(chest_acc=np.zeros((14350, 2))), r"chest_acc has the shape \(14350, 2\), not \(time, 3\)"),
        (content(wrist_eda=np.zeros(82)), r"wrist_eda has the shape \(82,\), not \(time, 1\)"),
        (content(wrist_bvp=[1, 2]), r"wrist_bvp has the shape list, not \(time, 1\)"),
        (content(wrist_bvp=np.zeros((656, 1))), "wrist_bvp lasts 10.2 s at 64 Hz, where the labels last 20.5 s"),
    ],
)
def test_files_of_another_kind_are_refused_with_the_reason(tmp_path: Path, tree: object, message: str) -> None:
    path = write(tmp_path, tree)
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path)
    assert error.value.where == str(path)
    assert error.value.remedy


def test_missing_truncated_and_foreign_files_are_problems(tmp_path: Path) -> None:
    assert Wesad().check(tmp_path / "nowhere")[0].message == "no such folder"
    assert Wesad().check(tmp_path)[0].message == "holds no SN/SN.pkl, such as S2/S2.pkl"
    path = write(tmp_path, content())
    path.write_bytes(path.read_bytes()[:-1000])
    write(tmp_path, 0, "S3").write_text("<!DOCTYPE html><html></html>")
    write(tmp_path, 0, "S4").write_bytes(b"")
    assert [problem.message.split(" (")[0][:20] for problem in Wesad().check(tmp_path)] == [
        "is truncated: its la",
        "is an HTML page, per",
        "is empty",
    ]


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    path = write(tmp_path, 0)
    path.write_bytes(b"cos\nsystem\n(S'touch " + bytes(tmp_path / "trap") + b"'\ntR.")
    with pytest.raises(DataError, match="no code was run"):
        read(tmp_path)
    assert not (tmp_path / "trap").exists()


def test_the_folder_within_the_archive_is_found(tmp_path: Path) -> None:
    write(tmp_path / "data", content())
    assert Wesad().units(tmp_path) == ["s02"]
    write(tmp_path / "copy", content())
    assert Wesad().check(tmp_path)[0].message == "has the files in several folders: copy, data"


def test_a_file_outside_the_folder_of_its_person_is_named(tmp_path: Path) -> None:
    write(tmp_path, content()).rename(tmp_path / "S2.pkl")
    (problem,) = Wesad().check(tmp_path)
    assert problem.message == "holds no SN/SN.pkl, such as S2/S2.pkl, but S2.pkl"
    assert problem.remedy == "if these are the files, name them as published: S2/S2.pkl"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chest_rate": 128}, "chest_rate=128 is not a divisor of 700 Hz"),
        ({"chest_rate": 1}, "chest_rate=1 is not a divisor"),
        ({"window": 0.1}, "not a whole number of samples at"),
        ({"window": 301}, "window=301 is outside"),
        ({"stride": 0}, "stride=0 is outside"),
    ],
)
def test_options_without_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Wesad(**options)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, three windows of 10 s a condition."""
    folder = tmp_path_factory.mktemp("simulated") / "wesad"
    Wesad().simulate(folder, subjects=4, seconds=30)
    return folder


def describe(sample: Sample, device: str) -> np.ndarray:
    """Log power of each channel of a device in five bands."""
    rows = []
    for name, values in sample.data.items():
        if name.startswith(device):
            power = np.abs(np.fft.rfft(values[0] - values[0].mean(axis=1, keepdims=True))) ** 2
            rows += [np.log(part.mean(axis=1) + 1e-9) for part in np.array_split(power[:, 1:], 5, axis=1)]
    return np.concatenate(rows)


def score(root: Path, devices: tuple[str, ...] = ("chest", "wrist")) -> float:
    """Accuracy on each person of a model of the others, on descriptions centred by person; 0.33 by chance."""
    dataset = Wesad(window=10.0, chest_rate=100)
    parts = {}
    for unit in dataset.units(root):
        samples = [each for each in dataset.read(root, unit) if isinstance(each, Sample) and "state" in each.labels]
        rows = np.stack([np.concatenate([describe(sample, device) for device in devices]) for sample in samples])
        parts[unit] = (rows - rows.mean(axis=0), np.array([sample.labels["state"] for sample in samples]))
    scores = []
    for held, (x, y) in parts.items():
        others = [part for unit, part in parts.items() if unit != held]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=1000))
        model.fit(np.concatenate([x for x, _ in others]), np.concatenate([y for _, y in others]))
        scores.append(model.score(x, y))
    return float(np.mean(scores))


def test_simulated_conditions_are_in_the_signals_as_strongly_as_asked(simulated: Path, tmp_path: Path) -> None:
    assert score(simulated) > 0.8
    Wesad().simulate(tmp_path / "none", subjects=4, seconds=30, strength=0)
    assert score(tmp_path / "none") < 0.6


def test_simulated_files_say_so_and_are_the_same_again(simulated: Path, tmp_path: Path) -> None:
    assert Wesad().card_of(simulated).access == "simulated"
    assert Wesad().card_of(tmp_path).access == "open"
    Wesad().simulate(tmp_path / "again", subjects=4, seconds=30)
    again = tmp_path / "again" / "S3" / "S3.pkl"
    assert again.read_bytes() == (simulated / "S3" / "S3.pkl").read_bytes()


def test_the_twin_makes_its_files_and_reads_them(tmp_path: Path) -> None:
    twin = WesadSim(subjects=1, seconds=20, chest_rate=100)
    root = twin.locate(tmp_path)
    assert twin.check(root) == []
    assert len([*twin.read(root, "s02")]) == 5
