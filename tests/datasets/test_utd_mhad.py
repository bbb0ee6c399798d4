from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.utd_mhad import UtdMhad
from mmbench_datasets.utd_mhad.layout import ACTIONS, JOINT_CHANNELS, SENSOR_CHANNELS


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of three people; tests do not change them."""
    folder = tmp_path_factory.mktemp("simulated") / "utd-mhad"
    UtdMhad().simulate(folder, subjects=3)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """Files of the second person, to be damaged."""
    for path in simulated.glob("*/*_s2_*.mat"):
        copy = tmp_path / path.relative_to(simulated)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return tmp_path


def read(root: Path, unit: str = "s2", **params: str) -> list[Sample]:
    return [sample for sample in UtdMhad(**params).read(root, unit) if isinstance(sample, Sample)]  # type: ignore[arg-type]


def describe(sample: Sample) -> NDArray[np.float32]:
    """Each channel at 12 points, with mean and deviation, of both modalities ``(66 * 14,)``."""
    described = []
    for (curves,) in (sample.data["inertial"], sample.data["skeleton"]):
        at = np.linspace(0, curves.shape[1] - 1, 12).round().astype(int)
        described += [curves[:, at], curves.mean(axis=1, keepdims=True), curves.std(axis=1, keepdims=True)]
    return np.concatenate([part.reshape(-1) for part in described])


def score(train: list[Sample], test: list[Sample], columns: slice) -> float:
    """Accuracy of a logistic regression on a part of the descriptions."""
    x, y = (np.stack([describe(sample)[columns] for sample in part]) for part in (train, test))
    classes = [[sample.labels["action"] for sample in part] for part in (train, test)]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(x, classes[0])
    return float(model.score(y, classes[1]))


def test_the_schema() -> None:
    schema = UtdMhad().schema()
    inertial, skeleton = schema.modalities
    assert (inertial.name, inertial.shape, inertial.rate, inertial.channels) == (
        "inertial",
        (6, None),
        50,
        SENSOR_CHANNELS,
    )
    assert (skeleton.name, skeleton.shape, skeleton.rate) == ("skeleton", (60, None), 30)
    assert skeleton.channels == JOINT_CHANNELS
    assert JOINT_CHANNELS[9:12] == ("hip-center-x", "hip-center-y", "hip-center-z")
    assert len(schema.tasks["action"].names) == len(set(ACTIONS)) == 27
    assert schema.groups == ("subject", "trial")


def test_samples_are_the_recordings_of_a_person(simulated: Path) -> None:
    assert UtdMhad().check(simulated) == []
    assert UtdMhad().units(simulated) == ["s1", "s2", "s3"]
    samples = read(simulated, "s1")
    assert len(samples) == 27 * 4 - 1, "the publishers removed a8_s1_t4"
    assert samples[0].id == "s1/a01/t1"
    assert samples[0].labels == {"action": 0}
    assert samples[-1].id == "s1/a27/t4"
    assert samples[-1].labels == {"action": 26}
    assert samples[-1].groups == {"subject": "s1", "trial": "s1/a27/t4"}
    for sample in samples:
        assert [sample.data[name][0].shape[0] for name in ("inertial", "skeleton")] == [6, 60]
        assert all(values[0].dtype == np.float32 for values in sample.data.values())


def test_odd_subjects_train(simulated: Path) -> None:
    parts = {unit: {sample.split for sample in read(simulated, unit)} for unit in ("s1", "s2", "s3")}
    assert parts == {"s1": {"train"}, "s2": {"test"}, "s3": {"train"}}


def test_values_are_those_of_the_files(root: Path) -> None:
    inertial = np.arange(30.0).reshape(5, 6)
    skeleton = np.arange(240.0).reshape(20, 3, 4)
    savemat(root / "Inertial" / "a1_s2_t1_inertial.mat", {"d_iner": inertial})
    savemat(root / "Skeleton" / "a1_s2_t1_skeleton.mat", {"d_skel": skeleton})
    first = read(root)[0]
    np.testing.assert_array_equal(first.data["inertial"][0], inertial.T)
    np.testing.assert_array_equal(first.data["skeleton"][0][3 * 3 + 1], skeleton[3, 1])
    moved = read(root, origin="hip")[0].data["skeleton"][0].reshape(20, 3, 4)
    np.testing.assert_array_equal(moved, skeleton - skeleton[3, :, :1])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def replace_by_text(path: Path) -> None:
    path.write_text("<html>not found</html>" * 100)


def rename_array(path: Path) -> None:
    savemat(path, {"d_depth": np.zeros((5, 6))})


def transpose(path: Path) -> None:
    savemat(path, {"d_iner": np.zeros((6, 5))})


def spoil(path: Path) -> None:
    savemat(path, {"d_iner": np.full((5, 6), np.nan)})


def shorten(path: Path) -> None:
    savemat(path, {"d_iner": np.zeros((0, 6))})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "is missing"),
        (truncate, "is truncated or damaged"),
        (replace_by_text, "is an HTML page"),
        (rename_array, "has no array 'd_iner'"),
        (transpose, "'d_iner' has the shape (6, 5), not (time, 6)"),
        (spoil, "'d_iner' has NaN or infinite values"),
        (shorten, "'d_iner' has no time steps"),
    ],
)
def test_a_damaged_file_is_named_and_costs_one_sample(root: Path, damage, message: str) -> None:
    path = root / "Inertial" / "a3_s2_t2_inertial.mat"
    damage(path)
    (problem,) = UtdMhad().check(root)
    assert (problem.path, problem.concerns) == (str(path), "sample")
    assert problem.message.startswith(message)
    assert problem.remedy
    outcomes = list(UtdMhad().read(root, "s2"))
    (error,) = (outcome for outcome in outcomes if isinstance(outcome, DataError))
    assert error.where == str(path)
    assert len(outcomes) == 108


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = UtdMhad().check(folder)
        assert problem.path == str(folder)
        assert "Inertial.zip" in problem.remedy


def test_what_was_not_published_is_left_out(root: Path) -> None:
    for name in ("a28_s2_t1", "a1_s2_t5", "a8_s1_t4"):
        (root / "Inertial" / f"{name}_inertial.mat").write_bytes(b"something")
    (root / "Depth").mkdir()
    assert UtdMhad().check(root) == []
    assert UtdMhad().units(root) == ["s2"]
    assert set(UtdMhad().left_out(root)) == {
        "Depth/*",
        *(f"Inertial/{name}_inertial.mat" for name in ("a28_s2_t1", "a1_s2_t5", "a8_s1_t4")),
    }


def test_simulated_files_say_so_and_are_the_same_again(simulated: Path, tmp_path: Path) -> None:
    assert UtdMhad().card_of(simulated).access == "simulated"
    assert UtdMhad().card_of(tmp_path).access == "open"
    UtdMhad().simulate(tmp_path / "again", subjects=1)
    for path in sorted((tmp_path / "again").glob("*/*.mat")):
        assert path.read_bytes() == (simulated / path.relative_to(tmp_path / "again")).read_bytes()


def test_a_folder_with_other_files_is_not_simulated_into(tmp_path: Path, simulated: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="neither empty nor a simulation"):
        UtdMhad().simulate(tmp_path, subjects=1)
    with pytest.raises(DataError, match="simulated with other options"):
        UtdMhad().simulate(simulated, subjects=2)
    with pytest.raises(SpecError, match="subjects is 0"):
        UtdMhad().simulate(tmp_path / "none", subjects=0)


def test_both_modalities_together_tell_the_simulated_action(simulated: Path) -> None:
    train, test = (
        [*read(simulated, "s1", origin="hip"), *read(simulated, "s3", origin="hip")],
        read(simulated, "s2", origin="hip"),
    )
    alone = [score(train, test, slice(0, 6 * 14)), score(train, test, slice(6 * 14, None))]
    assert max(alone) <= 0.45
    assert score(train, test, slice(None)) > 0.8


def test_without_strength_nothing_tells_the_simulated_action(tmp_path: Path) -> None:
    UtdMhad().simulate(tmp_path, subjects=2, strength=0)
    assert score(read(tmp_path, "s1"), read(tmp_path, "s2"), slice(None)) < 0.13


@pytest.mark.shared
def test_the_real_recordings(shared: Path) -> None:
    root = shared / "utd-mhad"
    assert UtdMhad().check(root) == []
    assert UtdMhad().left_out(root) == {}
    samples = [sample for unit in UtdMhad().units(root) for sample in read(root, unit)]
    assert len(samples) == 861
    assert sum(sample.split == "train" for sample in samples) == 431
    for name, shortest, longest in (("inertial", 107, 326), ("skeleton", 41, 125)):
        lengths = [sample.data[name][0].shape[1] for sample in samples]
        assert (min(lengths), max(lengths)) == (shortest, longest)
    heads = np.array([sample.data["skeleton"][0][[1, 3 * 19 + 1], 0] for sample in samples])
    assert (heads[:, 0] > heads[:, 1] + 0.5).mean() > 0.99, "y of the head is above that of the foot"
