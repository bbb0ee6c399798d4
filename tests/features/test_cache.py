"""The token cache: encoded once, stored as float16 where that changes nothing, never read from a damaged file."""

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import mmbench
from mmbench import Encoder, Tokens
from mmbench.data.batches import Bags, Stream
from mmbench.data.preparation import Preparation, prepare
from mmbench.data.sources import ArraySource
from mmbench.data.standardize import fit_standardizer
from mmbench.data.store import Store
from mmbench.errors import DamagedError, TrainingError
from mmbench.features.cache import Encoding, encode
from mmbench.features.half_precision import MAX_ERROR, fits_half
from mmbench.registry.specs import parse_spec
from mmbench.results.comparison import Comparison
from mmbench.storage.progress import SilentReporter, use_reporter
from mmbench.training.bag_encoding import encode_bag

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")


@pytest.fixture(autouse=True)
def _all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.features.token_file.FLOAT32_BYTES", 0)


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def what(toy_people: Path, cache: Path) -> Encoding:
    return encoding(toy_people, cache)


def encoding(people: Path, cache: Path, encoder: str = "spectrum", dataset: str = "toy") -> Encoding:
    store = prepare(Preparation(parse_spec(dataset), people, cache, (TOY,)))
    return Encoding(store.path, "signal", parse_spec(encoder), (TOY,), "cpu")


def read(path: Path) -> np.ndarray:
    source = ArraySource(path, "signal")
    return source.read(np.arange(len(source.present)))[0]


def dtype(path: Path) -> np.dtype:
    with h5py.File(path, "r") as file:
        return file["modalities/signal/x"].dtype


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def place(path: Path, name: str) -> int:
    with h5py.File(path, "r") as file:
        return file[name].id.get_offset()


class Arrays:
    lengths = None

    def __init__(self, x: np.ndarray) -> None:
        self.x = x.astype(np.float32)

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.x[rows], np.ones((len(rows), 1), dtype=bool)


