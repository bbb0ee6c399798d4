"""What is written into the prepared file is read back, by row, by unit and after joining."""

import io
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from mmbench import DataError, Modality, Sample, Schema
from mmbench.data import merge as merging
from mmbench.data.merge import merge
from mmbench.data.sources import read_inferred, read_presence
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.errors import DamagedError
from mmbench.storage.checksums import ChecksummedFile

PULSE = Modality("pulse", "timeseries", (2, 5), instances=2, rate=8.0, channels=("left", "right"))
FACE = Modality("face", "image", (3, 6, 4), instances=2)
SCHEMA = Schema((PULSE, FACE), {"mood": ("low", "high"), "ease": ("no", "yes")}, ("subject",))


def colour(number: int) -> tuple[int, int, int]:
    return (20 * number % 256, 100, 255 - 20 * number % 256)


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 6), colour(number)).save(file, "PNG")
    return file.getvalue()


def sample(number: int) -> Sample:
    data = {}
    if number % 4:
        data["pulse"] = np.full((2, 2, 5), float(number))
    if number % 3:
        data["face"] = [picture(number), None] if number % 2 else [None, picture(number)]
    present = {"pulse": np.array([True, number % 2 == 0])}
    inferred = {"face": np.array([number == 7, False])} if number % 3 else {}
    groups = {"subject": f"s{number // 5}"}
    return Sample(f"ü{number}", {"mood": number % 2}, data, groups, present, (number, number + 2), inferred)


def write(path: Path, numbers: range, **attributes: object) -> Path:
    write_samples(path, [sample(number) for number in numbers], SCHEMA, {"key": "k", "dropped": [], **attributes})
    return path


def check(store: Store, numbers: range) -> None:
    assert store.ids.tolist() == [f"ü{number}" for number in numbers]
    assert store.groups["subject"].tolist() == [f"s{number // 5}" for number in numbers]
    assert store.labels("mood").tolist() == [number % 2 for number in numbers]
    assert store.labels("ease").tolist() == [-1] * len(numbers)
    np.testing.assert_array_equal(store.spans, [(number, number + 2) for number in numbers])
    order = np.random.default_rng(0).permutation(len(numbers))
    pulse, pulse_here = store.source("pulse").read(order)
    face, face_here = store.source("face").read(order)
    assert (pulse.dtype, face.dtype, pulse_here.dtype, face_here.dtype) == (np.float32, np.uint8, bool, bool)
    for position, row in enumerate(order):
        number = numbers[row]
        expected = [number % 4 > 0, number % 4 > 0 and number % 2 == 0]
        assert pulse_here[position].tolist() == expected
        np.testing.assert_array_equal(pulse[position], np.array(expected)[:, None, None] * np.full((2, 2, 5), number))
        slots = [number % 3 > 0 and number % 2 == 1, number % 3 > 0 and number % 2 == 0]
        assert face_here[position].tolist() == slots
        for slot, there in enumerate(slots):
            expected_colour = colour(number) if there else (0, 0, 0)
            np.testing.assert_array_equal(
                face[position, slot], np.broadcast_to(np.reshape(expected_colour, (3, 1, 1)), (3, 6, 4))
            )


def test_samples_are_read_back(tmp_path: Path) -> None:
    store = Store(write(tmp_path / "a.h5", range(12)))
    check(store, range(12))
    assert len(store) == 12
    assert store.key == "k"
    assert store.schema == SCHEMA


@pytest.mark.parametrize("cuts", [(0, 5, 12), (0, 0, 12), (0, 6, 6, 12), (0, 1, 2, 12)])
def test_joined_units_are_one_file(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    parts = [write(tmp_path / f"{index}.h5", range(start, stop)) for index, (start, stop) in enumerate(pairwise(cuts))]
    merge(tmp_path / "all.h5", parts, SCHEMA, {"key": "k", "dropped": []})
    check(Store(tmp_path / "all.h5"), range(12))
    np.testing.assert_array_equal(
        read_presence(tmp_path / "all.h5", "face"), read_presence(write(tmp_path / "one.h5", range(12)), "face")
    )
    assert np.argwhere(read_inferred(tmp_path / "all.h5", "face")).tolist() == [[7, 0]]
    assert not read_inferred(tmp_path / "all.h5", "pulse").any()


def test_a_modality_missing_everywhere(tmp_path: Path) -> None:
    write_samples(tmp_path / "a.h5", [Sample("x", {}, {}, {"subject": "s"})], SCHEMA, {"key": "k"})
    store = Store(tmp_path / "a.h5")
    for name in ("pulse", "face"):
        values, present = store.source(name).read(np.array([0, 0]))
        assert not values.any()
        assert present.tolist() == [[False, False]] * 2
    assert np.isnan(store.spans).all()


def test_values_under_absence_are_not_stored(tmp_path: Path) -> None:
    hidden = Sample(
        "x", {}, {"pulse": np.full((2, 2, 5), np.nan)}, {"subject": "s"}, {"pulse": np.array([False, False])}
    )
    write_samples(tmp_path / "a.h5", [hidden], SCHEMA, {"key": "k"})
    assert not Store(tmp_path / "a.h5").source("pulse").read(np.array([0]))[0].any()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_no_prepared_file(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "a.h5", range(12))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="not a complete prepared file") as caught:
        Store(path)
    assert str(path) in caught.value.line
    assert "delete it" in caught.value.remedy


