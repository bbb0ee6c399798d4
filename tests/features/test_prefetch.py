"""Prefetching by other processes keeps the order and the values."""

import os
import signal
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from mmbench import Modality, Sample, Schema
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.errors import DataError, WorkerError
from mmbench.features.prefetch import RawInstances, read_ahead

N = 12
FACE = Modality("face", "image", (3, 16, 16), instances=2)
PARTS = [np.arange(0, 5), np.array([11]), np.arange(5, 9), np.array([3, 1]), np.arange(9, 12), np.arange(0, 2)]


def write(folder: Path, spoilt: bool = False) -> Store:
    """Simulated pictures, one of which is absent."""
    from PIL import Image

    def picture(row: int, instance: int) -> bytes | None:
        file = BytesIO()
        pixels = np.random.default_rng([row, instance]).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, "PNG")
        return None if (row, instance) == (7, 0) else file.getvalue()[: 60 if spoilt and row == 10 else None]

    samples = [
        Sample(f"s{row}", {"side": 0}, {"face": [picture(row, at) for at in range(2)]}, {"subject": "s"})
        for row in range(N)
    ]
    write_samples(folder / "pictures.h5", samples, Schema((FACE,), {"side": ("no", "yes")}), {"key": "k"})
    return Store(folder / "pictures.h5")


@pytest.mark.parametrize("snr_db", [None, 0])
@pytest.mark.parametrize("jobs", [1, 3])
def test_all_parts_come_in_order_as_one_process_reads_them(tmp_path: Path, jobs: int, snr_db: int | None) -> None:
    raw = RawInstances(write(tmp_path).path, "face", snr_db)
    source = raw.open()
    found = [(x.copy(), present) for x, present in read_ahead(raw, PARTS, jobs)]
    assert len(found) == len(PARTS)
    for (x, present), part in zip(found, PARTS, strict=True):
        expected, here = source.read(part)
        assert x.dtype == np.uint8
        assert np.array_equal(x, expected)
        assert np.array_equal(present, here)
    assert not found[2][1][2, 0]


def test_who_stops_early_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setattr("mmbench.features.prefetch._SHARED_MEMORY", shelf)
    shown = read_ahead(RawInstances(write(tmp_path).path, "face"), PARTS, 2)
    next(shown)
    assert len(list(shelf.glob("*/slots"))) == 1
    shown.close()
    assert list(shelf.iterdir()) == []


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"image 0 of face in sample 10 cannot be decoded"):
        list(read_ahead(RawInstances(write(tmp_path, spoilt=True).path, "face"), PARTS, 2))


def test_a_process_that_is_killed_is_reported(tmp_path: Path) -> None:
    before = children()
    shown = read_ahead(RawInstances(write(tmp_path).path, "face"), PARTS * 50, 2)
    next(shown)
    for worker in children() - before:
        os.kill(worker, signal.SIGKILL)
    with pytest.raises(WorkerError, match="prefetches samples died"):
        list(shown)


def children() -> set[int]:
    """The processes that this one has begun."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(number) for task in tasks for number in task.read_text().split()}


def test_parts_of_unequal_length_come_as_one_process_reads_them(tmp_path: Path) -> None:
    curve = Modality("curve", "timeseries", (2, None), instances=2)
    random = np.random.default_rng(0)
    samples = [
        Sample(f"s{row}", {"side": 0}, {"curve": [random.normal(size=(2, 1 + 5 * row % 17)), None]}, {"subject": "s"})
        for row in range(N)
    ]
    write_samples(tmp_path / "curves.h5", samples, Schema((curve,), {"side": ("no", "yes")}), {"key": "k"})
    raw = RawInstances(tmp_path / "curves.h5", "curve")
    source = raw.open()
    for (x, present), part in zip(read_ahead(raw, PARTS, 2), PARTS, strict=True):
        expected, here = source.read(part)
        assert np.array_equal(x, expected)
        assert np.array_equal(present, here)
