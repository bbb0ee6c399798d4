"""Cache of encoder outputs, keyed by content: encoded once for all methods, folds, tuning trials and seeds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.contract import Encoder, Tokens
from mmbench.data import STORE_FORMAT, Preparation, Store, open_prepared, read_presence
from mmbench.errors import DamagedError, PluginError
from mmbench.features.batch_independence import depends_on_batch, encode_again
from mmbench.features.batched_encoding import Encoded, encode_blocks
from mmbench.features.prefetch import RawInstances
from mmbench.features.ragged_token_file import RaggedBlocks, join_ragged_blocks, write_ragged_block
from mmbench.features.token_file import Block, Blocks, is_whole_block, join_blocks, make_blocks, write_block
from mmbench.integrity import (
    ClosedFiles,
    SendMessage,
    comparable_tokens,
    find_differing_part,
    find_named_files,
    guard_files,
    is_forkable,
    name_component,
    rounding_tolerance,
    run_isolated,
)
from mmbench.registry import Spec, build_encoder, component_errors, find_code, load_registry
from mmbench.storage import (
    ChecksummedFile,
    KeyParts,
    NearestEntry,
    current_reporter,
    find_nearest_file,
    in_processes,
    key_digest,
    locked,
    make_folder,
    map_in_threads,
    named_ends,
    open_cached,
    remove_stale_files,
    report_damaged,
    track,
)
from mmbench.training import weights_digest

FROZEN_SEED = 0
_JOINING = 4  # threads that join blocks
_TASKS_PER_JOB = 8  # an interrupted encoding keeps finished blocks, so that tasks need not be small


@dataclass(frozen=True)
class Encoding:
    """What to encode: a modality of a prepared file with an encoder, with noise of ``snr_db`` dB where given.

    The encoder may not open ``files``.
    """

    store: Path
    modality: str
    encoder: Spec
    plugins: tuple[str, ...]
    device: str
    threads: int = 1
    snr_db: int | None = None
    files: Preparation | None = None

    @property
    def label(self) -> str:
        """Modality, encoder and noise, for messages."""
        return f"{self.modality} with {self.encoder.name}" + ("" if self.snr_db is None else f", {self.snr_db} dB")

    @property
    def is_isolated(self) -> bool:
        """Whether the encoder is of a plugin, so that it runs in a process of its own."""
        return not load_registry(self.plugins).is_own("encoders", self.encoder.name)

    @property
    def closed(self) -> ClosedFiles:
        """Files that the encoder may not open."""
        given = find_named_files([load_registry(self.plugins).bound("encoders", self.encoder)])
        cache = self.store.resolve().parent
        return ClosedFiles(
            str(self.encoder), self.plugins, (cache, cache.parent / "tokens"), files=self.files, given=given
        )


def encode(what: Encoding, cache: Path, jobs: int = 1) -> Path:
    """Path of the file of tokens (`open_tokens`), encoded unless cached; interrupted encodings resume by block."""
    store = Store(what.store)
    encoder = _build(what, store)
    made_from = describe_tokens(what, encoder, store.key)
    path = token_path(what, cache, made_from)
    if open_cached(path, ChecksummedFile):
        return path
    make_folder(path.parent)
    with locked(path):
        if not _is_whole(path):
            with named_ends(f"encoder {what.encoder} of {what.modality}"):
                _encode(what, made_from, encoder, path, jobs)
    return path


def describe_tokens(what: Encoding, encoder: Encoder, store_key: str) -> dict[str, Any]:
    """Everything that the tokens depend on: the parts of their cache key."""
    noise = {} if what.snr_db is None else {"snr_db": what.snr_db}
    return {
        **noise,
        "prepared": store_key,
        "modality": what.modality,
        "encoder": {
            "name": what.encoder.name,
            "params": load_registry(what.plugins).bound("encoders", what.encoder),
            "version": encoder.version,
            **find_code(type(encoder)).described(),
            "weights": weights_digest(encoder),
        },
        "device": torch.device(what.device).type,
        "threads": what.threads,
        "torch": torch.__version__,
        "format": STORE_FORMAT,
    }


def token_path(what: Encoding, cache: Path, made_from: KeyParts) -> Path:
    """Path of the tokens with these key parts."""
    return cache / "tokens" / f"{what.modality}-{what.encoder.name}-{key_digest(made_from)[:16]}.h5"


def find_nearest_tokens(made_from: KeyParts, path: Path) -> NearestEntry | None:
    """The file with the nearest key, of the same modality, encoder and noise as that at ``path``."""
    stem = path.stem.rpartition("-")[0]
    return find_nearest_file(
        made_from, path.parent.glob(f"{stem}-*.h5"), lambda parts: _noise(parts) == _noise(made_from)
    )


def _noise(parts: KeyParts) -> Any:
    return parts.get("snr_db")


def _is_whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        ChecksummedFile(path)
    except DamagedError as error:
        report_damaged(path, f"is damaged ({error.message})")
        return False
    return True


def _encode(what: Encoding, made_from: KeyParts, encoder: Encoder, path: Path, jobs: int) -> None:
    if near := find_nearest_tokens(made_from, path):
        current_reporter().message(
            f"{what.label} is encoded again, since it differs from {near.path.name}: {near.line}"
        )
    blocks = make_blocks(path.parent, path.stem, len(Store(what.store)))
    remove_stale_files(block.path for block in blocks)
    finished = [block for block in blocks if is_whole_block(block.path)]
    missing = [block for block in blocks if block not in finished]
    encoded = track(_encode_missing(what, missing, made_from, encoder, jobs), f"encoding {what.label}", len(missing))
    done: Iterable[Block] = chain(finished, encoded)
    if what.is_isolated:
        done = list(done)
        _check_batches(what, blocks)
    present = read_presence(what.store, what.modality)
    size, threads = count_parameters(encoder), min(jobs, _JOINING)
    if encoder.out.length is None:
        join_ragged_blocks(path, what.modality, list(done), present, encoder.out, size, made_from)
    else:
        join_blocks(path, what.modality, done, present, encoder.out, size, made_from, threads)
    for _ in map_in_threads(lambda block: block.path.unlink(missing_ok=True), blocks, _JOINING):
        pass


def _encode_missing(
    what: Encoding, blocks: Sequence[Block], made_from: KeyParts, encoder: Encoder, jobs: int
) -> Iterator[Block]:
    """Encode blocks, in any order: on a CPU in several processes, on a GPU in one."""
    if torch.device(what.device).type != "cuda":
        tasks = [(what, some, made_from) for some in _share_out(blocks, jobs)]
        function = _isolate_blocks if what.is_isolated else _encode_some
        yield from chain.from_iterable(in_processes(min(jobs, max(len(tasks), 1)), function, tasks, what.threads))
    elif blocks and what.is_isolated:
        yield from _collect(_encode_isolated, what, blocks, made_from, jobs)
    elif blocks:
        yield from _encode_blocks(what, blocks, made_from, encoder, jobs)


def _share_out(blocks: Sequence[Block], jobs: int) -> list[Sequence[Block]]:
    """Consecutive blocks for each task: opening the prepared file takes time that grows with its samples."""
    size = max(1, -(-len(blocks) // (_TASKS_PER_JOB * jobs)))
    return [blocks[start : start + size] for start in range(0, len(blocks), size)]


def count_parameters(encoder: Encoder) -> int:
    """Number of parameters of an encoder."""
    return sum(parameter.numel() for parameter in encoder.parameters())


def _isolate_blocks(what: Encoding, blocks: Sequence[Block], made_from: KeyParts) -> list[Block]:
    return _collect(_encode_isolated, what, blocks, made_from, 1)


def _encode_isolated(
    send: SendMessage, what: Encoding, blocks: Sequence[Block], made_from: KeyParts, jobs: int
) -> None:
    torch.set_num_threads(what.threads)
    for block in _encode_blocks(what, blocks, made_from, _build(what, Store(what.store)), jobs):
        send(block)


def _check_batches(what: Encoding, blocks: Sequence[Block]) -> None:
    """Raise PluginError and delete the blocks if tokens depend on the other instances of the batch."""
    device = torch.device(what.device)
    (found,) = next(in_processes(1, _collect, [(_encode_elsewhere, what, blocks)], what.threads))
    if depends_on_batch(found, device):
        for block in blocks:
            block.path.unlink()
        entry = load_registry(what.plugins).find("encoders", what.encoder.name)
        raise PluginError(
            f"gives {found.changed} of {found.instances} instances other tokens in a batch with other instances",
            where=f"encoder {entry.name} of {what.modality} (plugin {entry.plugin})",
            remedy="a frozen encoder must encode each instance by itself: normalise within it, or by constants",
        )


def _encode_elsewhere(send: SendMessage, what: Encoding, blocks: Sequence[Block]) -> None:
    torch.set_num_threads(what.threads)
    encoder, source = _build(what, Store(what.store)), RawInstances(what.store, what.modality, what.snr_db).open()
    blocks_of = RaggedBlocks if encoder.out.length is None else Blocks
    kept, closed = blocks_of(blocks, read_presence(what.store, what.modality)), what.closed
    send(encode_again(encoder, source, kept, blocks, torch.device(what.device), lambda: _guarded(what, closed)))


def _collect(function: Callable[..., None], what: Encoding, *arguments: object) -> list[Any]:
    """All values that an isolated call sends."""
    received: list[Any] = []
    run_isolated(function, what, *arguments, listen=received.append, forks=is_forkable(what.device))
    return received


def _encode_some(what: Encoding, blocks: Sequence[Block], made_from: KeyParts) -> list[Block]:
    torch.set_num_threads(what.threads)
    return list(_encode_blocks(what, blocks, made_from, _build(what, Store(what.store))))


def _build(what: Encoding, store: Store) -> Encoder:
    with _guarded(what, what.closed):
        return build_encoder(what.encoder, store.schema.modality(what.modality), what.plugins, FROZEN_SEED)


def _encode_blocks(
    what: Encoding, blocks: Sequence[Block], made_from: KeyParts, encoder: Encoder, jobs: int = 1
) -> Iterator[Block]:
    """Encode blocks in order, with ``jobs`` processes that read for a GPU."""
    device, closed = torch.device(what.device), what.closed
    encoder = encoder.to(device).eval()

    def keep(encoded: Encoded) -> Block:
        encoded.ready()
        _check_finite(what, encoded)
        before, after = (
            {what.modality: comparable_tokens(few, encoder.out)} for few in (encoded.before, encoded.after)
        )
        if find_differing_part(before, after, rounding_tolerance(device).again):
            raise PluginError(
                "gives other tokens for the same instances after it has seen more",
                where=name_component(encoder, what.plugins),
                remedy="a frozen encoder must keep no state",
            )
        if encoded.whole is None:
            write_ragged_block(encoded.block.path, *_flatten(encoded.parts), made_from)
        else:
            write_block(encoded.block.path, encoded.whole.numpy(), made_from)
        return encoded.block

    raw = RawInstances(what.store, what.modality, what.snr_db)
    yield from encode_blocks(encoder, raw, blocks, device, keep, lambda: _guarded(what, closed), jobs)


@contextmanager
def _guarded(what: Encoding, closed: ClosedFiles) -> Iterator[None]:
    """Around every call of the encoder: it may not open ``closed`` files, and errors of a plugin's name it."""
    with component_errors("encoders", what.encoder, what.plugins, of=what.modality), guard_files(closed):
        yield