def test_truncating_an_open_file_does_not_kill_the_process(tmp_path: Path) -> None:
    for at, name in enumerate(("pulse", "face", "pulse")):
        path = write(tmp_path / f"{at}.h5", range(12))
        store = Store(path)
        source = store.source(name)
        if at == 2:
            source.read(np.arange(12))  # compared, and never again
        os.truncate(path, 3000)
        with pytest.raises(DamagedError, match=r"\d\.h5: is damaged \(it was truncated while it was open\)"):
            source.read(np.arange(12))
        assert path.with_name(f"{at}.h5.damaged").exists()
        with pytest.raises(DamagedError, match=r"\d\.h5: changed while it was open"):
            store.labels("mood")


@pytest.mark.parametrize("size", [0, 200, 5000])
def test_what_hdf5_reads_of_a_file_that_is_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    path = write(tmp_path / "a.h5", range(12))
    store = Store(path)
    os.truncate(path, size)
    for read in (lambda: store.labels("mood"), lambda: store.source("pulse"), lambda: read_presence(path, "face")):
        with pytest.raises(DamagedError, match=r"a\.h5: "):
            read()


def test_labels_are_found_in_a_rewritten_file(tmp_path: Path) -> None:
    opened = Store(write(tmp_path / "a.h5", range(12)))
    labels = opened.labels("mood").tolist()
    with h5py.File(opened.path, "a") as file:  # elsewhere in the file
        del file["labels/mood"]
        file["labels/mood"] = np.array([*labels[::-1]])
    assert opened.labels("mood").tolist() == labels[::-1]
    with pytest.raises(DamagedError, match="changed while it was open"):
        opened.labels("none")


def test_an_incomplete_file_and_one_of_another_version_are_refused(tmp_path: Path) -> None:
    for change in (lambda attributes: attributes.pop("format"), lambda attributes: attributes.update(format=99)):
        path = write(tmp_path / "a.h5", range(3))
        with h5py.File(path, "a") as file:
            change(file.attrs)
        with pytest.raises(DataError, match="incomplete or has another version"):
            Store(path)


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", range(3))
    with h5py.File(path, "a") as file:
        del file["labels/mood"]
    with pytest.raises(DataError, match="not a complete prepared file"):
        Store(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.h5"):
        Store(tmp_path / "gone.h5")


@pytest.mark.parametrize("spoil", [lambda content: content[:-30], lambda content: b"\x00" * len(content)])
def test_a_damaged_image_is_one_line(tmp_path: Path, spoil) -> None:
    damaged = Sample("x", {}, {"face": [spoil(picture(1)), None]}, {"subject": "s"})
    write_samples(tmp_path / "a.h5", [damaged], SCHEMA, {"key": "k"})
    with pytest.raises(DataError, match="face"):
        Store(tmp_path / "a.h5").source("face").read(np.array([0]))


def test_a_part_that_is_cut_short_is_not_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [write(tmp_path / f"{name}.h5", range(12)) for name in ("a", "b")]
    copy, (start, _) = merging._copy, ChecksummedFile(parts[1]).footer.extents[0]

    def cut_before(*arguments: Any) -> None:
        os.truncate(parts[1], start + 8)
        copy(*arguments)

    monkeypatch.setattr(merging, "_copy", cut_before)
    with pytest.raises(DamagedError, match=r"b\.h5: was truncated while it was open"):
        merge(tmp_path / "whole.h5", parts, SCHEMA, {"key": "k"})
