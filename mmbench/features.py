"""Tokens of frozen encoders: computed once, whatever the number of fusions, folds, trials and seeds, and kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbench.building import build_encoder
from mmbench.checkpoints import weights_digest
from mmbench.diagnosis.noise import Noise, NoisySource
from mmbench.errors import DamagedError, PluginError
from mmbench.files import locked, make_folder, sweep
from mmbench.guard import Closed, guarded, name_component, named_files
from mmbench.hashing import code_digest, digest
from mmbench.keys import Near, Parts, find_near
from mmbench.model import encode_bag
from mmbench.networks import Encoder
from mmbench.plugins import load_registry
from mmbench.portraits import differ, rounding
from mmbench.prepare import Preparation
from mmbench.progress import reporter, track
from mmbench.seals import Sealed, replace_damaged
from mmbench.specs import Spec
from mmbench.store import FORMAT, Rows, Source, Store, read_presence, reading
from mmbench.tokens import BLOCK, Blocks, is_whole_block, join_blocks, write_block
from mmbench.training import deterministic, mixed_precision
from mmbench.workers import in_processes

_BATCH = 64  # instances read at once
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
    def label(self) -> str:
        """What is encoded, for people."""
        return f"{self.modality} with {self.encoder.name}" + ("" if self.snr_db is None else f", {self.snr_db} dB")

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
    made_from = describe(what, encoder, store.key)
    path = token_path(what, cache, made_from)
    make_folder(path.parent)
    with locked(path):
        if not _is_there(path):
            _encode(what, made_from, encoder, path, jobs)
    return path


def describe(what: Encoding, encoder: Encoder, store_key: str) -> dict[str, Any]:
    """All that the tokens depend on: what their key is the digest of."""
    noise = {} if what.snr_db is None else {"snr_db": what.snr_db}
    return {
        **noise,
        "prepared": store_key,
        "modality": what.modality,
        "encoder": {
            "name": what.encoder.name,
            "params": load_registry(what.plugins).bound("encoders", what.encoder),
            "version": encoder.version,
            "code": code_digest(type(encoder)),
            "weights": weights_digest(encoder),
        },
        "device": torch.device(what.device).type,
        "threads": what.threads,
        "torch": torch.__version__,
        "format": FORMAT,
    }


def token_path(what: Encoding, cache: Path, made_from: Parts) -> Path:
    """Where the tokens lie that are made from this."""
    return cache / "tokens" / f"{what.modality}-{what.encoder.name}-{digest(made_from)[:16]}.h5"


def find_relative(made_from: Parts, path: Path) -> Near | None:
    """Tokens of the same modality and encoder, with as much noise, that are most like those at ``path``."""
    stem = path.stem.rpartition("-")[0]
    return find_near(made_from, path.parent.glob(f"{stem}-*.h5"), lambda parts: _noise(parts) == _noise(made_from))


def _noise(parts: Parts) -> Any:
    return parts.get("snr_db")


def _is_there(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        Sealed(path)
    except DamagedError as error:
        replace_damaged(path, f"is damaged ({error.message})")
        return False
    return True


def _encode(what: Encoding, made_from: Parts, encoder: Encoder, path: Path, jobs: int) -> None:
    if near := find_relative(made_from, path):
        reporter().message(f"{what.label} is encoded anew, unlike {near.path.name}: {near.line}")
    n_rows = len(Store(what.store))
    blocks = [(start, path.parent / f".{path.stem}.{start}.npy") for start in range(0, n_rows, BLOCK)]
    sweep(block for _, block in blocks)
    tasks = [
        (what, start, min(start + BLOCK, n_rows), block, made_from)
        for start, block in blocks
        if not is_whole_block(block)
    ]
    on_gpu = torch.device(what.device).type == "cuda"
    work = in_processes(1 if on_gpu else min(jobs, max(len(tasks), 1)), _encode_block, tasks, what.threads)
    for _ in track(work, f"encoding {what.label}", total=len(tasks)):
        pass
    source = Blocks([block for _, block in blocks], read_presence(what.store, what.modality))
    shape = (*source.present.shape, encoder.out.length, encoder.out.dim)
    join_blocks(path, what.modality, source, shape, count_parameters(encoder), made_from)
    for _, block in blocks:
        block.unlink()


def count_parameters(encoder: Encoder) -> int:
    """Number of an encoder's parameters, trained or not."""
    return sum(parameter.numel() for parameter in encoder.parameters())


def _encode_block(what: Encoding, start: int, stop: int, path: Path, made_from: Parts) -> None:
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
            done = np.empty((stop - start, *before.shape[1:]), dtype=np.float32)
            for first in range(start, stop, step):
                part = np.arange(first, min(first + step, stop))
                done[part - start] = _tokens(encoder, source, part, device).numpy()
            after = _tokens(encoder, source, few, device)
    if differ({what.modality: before}, {what.modality: after}, rounding(device).again):
        raise PluginError(
            "gives the same instances other tokens after it has seen more",
            where=name_component(encoder, what.plugins),
            remedy="a frozen encoder keeps nothing of what it sees",
        )
    write_block(path, done, made_from)


def _tokens(encoder: Encoder, source: Source, rows: Rows, device: torch.device) -> Tensor:
    x, present = source.read(rows)
    values = torch.from_numpy(np.ascontiguousarray(x)).to(device)
    return encode_bag(encoder, values, torch.from_numpy(present).to(device)).float().cpu()


def encoder_size(tokens: Path, modality: str) -> int:
    """Number of parameters of the frozen encoder that made a token file."""
    with reading(tokens) as file:
        return int(file[f"modalities/{modality}"].attrs["parameters"])