def _check_finite(what: Encoding, encoded: Encoded) -> None:
    """Raise PluginError for tokens of NaN or infinity, with the first sample that has them."""
    if all(part.x.isfinite().all() for part in encoded.parts):
        return
    faulty = ~torch.cat([part.x.isfinite().flatten(1).all(dim=1) for part in encoded.parts])
    first = Store(what.store).ids[encoded.block.start + int(faulty.nonzero()[0, 0])]
    entry = load_registry(what.plugins).find("encoders", what.encoder.name)
    raise PluginError(
        f"gives tokens that are not finite for {int(faulty.sum())} of {len(faulty)} samples, the first {first}",
        where=f"encoder {entry.name} of {what.modality} (plugin {entry.plugin})",
        remedy="correct the encoder, or choose another with --encoder",
    )


def _flatten(parts: Sequence[Tokens]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The tokens ``(total, D)`` of parts, and their number in each instance ``(n, K)``."""
    flat = torch.cat([part.x[part.mask] for part in parts])
    return flat.numpy(), torch.cat([part.mask.sum(dim=2) for part in parts]).numpy()


def read_encoder_size(tokens: Path, modality: str) -> int:
    """Number of parameters of the frozen encoder that made a token file."""
    with open_prepared(tokens) as file:
        return int(file[f"modalities/{modality}"].attrs["parameters"])
