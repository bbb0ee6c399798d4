"""Instances of every kind are read back as they were given, in any order, padded, and never from changed bytes."""

import importlib.util
import io
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest
import soundfile
from PIL import Image

from mmbench import DataError, Sample, Schema
from mmbench.data.instance_sources import VideoSource
from mmbench.data.labels import find_labelled
from mmbench.data.merge import merge
from mmbench.data.noise import Noise, NoisySource
from mmbench.data.preparation import Preparation, prepare
from mmbench.data.samples.validation import check_sample
from mmbench.data.sources import find_row_size
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.errors import DamagedError
from mmbench.integrity.duplicates import find_identical_samples
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import parse_spec
from mmbench.storage.checksums import ChecksummedFile

PLUGIN = Path(__file__).parents[1] / "plugins" / "kinds.py"
N = 40


def load_plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kinds", PLUGIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


kinds = load_plugin()
SCHEMA = Schema(kinds.MODALITIES, kinds.TASKS, ("subject", "trial"))
OPEN = [modality.name for modality in kinds.MODALITIES if modality.is_open]


def raw(number: int) -> Sample:
    return kinds.make_sample(f"s{number // 10}", f"t{number}", number, "test" if number >= 30 else None)


def write(path: Path, numbers: range) -> Path:
    samples = [check_sample(raw(number), SCHEMA) for number in numbers]
    write_samples(path, samples, SCHEMA, {"key": "k", "dropped": []})
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(write(tmp_path_factory.mktemp("kinds") / "a.h5", range(N)))


def decoded(name: str, item: object) -> np.ndarray:
    """What a present instance of a sample must become."""
    if name == "note":
        return np.frombuffer(item.encode(), np.uint8)
    if name == "voice":
        return soundfile.read(io.BytesIO(item), dtype="float32", always_2d=True)[0].T
    if name == "clip":
        return np.stack([pixels(frame) for frame in item.frames])
    return np.asarray(item, dtype=np.float32)


def pixels(coded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(coded)) as image:
        return np.asarray(image).transpose(2, 0, 1)


@pytest.mark.parametrize("name", OPEN)
def test_instances_come_back_in_any_order_padded_with_zeros(store: Store, name: str) -> None:
    source, order = store.source(name), np.random.default_rng(0).permutation(N)[:17]
    x, present = source.read(order)
    axis = SCHEMA.modality(name).shape.index(None) + 2 if name != "note" else 2
    assert x.shape[axis] == source.lengths[order].max()
    for position, number in enumerate(order):
        bag = raw(int(number)).data.get(name, [None] * SCHEMA.modality(name).instances)
        for instance, item in enumerate(bag):
            assert present[position, instance] == (item is not None)
            length = source.lengths[number, instance]
            own, padding = np.split(x[position, instance], [length], axis=axis - 2)
            assert not padding.any()
            if item is None:
                assert length == 0
            else:
                np.testing.assert_array_equal(own, decoded(name, item))


@pytest.mark.parametrize("name", OPEN)
def test_lengths_do_not_depend_on_the_rows_that_are_read(store: Store, name: str) -> None:
    source = store.source(name)
    together, _ = source.read(np.arange(N))
    for row in range(0, N, 7):
        alone, _ = source.read(np.array([row]))
        own = tuple(slice(length) for length in alone.shape[1:])
        np.testing.assert_array_equal(together[row][own], alone[0])


def test_only_absent_instances_and_no_rows_are_read(store: Store) -> None:
    for name in OPEN:
        source = store.source(name)
        missing = np.flatnonzero(~source.present.any(axis=1))
        assert len(missing)
        x, present = source.read(missing)
        assert not x.any()
        assert not present.any()
        assert min(x.shape) == 1
        assert source.read(np.zeros(0, dtype=np.int64))[0].shape[0] == 0


