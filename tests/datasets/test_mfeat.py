from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mmbench import DataError, Sample
from mmbench_datasets.mfeat import Mfeat
from mmbench_datasets.mfeat.archive import ARCHIVE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Mfeat().locate(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def samples(root: Path) -> list[Sample]:
    return list(Mfeat().read(root, "digits"))


def table(samples: list[Sample], view: str) -> np.ndarray:
    return np.concatenate([np.asarray(sample.data[view]) for sample in samples])


def test_the_bundle_is_whole_and_credited(root: Path) -> None:
    assert Mfeat().check(root) == []
    assert Mfeat().units(root) == ["digits"]
    assert Mfeat().sources(root, "digits") == [root / ARCHIVE]
    attribution = (root / "ATTRIBUTION.txt").read_text()
    for credit in ("Duin", "CC BY 4.0", "10.24432/C5HC70", "Changes"):
        assert credit in attribution


def test_two_hundred_of_each_digit(samples: list[Sample]) -> None:
    assert [sample.id for sample in samples] == [f"d{row:04d}" for row in range(2000)]
    assert [sample.labels["digit"] for sample in samples] == [digit for digit in range(10) for _ in range(200)]
    assert all(not sample.groups for sample in samples)


def test_views_come_as_the_schema_says(samples: list[Sample]) -> None:
    schema = Mfeat().schema()
    assert {view.name: view.shape for view in schema.modalities} == {
        "fac": (216,),
        "fou": (76,),
        "kar": (64,),
        "mor": (6,),
        "pix": (240,),
        "zer": (47,),
    }
    for sample in samples[::100]:
        for view in schema.modalities:
            data = np.asarray(sample.data[view.name])
            assert data.shape == (1, *view.shape)
            assert data.dtype == np.float32


def test_the_first_zero_and_the_last_nine_of_the_original_files(samples: list[Sample]) -> None:
    first = {view: np.asarray(values)[0] for view, values in samples[0].data.items()}
    assert first["fac"][:4].tolist() == [98, 236, 531, 673]
    assert first["mor"].tolist() == pytest.approx([1, 0, 0, 133.15, 1.3117, 1620.2])
    assert first["kar"][:2].tolist() == pytest.approx([-10.297, -11.667])
    assert first["fou"][:2].tolist() == pytest.approx([0.065882, 0.19731])
    assert first["zer"][:2].tolist() == pytest.approx([0.011033, 0.83147])
    assert first["pix"][:5].tolist() == [0, 3, 4, 4, 6]


def test_the_digits_that_are_there_twice(samples: list[Sample]) -> None:
    everything = np.concatenate([table(samples, view) for view in samples[0].data], axis=1)
    _, group, size = np.unique(everything, axis=0, return_inverse=True, return_counts=True)
    twice = sorted(np.flatnonzero(group.reshape(-1) == index).tolist() for index in np.flatnonzero(size > 1))
    assert twice == [[605, 774], [1148, 1172], [1237, 1271], [1265, 1272], [1448, 1521], [1892, 1999]]


def test_two_reads_are_equal(root: Path, samples: list[Sample]) -> None:
    again = list(Mfeat().read(root, "digits"))
    for view in samples[0].data:
        np.testing.assert_array_equal(table(samples, view), table(again, view))


def test_the_labels_belong_to_the_rows(samples: list[Sample]) -> None:
    pixels = table(samples, "pix") / 6
    labels = np.array([sample.labels["digit"] for sample in samples])
    model = LogisticRegression(C=0.1, max_iter=500).fit(pixels[::4], labels[::4])
    assert model.score(pixels[1::4], labels[1::4]) > 0.9


def test_a_flipped_byte_is_found(root: Path, tmp_path: Path) -> None:
    content = bytearray((root / ARCHIVE).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / ARCHIVE).write_bytes(content)
    (problem,) = Mfeat().check(tmp_path)
    assert problem.path == str(tmp_path / ARCHIVE)
    assert "SHA-256" in problem.message
    with pytest.raises(DataError, match=r"mfeat\.npz: is damaged.*reinstall mmbench-datasets"):
        list(Mfeat().read(tmp_path, "digits"))


def test_another_folder_holds_no_archive(tmp_path: Path) -> None:
    (problem,) = Mfeat().check(tmp_path)
    assert problem.message == "is missing"
    assert "leave out --data" in problem.remedy
