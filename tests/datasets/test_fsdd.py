import io
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.fsdd import Fsdd


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven takes of each digit by two speakers."""
    folder = tmp_path_factory.mktemp("simulated") / "fsdd"
    Fsdd().simulate(folder, subjects=2, takes=7)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "fsdd"))


def read(root: Path) -> list[Sample]:
    found = [sample for unit in Fsdd().units(root) for sample in Fsdd().read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def decode(sample: Sample) -> NDArray[np.int16]:
    with wave.open(io.BytesIO(sample.data["speech"][0])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_samples_are_the_takes(root: Path) -> None:
    assert Fsdd().check(root) == []
    assert Fsdd().units(root) == ["speaker01", "speaker02"]
    samples = read(root)
    assert len(samples) == 2 * 10 * 7
    assert [sample.id for sample in samples[5:8]] == ["speaker01/0/05", "speaker01/0/06", "speaker01/1/00"]
    assert samples[7].labels == {"digit": 1}
    assert samples[7].groups == {"subject": "speaker01"}
    assert [sample.split for sample in samples[:7]] == ["test"] * 5 + ["train"] * 2
    assert all(len(decode(sample)) > 1000 for sample in samples)


def test_takes_are_in_order_of_their_number(root: Path) -> None:
    (root / "recordings" / "0_speaker01_1.wav").rename(root / "recordings" / "0_speaker01_10.wav")
    assert [sample.id for sample in read(root)[5:8]] == ["speaker01/0/06", "speaker01/0/10", "speaker01/1/00"]


def test_files_may_lie_in_the_folder_itself(root: Path) -> None:
    for left, right in zip(read(root), read(root / "recordings"), strict=True):
        assert left == right


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-701])


def stop_within_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30])


def replace_by_text(path: Path) -> None:
    path.write_text("not found " * 100)


def write_wave(path: Path, rate: int, content: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(content)


def silence_nothing(path: Path) -> None:
    write_wave(path, 8000, b"")


def double_rate(path: Path) -> None:
    write_wave(path, 16000, bytes(1000))


def end_a_chunk_outside(path: Path) -> None:
    path.write_bytes(bytes.fromhex("524946466a15000057415645666d74217f91bdc0"))  # found by benchmarks/fuzz.py


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "is truncated: its header says"),
        (stop_within_the_header, "is not a WAV file"),
        (replace_by_text, "is not a WAV file"),
        (end_a_chunk_outside, "is not a WAV file"),
        (silence_nothing, "holds no sound"),
        (double_rate, "has 16000 Hz, not 8000"),
    ],
)
def test_a_damaged_file_is_named_and_costs_one_sample(root: Path, damage, message: str) -> None:
    path = root / "recordings" / "4_speaker02_3.wav"
    damage(path)
    (problem,) = Fsdd().check(root)
    assert (problem.path, problem.concerns) == (str(path), "sample")
    assert problem.message.startswith(message)
    outcomes = list(Fsdd().read(root, "speaker02"))
    (error,) = (outcome for outcome in outcomes if isinstance(outcome, DataError))
    assert error.where == str(path)
    assert len(outcomes) == 70


def test_silence_is_data(root: Path) -> None:
    write_wave(root / "recordings" / "4_speaker02_3.wav", 8000, bytes(1000))
    assert Fsdd().check(root) == []


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Fsdd().check(folder)
        assert problem.path == str(folder)
        assert "github.com" in problem.remedy


def test_other_files_are_left_out(root: Path) -> None:
    (root / "recordings" / "hello.wav").write_bytes(b"")
    assert set(Fsdd().left_out(root)) == {"recordings/hello.wav", "SIMULATED.json"}


def spectrum(sample: Sample) -> NDArray[np.float64]:
    """Logarithm of the power of the begin and the end of a take in bands of 125 Hz ``(64,)``."""
    halves = np.array_split(decode(sample) / 32768, 2)
    power = [np.abs(np.fft.rfft(half, 4096)) ** 2 for half in halves]
    return np.concatenate([np.log(half[:2048].reshape(32, -1).mean(axis=1) + 1e-6) for half in power])


def score(root: Path) -> float:
    """Accuracy of a logistic regression on an unseen speaker."""
    samples = read(root)
    x, y = np.stack([spectrum(sample) for sample in samples]), np.array([sample.labels["digit"] for sample in samples])
    is_last = np.array([sample.groups["subject"] == samples[-1].groups["subject"] for sample in samples])
    model = LogisticRegression(C=0.1, max_iter=1000).fit(x[~is_last], y[~is_last])
    return float(model.score(x[is_last], y[is_last]))


def test_the_simulated_digit_is_in_the_sound(tmp_path: Path) -> None:
    Fsdd().simulate(tmp_path / "with", subjects=3, takes=3)
    Fsdd().simulate(tmp_path / "without", subjects=3, takes=3, strength=0)
    assert score(tmp_path / "with") > 0.5
    assert score(tmp_path / "without") < 0.25
    assert Fsdd().card_of(tmp_path / "with").access == "simulated"


def test_no_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="takes is 0"):
        Fsdd().simulate(tmp_path, subjects=1, takes=0)


@pytest.mark.shared
def test_the_real_recordings(shared: Path) -> None:
    root = shared / "fsdd"
    assert Fsdd().check(root) == []
    assert Fsdd().units(root) == ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    samples = read(root)
    assert len(samples) == 600
    assert sum(sample.split == "test" for sample in samples) == 300
    assert all(len(decode(sample)) > 1000 for sample in samples)