def test_tables_and_fixed_arrays_have_no_lengths(store: Store) -> None:
    assert [store.source(name).lengths for name in ("pulse", "face", "facts", "marks")] == [None] * 4
    x, present = store.source("facts").read(np.arange(N))
    assert x.shape == (N, 1, 3)
    mood = np.arange(N) % 3
    np.testing.assert_array_equal(x[present[:, 0], 0, 1], np.array([0, 1, np.nan])[mood[present[:, 0]]])


def test_targets_and_parts_come_back(store: Store) -> None:
    tags, rating = store.labels("tags"), store.labels("rating")
    assert (tags.dtype, rating.dtype) == (np.int64, np.float64)
    for number in range(N):
        labels = raw(number).labels
        assert tags[number].tolist() == labels.get("tags", [-1] * 3)
        np.testing.assert_array_equal(rating[number], labels.get("rating", [np.nan] * 2))
    for task in ("tags", "rating"):
        assert find_labelled(store.labels(task)).tolist() == [number for number in range(N) if number % 9]
    assert find_labelled(store.labels("mood")).tolist() == list(range(N))
    assert store.parts.tolist() == ["test" if number >= 30 else "" for number in range(N)]


@pytest.mark.parametrize("cuts", [(0, 17, N), (0, 0, 30, N, N)])
def test_merged_units_are_the_same_file(store: Store, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    parts = [write(tmp_path / f"{at}.h5", range(*ends)) for at, ends in enumerate(pairwise(cuts))]
    merge(tmp_path / "all.h5", parts, SCHEMA, {"key": "k", "dropped": []})
    merged = Store(tmp_path / "all.h5")
    ChecksummedFile(merged.path).check_all()
    assert merged.parts.tolist() == store.parts.tolist()
    for task in SCHEMA.tasks:
        np.testing.assert_array_equal(merged.labels(task), store.labels(task))
    for modality in SCHEMA.modalities:
        one, other = merged.source(modality.name), store.source(modality.name)
        np.testing.assert_array_equal(one.lengths, other.lengths)
        for mine, theirs in zip(one.read(np.arange(N)), other.read(np.arange(N)), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_times_of_frames_are_kept(store: Store) -> None:
    source = store.source("clip")
    assert isinstance(source, VideoSource)
    for number in (1, 2, 3):
        np.testing.assert_array_equal(source.times(number)[0], raw(number).data["clip"][0].times)
    assert [len(times) for times in source.times(int(np.flatnonzero(~source.present[:, 0])[0]))] == [0]


def test_without_official_parts_there_are_none(tmp_path: Path) -> None:
    assert Store(write(tmp_path / "a.h5", range(5))).parts is None


@pytest.mark.parametrize("name", [modality.name for modality in kinds.MODALITIES])
def test_a_changed_byte_is_found_when_it_is_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.h5", range(12))
    store = Store(path)
    with h5py.File(path, "r") as file:
        group = file[f"modalities/{name}"]
        start = (group["x"] if "x" in group else group["bytes"]).id.get_offset()
    content = bytearray(path.read_bytes())
    content[start + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        store.source(name).read(np.arange(12))


@pytest.mark.parametrize(
    ("dataset", "values"),
    [
        ("motion/offsets", lambda values: values[::-1]),
        ("motion/offsets", lambda values: np.where(np.arange(len(values)) == 1, values + 1, values)),
        ("note/offsets", lambda values: np.where(np.arange(len(values)) == 1, 0, values)),
        ("voice/lengths", lambda values: values * 0),
        ("voice/lengths", lambda values: values // 9),
        ("clip/frames", lambda values: values[::-1]),
        ("clip/offsets", lambda values: values + 1),
    ],
)
def test_a_file_whose_offsets_do_not_fit_is_refused(tmp_path: Path, dataset: str, values) -> None:
    from mmbench.data.sources import check_modality

    path = write(tmp_path / "a.h5", range(1, 5))
    with h5py.File(path, "a") as file:
        at = f"modalities/{dataset}"
        file[at][...] = values(file[at][()])
        with pytest.raises(ValueError, match=dataset.split("/", maxsplit=1)[0]):
            check_modality(file, SCHEMA.modality(dataset.split("/", maxsplit=1)[0]), 4)


def test_samples_with_the_same_content_are_identical(tmp_path: Path) -> None:
    from dataclasses import replace

    copies = [raw(1), raw(2), raw(3), replace(raw(1), id="copy"), replace(raw(3), id="other")]
    write_samples(tmp_path / "a.h5", [check_sample(each, SCHEMA) for each in copies], SCHEMA, {"key": "k"})
    pairs = find_identical_samples(Store(tmp_path / "a.h5"), np.arange(5), [*OPEN, "face"])
    assert {name: found.tolist() for name, found in pairs.items()} == {
        name: [[0, 3], [2, 4]] for name in [*OPEN, "face"]
    }


def test_a_prefix_is_no_copy(tmp_path: Path) -> None:
    """Padded to one length both would be equal where the longer one ends in zeros."""
    wave = np.array([[1.0, 2, 0], [3, 4, 0], [5, 6, 0]])
    schema = Schema((SCHEMA.modality("motion"),), {"mood": ("a", "b")})
    samples = [Sample(f"{at}", {}, {"motion": [wave[:, :length]]}) for at, length in enumerate((2, 3))]
    write_samples(tmp_path / "a.h5", [check_sample(each, schema) for each in samples], schema, {"key": "k"})
    assert not len(find_identical_samples(Store(tmp_path / "a.h5"), np.arange(2), ["motion"])["motion"])


@pytest.mark.parametrize("name", ["motion", "voice", "clip", "pulse"])
def test_noise_is_that_of_the_instance_and_never_in_the_padding(store: Store, name: str) -> None:
    source = store.source(name)
    noisy = NoisySource(source, Noise(store, name), 0)
    assert noisy.lengths is source.lengths
    rows = np.arange(N)
    x, present = source.read(rows)
    together, _ = noisy.read(rows)
    changed = together != x
    assert not changed[~present].any()
    assert changed[present].reshape(present.sum(), -1).any(axis=1).all()
    for row in (1, 8, 23):
        alone, _ = noisy.read(np.array([row]))
        own = tuple(slice(length) for length in alone.shape[1:])
        np.testing.assert_array_equal(together[row][own], alone[0])
        padding = np.ones(x[row].shape, dtype=bool)
        padding[own] = False
        assert not together[row][padding].any()


@pytest.mark.parametrize(("name", "why"), [("note", "noise does not apply to text"), ("facts", "to tables")])
def test_texts_and_tables_have_no_noise(store: Store, name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Noise(store, name)


def test_the_size_of_the_longest_row(store: Store) -> None:
    for modality in SCHEMA.modalities:
        source = store.source(modality.name)
        rows = np.arange(1, N)
        assert find_row_size(source, rows) == source.read(rows)[0][:1].nbytes


def test_the_dataset_is_prepared_and_changes_are_told(tmp_path: Path) -> None:
    load_registry((str(PLUGIN),)).dataset(parse_spec("kinds")).simulate(tmp_path / "files", subjects=3)
    what = Preparation(parse_spec("kinds"), tmp_path / "files", tmp_path, (str(PLUGIN),))
    store = prepare(what, jobs=2)
    assert len(store) == 27
    assert set(store.parts.tolist()) == {"train", "validation", "test"}
    resized = store.attributes["changes"]["face"]["resized to 8 × 8 (crop)"]
    assert 0 < resized < 54
    assert prepare(what).path == store.path


def test_damaged_audio_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", range(1, 3))
    source = Store(path).source("voice")
    source._n_samples[0] += 1
    with pytest.raises(DataError, match="audio 0 of voice in sample 0 cannot be decoded"):
        source.read(np.array([0]))
