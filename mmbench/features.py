"""Tokens of frozen encoders: computed once, whatever the number of fusions, folds, trials and seeds, and kept."""

import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from mmbench.building import build_encoder
from mmbench.checkpoints import weights_digest
from mmbench.diagnosis.noise import Noise, NoisySource
from mmbench.errors import PluginError
from mmbench.files import check_room, locked, make_folder, sweep, written_whole
from mmbench.guard import Closed, guarded, name_component, named_files
from mmbench.hashing import code_digest, digest
from mmbench.model import encode_bag
from mmbench.networks import Encoder
from mmbench.plugins import load_registry
from mmbench.portraits import differ, rounding
from mmbench.prepare import Preparation
from mmbench.progress import track
from mmbench.specs import Spec
from mmbench.store import Rows, Source, Store
from mmbench.training import deterministic, mixed_precision
from mmbench.workers import in_processes

_BLOCK = 128  # samples encoded and kept at a time; fixed, so that the bits do not depend on the number of jobs
_BATCH = 64  # instances an encoder sees at once
_AGAIN = 2  # samples encoded again after each block
FROZEN_SEED = 0


@dataclass(frozen=True)
class Encoding:
    """Which tokens: a modality of a prepared file through an encoder, with noise of ``snr_db`` where that is given.

    The encoder may not open the files of ``data``.
    """

    store: Path
    modality: str
    encoder: Spec
    plugins: tuple[str, ...]
    device: str
    threads: int = 1
    snr_db: int | None = None
    data: Preparation | None = None

    @property
    def closed(self) -> Closed:
        """What the encoder may not open."""
        given = named_files([load_registry(self.plugins).bound("encoders", self.encoder)])
        cache = self.store.resolve().parent
        return Closed(str(self.encoder), self.plugins, (cache, cache.parent / "tokens"), data=self.data, given=given)


def encode(what: Encoding, cache: Path, jobs: int = 1) -> Path:
    """The file of tokens ``(N, K, T, D)``, made now or found; an interrupted encoding goes on by block."""
    store = Store(what.store)
    encoder = build_encoder(what.encoder, store.schema.modality(what.modality), what.plugins, FROZEN_SEED)
    noise = {} if what.snr_db is None else {"snr_db": what.snr_db}
    key = digest(
        {
            **noise,
            "store": store.key,
            "modality": what.modality,
            "encoder": what.encoder.name,
            "params": load_registry(what.plugins).bound("encoders", what.encoder),
            "version": encoder.version,
            "code": code_digest(type(encoder)),
            "weights": weights_digest(encoder),
            "device": torch.device(what.device).type,
            "threads": what.threads,
        }
    )
    folder = make_folder(cache / "tokens")
    path = folder / f"{what.modality}-{what.encoder.name}-{key[:16]}.h5"
    with locked(path):
        if not path.exists():
            _encode(what, len(store), encoder, path, jobs)
    return path


def _encode(what: Encoding, n_rows: int, encoder: Encoder, path: Path, jobs: int) -> None:
    blocks = [(start, path.parent / f".{path.stem}.{start}.npy") for start in range(0, n_rows, _BLOCK)]
    sweep(block for _, block in blocks)
    todo = [(start, block) for start, block in blocks if not block.exists()]
    on_gpu = torch.device(what.device).type == "cuda"
    tasks = [(what, start, min(start + _BLOCK, n_rows), block) for start, block in todo]
    work = in_processes(1 if on_gpu else min(jobs, max(len(todo), 1)), _encode_block, tasks, what.threads)
    label = f"encoding {what.modality} with {what.encoder.name}"
    for _ in track(work, label if what.snr_db is None else f"{label}, {what.snr_db} dB", total=len(todo)):
        pass
    modality = Store(what.store).schema.modality(what.modality)
    shape = (n_rows, modality.instances, encoder.out.length, encoder.out.dim)
    check_room(path, 4 * math.prod(shape))
    with written_whole(path) as aside, h5py.File(aside, "w") as file:
        group = file.create_group(f"modalities/{what.modality}")
        x = group.create_dataset("x", shape=shape, dtype=np.float32)
        for start, block in blocks:
            x[start : start + _BLOCK] = np.load(block)
        with h5py.File(what.store, "r") as prepared:
            group["present"] = prepared[f"modalities/{what.modality}/present"][()]
        group.attrs["parameters"] = sum(parameter.numel() for parameter in encoder.parameters())
    for _, block in blocks:
        block.unlink()


def _encode_block(what: Encoding, start: int, stop: int, path: Path) -> None:
    torch.set_num_threads(what.threads)
    store = Store(what.store)
    device = torch.device(what.device)
    modality = store.schema.modality(what.modality)
    source = store.source(what.modality)
    if what.snr_db is not None:
        source = NoisySource(source, Noise(store, what.modality), what.snr_db)
    step = max(1, _BATCH // modality.instances)
    few = np.arange(start, min(start + _AGAIN, stop))
    with guarded(what.closed):
        encoder = build_encoder(what.encoder, modality, what.plugins, FROZEN_SEED).to(device).eval()
        with deterministic(device), torch.inference_mode(), mixed_precision(device):
            before = _tokens(encoder, source, few, device)
            rows = (np.arange(first, min(first + step, stop)) for first in range(start, stop, step))
            done = [_tokens(encoder, source, part, device) for part in rows]
            after = _tokens(encoder, source, few, device)
    if differ({what.modality: before}, {what.modality: after}, rounding(device).again):
        raise PluginError(
            "gives the same instances other tokens after it has seen more",
            where=name_component(encoder, what.plugins),
            remedy="a frozen encoder keeps nothing of what it sees",
        )
    with written_whole(path) as aside, aside.open("wb") as file:
        np.save(file, np.concatenate([tokens.numpy() for tokens in done]))


def _tokens(encoder: Encoder, source: Source, rows: Rows, device: torch.device) -> Tensor:
    x, present = source.read(rows)
    values = torch.from_numpy(np.ascontiguousarray(x)).to(device)
    return encode_bag(encoder, values, torch.from_numpy(present).to(device)).float().cpu()


def encoder_size(tokens: Path, modality: str) -> int:
    """Number of parameters of the frozen encoder that made a token file."""
    with h5py.File(tokens, "r") as file:
        return int(file[f"modalities/{modality}"].attrs["parameters"])
