"""Milmer's evaluation, images to logits, against the same model run as in the public code.

The public code calls Hugging Face's processor for each image and its Swin for each instance of the bag. Each contender
runs in its own process, which reports time and the additional memory. mmbench computes the tokens of a frozen encoder
once and reuses them, so that it is timed with and without cached tokens. The matrix products of the model are timed
separately, as a lower bound for any implementation in torch.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from timing import Contenders, Goal, Measured, ResultsDiffer, missing

from mmbench.features.cache import Encoding, encode
from mmbench.registry.specs import parse_spec
from speed.milmer_parts import SIDE, write_store

NAME = "milmer_evaluation"
TITLE = "Milmer, evaluation"
OURS, FOUND = "mmbench, tokens made", "mmbench, tokens found"
THEIRS, PRODUCTS = "a loop over instances, Hugging Face", "the products of matrices alone"
MEMORY = "MB"
LIMIT = Goal("for the products of matrices alone", THEIRS, PRODUCTS)
GOALS = (
    Goal("at least 2 times as fast, tokens found", THEIRS, FOUND, least=2),
    Goal("at least 2 times as fast, tokens made", THEIRS, OURS, least=2, limit=LIMIT),
    Goal("half the memory", OURS, THEIRS, MEMORY, most=0.5),
)
BATCH = 14
PREPARED, WEIGHTS, TOKENS = "prepared/benchmark.h5", "weights/swin.pt", "cache"


def available() -> str | None:
    return missing("transformers")


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    n = 2 if quick else BATCH
    for name in (PREPARED, WEIGHTS):
        (folder / name).parent.mkdir()  # encoders must not access the folder of prepared data
    store = write_store(folder / PREPARED, n)
    write_swin(folder / WEIGHTS)
    encode(Encoding(store.path, "face", parse_spec(frozen(folder / WEIGHTS)), (), "cpu", 2), folder / TOKENS)
    contenders = {name: partial(run_in_process, name, folder) for name in (OURS, FOUND, THEIRS, PRODUCTS)}
    about = f"{n} simulated samples of 10 pictures of {SIDE} px, decoded, in a batch of Milmer's size; random weights"
    yield Contenders(contenders, check, about)


def write_swin(path: Path) -> None:
    """Random weights of Hugging Face's Swin-tiny, read by both."""
    import torch
    from transformers import SwinConfig, SwinModel

    torch.manual_seed(0)
    torch.save(SwinModel(SwinConfig(image_size=SIDE), add_pooling_layer=False).state_dict(), path)


def run_in_process(name: str, folder: Path) -> Measured:
    code = f"from speed.milmer_evaluation import evaluate; evaluate({name!r}, {str(folder)!r})"
    search = "import sys; sys.path[:0] = " + repr(sys.path) + "; "
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", search + code], check=True, stdout=subprocess.PIPE)
    report = json.loads(run.stdout.splitlines()[-1])
    figures = {"s": report["seconds"], MEMORY: report["bytes"] / 1e6}
    return Measured({"s": report["seconds"]} if name == PRODUCTS else figures, np.array(report["logits"]))


def evaluate(name: str, folder: str) -> None:
    """Run a contender in this process and print its figures and logits as JSON."""
    import time

    import torch

    from mmbench.data.store import Store
    from mmbench.training.peak_memory import PeakMemory

    store = Store(Path(folder) / PREPARED)
    make = {OURS: make_ours, FOUND: make_found, THEIRS: make_theirs, PRODUCTS: make_products}[name]
    predict = make(store, Path(folder) / WEIGHTS)
    memory, start = PeakMemory(torch.device("cpu")), time.perf_counter()
    logits = predict()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "bytes": memory.read(), "logits": logits.tolist()}))


def frozen(weights: Path) -> str:
    """The spec of the encoder."""
    return f"swin[weights={weights},frozen=true]"


def make_ours(store: Any, weights: Path) -> Any:
    return make_prediction(store, store.source("face"), weights, sees_tokens=False)


def make_found(store: Any, weights: Path) -> Any:
    from mmbench.data.sources import ArraySource

    (tokens,) = (weights.parents[1] / TOKENS).rglob("*.h5")
    return make_prediction(store, ArraySource(tokens, "face"), weights, sees_tokens=True)


def make_prediction(store: Any, face: Any, weights: Path, *, sees_tokens: bool) -> Any:
    import torch

    from mmbench.data.batches import Inputs, Stream
    from mmbench.registry.build import build_encoder
    from mmbench.registry.specs import parse_spec
    from mmbench.training.loop import predict
    from speed.milmer_parts import FACE, make_model

    swin, n = build_encoder(parse_spec(frozen(weights)), FACE, (), seed=0), len(store)
    model = make_model([] if sees_tokens else [swin], swin)
    inputs = Inputs({"eeg": Stream(store.source("eeg"), None, n), "face": Stream(face, None, n)})
    return lambda: predict(model, inputs, np.arange(n), torch.device("cpu"))


def make_theirs(store: Any, weights: Path) -> Any:
    import torch
    from transformers import SwinConfig, SwinModel, ViTImageProcessor

    from mmbench.data import Bags
    from speed.milmer_parts import FACE, make_model, make_swin

    swin = SwinModel(SwinConfig(image_size=SIDE), add_pooling_layer=False).eval()
    swin.load_state_dict(torch.load(weights))
    processor = ViTImageProcessor(image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    model = make_model([], make_swin(frozen=True)).eval()
    frames, eeg = store.source("face"), torch.from_numpy(store.source("eeg").read(np.arange(len(store)))[0])
    pictures = torch.from_numpy(frames.read(np.arange(len(store)))[0])

    def encode(instance: int) -> Any:
        pixels = [processor(picture, return_tensors="pt")["pixel_values"] for picture in pictures[:, instance]]
        return swin(torch.cat(pixels)).last_hidden_state

    @torch.no_grad()
    def predict() -> Any:
        faces = torch.stack([encode(instance) for instance in range(FACE.instances)], dim=1)
        here = {"eeg": torch.ones(len(eeg), 1, dtype=torch.bool), "face": torch.ones(faces.shape[:2], dtype=torch.bool)}
        return model({"eeg": Bags(eeg, here["eeg"]), "face": Bags(faces, here["face"])}).numpy()

    return predict


def make_products(store: Any, weights: Path) -> Any:
    """All matrix products and convolutions of our prediction, one after the other, on random numbers."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten
    products = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.linear, aten.matmul, aten.convolution}
    calls: list[tuple[Any, list[Any]]] = []
    numbers: dict[Any, torch.Tensor] = {}

    def like(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        form = (value.shape, value.stride())
        if form not in numbers:
            n_numbers = 1 + sum((size - 1) * step for size, step in zip(*form, strict=True))
            numbers[form] = torch.randn(n_numbers).as_strided(*form)
        return numbers[form]

    class RecordProducts(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.overloadpacket in products:
                calls.append((func, [like(value) for value in args]))
            return func(*args, **kwargs or {})

    with RecordProducts():  # type: ignore[no-untyped-call]
        make_ours(store, weights)()

    @torch.inference_mode()
    def multiply() -> torch.Tensor:
        for func, args in calls:
            func(*args)
        return torch.zeros(0)

    return multiply


def check(results: Mapping[str, Any]) -> None:
    """Check that the logits agree."""
    for name in (OURS, FOUND):
        gap = np.abs(results[name] - results[THEIRS]).max()
        if not gap <= 1e-3:
            raise ResultsDiffer(f"logits of {name} differ by {gap:.1e}")