def test_tokens_are_halves_and_are_read_as_float32(
    what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = encode(what, cache)
    monkeypatch.setattr("mmbench.features.token_file.fits_half", lambda *_: False)
    whole = encode(what, cache.with_name("other"))
    assert (half.name, dtype(half), dtype(whole)) == (whole.name, np.float16, np.float32)
    assert read(half).dtype == np.float32
    np.testing.assert_array_equal(read(half), read(whole).astype(np.float16))
    np.testing.assert_allclose(read(half), read(whole), rtol=2.0**-11)


def test_small_files_stay_float32(what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.features.token_file.FLOAT32_BYTES", 1 << 26)
    assert dtype(encode(what, cache)) == np.float32


def test_standardised_tokens_differ_by_no_more_than_the_bound(
    what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = encode(what, cache)
    monkeypatch.setattr("mmbench.features.token_file.fits_half", lambda *_: False)
    whole = encode(what, cache.with_name("other"))
    half_z, whole_z = (standardised(path) for path in (half, whole))
    # A standardizer fitted on halves has moved by as much as they have.
    assert (np.abs(half_z - whole_z) <= 2 * MAX_ERROR * np.maximum(np.abs(whole_z), 1)).all()
    assert np.abs(half_z - whole_z).max() > 0


def standardised(path: Path) -> np.ndarray:
    source = ArraySource(path, "signal")
    rows = np.arange(len(source.present))
    standardizer = fit_standardizer(source, [rows], np.zeros(len(rows), dtype=np.int64), over_time=False)
    return Stream(source, standardizer, len(rows)).batch(rows).x.numpy()


def test_models_hardly_notice(toy_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = run(toy_people, tmp_path / "half")
    monkeypatch.setattr("mmbench.features.token_file.fits_half", lambda *_: False)
    whole = run(toy_people, tmp_path / "whole")
    for one, other in zip(half.methods[0].records, whole.methods[0].records, strict=True):
        assert one.ids == other.ids
        np.testing.assert_allclose(one.logits, other.logits, atol=0.02)
        assert one.logits != other.logits


def run(people: Path, folder: Path, **options: object) -> Comparison:
    return mmbench.run(
        "concat",
        "toy",
        data=people,
        out=folder / "runs",
        cache=folder / "cache",
        plugins=(TOY,),
        **{"encoders": {"signal": "spectrum"}, "training": {"epochs": 3}, "folds": 2, "jobs": 1, **options},
    )


@pytest.mark.parametrize(
    ("make", "fits"),
    [
        (lambda x: x, True),
        (lambda x: x * 1e-3, True),
        (lambda x: x * 1e-7, False),  # below what float16 can tell apart
        (lambda x: x * 1e5, False),  # above its range
        (lambda x: x + 5, True),
        (lambda x: x + 100, False),  # a large mean leaves few digits for what varies
        (lambda x: x * 0 + 1234.567, True),  # nothing varies
        (lambda x: x * 0 + 1e6, False),
        (lambda x: np.where(x > 3, np.nan, x), False),
        (lambda x: np.where(x > 3, np.inf, x), False),
        (lambda x: np.where(x > 3, x * 1000, x), True),  # what lies far out may move further
    ],
)
def test_float32_is_kept_where_halves_would_change_something(make, fits: bool) -> None:
    x = np.random.default_rng(0).normal(size=(600, 1, 2, 3))
    with np.errstate(invalid="ignore"):
        assert fits_half(Arrays(make(x)), np.arange(600)) is fits


def test_tokens_out_of_range_stay_float32(toy_people: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmbench.features import batched_encoding as passes

    encoded = passes.encode_bag
    monkeypatch.setattr(
        passes, "encode_bag", lambda *arguments: Tokens(encoded(*arguments).x * 1e6, arguments[1].present)
    )
    path = encode(encoding(toy_people, cache), cache)
    assert dtype(path) == np.float32
    assert np.abs(read(path)).max() > 65504


def test_damage_of_small_parts_is_found_at_once_and_the_file_made_again(what: Encoding, cache: Path) -> None:
    path = encode(what, cache)
    whole = path.read_bytes()
    for at in (0, 100, place(path, "modalities/signal/present"), len(whole) - 20):
        flip(path, at)
        with pytest.raises(DamagedError):
            ArraySource(path, "signal")
        listener = Listener()
        with use_reporter(listener):
            assert encode(what, cache) == path
        assert f"renamed to {path.name}.damaged and made again" in listener.messages[0]
        assert path.read_bytes() == whole
    for share in (0, 0.3, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        assert encode(what, cache).read_bytes() == whole


@pytest.mark.parametrize("file", ["prepared/toy-*.h5", "tokens/signal-*.h5"])
@pytest.mark.parametrize("part", ["x", "present"])
def test_run_recreates_damaged_files(
    toy_people: Path, tmp_path: Path, file: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(toy_people, tmp_path, diagnose="no")
    for record in whole.methods[0].folder.glob("fold-*"):
        record.unlink()
    (path,) = (tmp_path / "cache").glob(file)
    content = path.read_bytes()
    name = "facts" if file.startswith("prepared") else "signal"
    flip(path, place(path, f"modalities/{name}/{part}") + 1)
    listener = Listener()
    with use_reporter(listener):
        again = run(toy_people, tmp_path, diagnose="no")
    assert [message for message in listener.messages if f"renamed to {path.name}.damaged" in message]
    assert path.read_bytes() == content
    for one, other in zip(whole.methods[0].records, again.methods[0].records, strict=True):
        assert one.logits == other.logits


def test_damage_is_no_failed_trial(toy_people: Path, tmp_path: Path) -> None:
    options = {"diagnose": "no", "tune": 2, "encoders": {"signal": "spectrum", "facts": "mlp"}}
    whole = run(toy_people, tmp_path, **options)
    shutil.rmtree(tmp_path / "runs")
    (path,) = (tmp_path / "cache").glob("prepared/*.h5")
    flip(path, place(path, "modalities/facts/x") + 1)
    again = run(toy_people, tmp_path, **options)
    assert path.with_name(f"{path.name}.damaged").exists()
    for one, other in zip(whole.methods[0].records, again.methods[0].records, strict=True):
        assert one.logits == other.logits
        assert one.tuning is not None
        assert other.tuning is not None
        assert [trial["state"] for trial in one.tuning["trials"]] == [
            trial["state"] for trial in other.tuning["trials"]
        ]


@pytest.mark.parametrize("name", ["ids", "labels/side", "groups/trial", "spans", "modalities/facts/x"])
def test_no_flipped_byte_of_prepared_data_is_read(what: Encoding, name: str) -> None:
    with h5py.File(what.store, "r") as file:
        at = file[name].id.get_offset()
    flip(what.store, at + 3)

    def read_everything() -> None:
        store = Store(what.store)
        for modality in store.schema.modalities:
            store.source(modality.name).read(np.arange(len(store)))

    with pytest.raises(DamagedError):
        read_everything()


def test_a_damaged_block_is_encoded_again(what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encode(what, cache).read_bytes()
    (path,) = (cache / "tokens").glob("*.h5")
    path.unlink()
    with monkeypatch.context() as stopped:
        stopped.setattr("mmbench.features.token_file.add_checksums", stop)
        with pytest.raises(KeyboardInterrupt):
            encode(what, cache)
    (block,) = (cache / "tokens").glob(".*.npy")
    flip(block, 200)
    assert encode(what, cache).read_bytes() == whole
    assert not list((cache / "tokens").glob(".*.npy"))


def stop(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_two_processes_encode_once(what: Encoding, cache: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from mmbench.features import cache as features
from mmbench.registry.specs import parse_spec
encoded = features._encode
def count(*arguments):
    with Path({str(tmp_path / "count")!r}).open("a") as log:
        log.write("x")
    encoded(*arguments)
features._encode = count
what = features.Encoding(Path({str(what.store)!r}), "signal", parse_spec("spectrum"), {what.plugins!r}, "cpu")
print(features.encode(what, Path({str(cache)!r})).name)
"""
    command = [sys.executable, "-c", code]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [process.communicate() for process in pair]
    assert outcomes == [(f"{encode(what, cache).name}\n", "")] * 2
    assert (tmp_path / "count").read_text() == "x"


def test_the_reason_of_encoding_again_is_reported(toy_people: Path, cache: Path) -> None:
    listener = Listener()
    with use_reporter(listener):
        first = encode(encoding(toy_people, cache), cache)
        assert listener.messages == []
        encode(encoding(toy_people, cache, dataset="toy[windows=3]"), cache)
    (prepared,) = [message for message in listener.messages if message.startswith("toy is prepared again")]
    assert prepared.endswith(": windows 2 -> 3")
    assert (
        listener.messages[-1]
        == f"signal with spectrum is encoded again, since it differs from {first.name}: prepared data changed"
    )


def test_the_torch_of_tokens_is_in_their_key(what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = encode(what, cache)
    monkeypatch.setattr("torch.__version__", "0.0")
    listener = Listener()
    with use_reporter(listener):
        assert encode(what, cache) != first
    assert listener.messages[0].endswith("-> 0.0")
    assert first.exists()


@pytest.mark.parametrize(("fits", "refused"), [(12, [21, 10, 5]), (2, [2, 1])])
def test_fewer_are_shown_at_once_where_a_gpu_has_too_little_memory(
    what: Encoding, cache: Path, monkeypatch: pytest.MonkeyPatch, fits: int, refused: list[int]
) -> None:
    whole = read(encode(what, cache))
    sizes: list[int] = []

    def scarce(encoder: Encoder, bags: Bags) -> Tokens:
        sizes.append(len(bags.x))
        if bags.present.numel() > fits:
            raise torch.OutOfMemoryError("as a GPU would")
        return encode_bag(encoder, bags)

    monkeypatch.setattr("mmbench.features.batched_encoding.encode_bag", scarce)
    if fits < 3:  # the instances of a bag
        with pytest.raises(TrainingError, match="is too small to encode one sample of signal"):
            encode(what, cache.with_name("other"))
    else:
        np.testing.assert_allclose(read(encode(what, cache.with_name("other"))), whole, rtol=1e-6)
    assert [size for size in sizes if 3 * size > fits] == refused  # and no more later on
