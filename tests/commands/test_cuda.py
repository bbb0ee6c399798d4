"""What is particular to a GPU: pictures cross as bytes, tokens are those of the CPU, and a run gives the same again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

import mmbench
from mmbench import Encoder, Float, Modality, Sample, Schema, TokenSpec, hookimpl
from mmbench.data.sources import ArraySource
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples
from mmbench.errors import PluginError, TrainingError
from mmbench.features.cache import Encoding, encode
from mmbench.integrity.behaviour import rounding_tolerance
from mmbench.registry.specs import parse_spec
from mmbench.results.records import Record
from mmbench.training.cost import Cost

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")

HERE, TOY = str(Path(__file__)), str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
N = 150  # more than a block
FACE = Modality("face", "image", (3, 64, 64), instances=3)
GPU = torch.device("cuda")


class Bytes(Encoder):
    """Refuses anything but bytes on a GPU; the mean colour of each corner."""

    name, kinds = "bytes", ("image",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out, self.frozen = TokenSpec(4, 3), True

    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.uint8
        assert x.is_cuda
        corners = torch.nn.functional.adaptive_avg_pool2d(x.float() / 255, 2)
        return corners.flatten(2).mT


class Drifts(Bytes):
    """Adds up what it has seen."""

    name = "drifts"
    seen = 0.0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 0.05 * len(x)
        return super().forward(x) + self.seen


class Hungry(Bytes):
    """Takes the whole memory for ``holds`` pictures."""

    name = "hungry"
    space: ClassVar = {"holds": Float(0.1, 1000.0)}

    def __init__(self, modality: Modality, *, holds: float = 50.0) -> None:
        super().__init__(modality)
        self.holds = holds

    def forward(self, x: Tensor) -> Tensor:
        memory = torch.cuda.get_device_properties(x.device).total_memory
        torch.empty(int(len(x) * memory / self.holds), dtype=torch.uint8, device=x.device)
        return super().forward(x)


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    register(Bytes)
    register(Drifts)
    register(Hungry)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Simulated pictures, some of which are absent."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("store") / "pictures.h5"
    write_samples(
        path, [sample(row, random) for row in range(N)], Schema((FACE,), {"side": ("no", "yes")}), {"key": "k"}
    )
    return Store(path)


def sample(row: int, random: np.random.Generator) -> Sample:
    from io import BytesIO

    from PIL import Image

    bag: list[bytes | None] = []
    for instance in range(FACE.instances):
        file = BytesIO()
        Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((64, 64)).save(file, "JPEG")
        bag.append(None if row % 5 == 0 and instance == 1 else file.getvalue())
    return Sample(f"s{row}", {"side": row % 2}, {"face": bag}, {"subject": "s"})


def tokens(store: Store, cache: Path, encoder: str, device: str, jobs: int = 1) -> np.ndarray:
    path = encode(Encoding(store.path, "face", parse_spec(encoder), (HERE,), device), cache, jobs)
    return ArraySource(path, "face").read(np.arange(N))[0]


SWIN = "swin[model=nano,pretrained=false,frozen=true]"


@pytest.mark.parametrize("encoder", [SWIN, "bytes"])
@pytest.mark.parametrize("jobs", [1, 4])
def test_tokens_are_those_of_the_cpu(store: Store, tmp_path: Path, encoder: str, jobs: int) -> None:
    if encoder == "bytes":
        here = store.source("face").read(np.arange(N))[0].reshape(N, 3, 3, 2, 32, 2, 32).mean(axis=(4, 6)) / 255
        expected = np.moveaxis(here.reshape(N, 3, 3, 4), 2, 3)
        expected[~store.source("face").read(np.arange(N))[1]] = 0.0
    else:
        expected = tokens(store, tmp_path / "cpu", encoder, "cpu")
    found = tokens(store, tmp_path / "cuda", encoder, "cuda", jobs)
    assert np.abs(found - expected).max() < rounding_tolerance(GPU).in_batch * np.abs(expected).max()
    assert not found[::5, 1].any()


def test_tokens_do_not_depend_on_how_many_threads_read(store: Store, tmp_path: Path) -> None:
    one, four = (tokens(store, tmp_path / str(jobs), SWIN, "cuda", jobs) for jobs in (1, 4))
    assert np.array_equal(one, four)


def test_what_is_left_of_an_encoding_that_was_stopped_is_used(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tokens(store, tmp_path / "whole", SWIN, "cuda")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mmbench.features.token_file.add_checksums", stop)
    with pytest.raises(KeyboardInterrupt):
        tokens(store, tmp_path / "rest", SWIN, "cuda")
    first, last = sorted((tmp_path / "rest").rglob(".*.npy"), key=lambda path: path.stat().st_size, reverse=True)
    last.unlink()
    stamp = first.stat().st_mtime_ns
    with pytest.raises(KeyboardInterrupt):
        tokens(store, tmp_path / "rest", SWIN, "cuda")
    assert last.exists()
    assert first.stat().st_mtime_ns == stamp
    monkeypatch.undo()
    assert np.array_equal(tokens(store, tmp_path / "rest", SWIN, "cuda"), whole)


def test_encoder_with_state_is_reported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="after it has seen more"):
        tokens(store, tmp_path, "drifts", "cuda")


def test_fewer_are_shown_where_memory_is_too_small(store: Store, tmp_path: Path) -> None:
    found = tokens(store, tmp_path / "few", "hungry", "cuda")
    assert np.array_equal(found, tokens(store, tmp_path / "all", "bytes", "cuda"))


def test_sample_larger_than_memory_is_reported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="its memory is too small to encode one sample of face"):
        tokens(store, tmp_path, "hungry[holds=0.5]", "cuda")


def run(people: Path, cache: Path, out: Path, device: str, method: str = "concat", **options: Any) -> Any:
    training = {"epochs": 3, "batch_size": 8}
    options = {"folds": 2, "training": training, "jobs": 2, **options}
    return mmbench.run(
        method, "toy[windows=4]", data=people, cache=cache, out=out, plugins=(TOY,), device=device, **options
    )


def records(comparison: Any) -> list[Record]:
    return [record for method in comparison.methods for record in method.records]


def test_a_run_gives_the_same_again(toy_people: Path, tmp_path: Path) -> None:
    first, again = (
        run(toy_people, tmp_path / "cache", tmp_path / name, "cuda", against=["mult"]) for name in ("one", "two")
    )
    assert [record.logits for record in records(first)] == [record.logits for record in records(again)]


def test_scores_are_close_to_those_on_the_cpu(toy_people: Path, tmp_path: Path) -> None:
    """But for what is dropped, which every device draws by itself."""
    whole: dict[str, Any] = {
        "method": "concat[dropout=0]",
        "against": ["mult[dropout=0]"],
        "encoders": {"timeseries": "conv1d[dropout=0]", "vector": "mlp[dropout=0]"},
    }
    fast, slow = (run(toy_people, tmp_path / "cache", tmp_path / name, name, **whole) for name in ("cuda", "cpu"))
    assert fast.run["key"] != slow.run["key"]
    for ours, theirs in zip(records(fast), records(slow), strict=True):
        assert [epoch["train_loss"] for epoch in ours.history] == pytest.approx(
            [epoch["train_loss"] for epoch in theirs.history], abs=0.01
        )


def test_costs_are_those_of_the_gpu(toy_people: Path, tmp_path: Path) -> None:
    comparison = run(toy_people, tmp_path / "cache", tmp_path, "cuda", against=[])
    for record in comparison.methods[0].records:
        cost = Cost(**record.cost)
        assert cost.peak_bytes is not None
        assert 0 < cost.peak_bytes < 1 << 30
        assert cost.latency_ms is not None
        assert cost.flops is not None
