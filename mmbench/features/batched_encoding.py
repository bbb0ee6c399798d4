"""Batched encoding with a frozen encoder: inputs are prefetched, and tokens are written in the background.

A GPU waits neither for decoding nor for the disk, and no result is synchronised between two blocks.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from mmbench.contract import Encoder, Kind, Modality, Tokens
from mmbench.data import Bags, Rows
from mmbench.errors import TrainingError
from mmbench.features.prefetch import RawInstances, read_ahead
from mmbench.features.token_file import Block
from mmbench.storage import can_use_processes, map_in_threads
from mmbench.training import INSTANCES_PER_PASS, INSTANCES_PER_PASS_GPU, deterministic, encode_bag, mixed_precision

_N_REPEATED = 2  # samples encoded again after each block, to detect state
_N_WRITERS = 2  # threads that write blocks
_TYPICAL_FRAMES = 32  # of a video of open length, for the number of videos in a batch


class Encoded(NamedTuple):
    """Tokens of a block in parts, in order, valid after ``ready`` has returned.

    Where each instance has the same number of tokens, ``whole`` ``(n, K, T, D)`` holds all parts. ``before`` and
    ``after`` are tokens of the same first samples, encoded before all blocks and after this block.
    """

    block: Block
    parts: Sequence[Tokens]
    whole: Tensor | None
    before: Tokens
    after: Tokens
    ready: Callable[[], None]


def encode_blocks(
    encoder: Encoder,
    raw: RawInstances,
    blocks: Sequence[Block],
    device: torch.device,
    keep: Callable[[Encoded], Block],
    around: Callable[[], AbstractContextManager[object]],
    jobs: int = 1,
) -> Generator[Block, None, None]:
    """Encode the samples of ``blocks`` on ``device``, and ``keep`` the tokens of each in other threads.

    ``jobs`` processes decode images for a GPU; the context ``around`` is active while the encoder is called. Yields
    blocks whose tokens are kept.
    """
    yield from map_in_threads(keep, _encode(encoder, raw, blocks, device, around, jobs), _N_WRITERS)


def _encode(
    encoder: Encoder,
    raw: RawInstances,
    blocks: Sequence[Block],
    device: torch.device,
    around: Callable[[], AbstractContextManager[object]],
    jobs: int,
) -> Iterator[Encoded]:
    repeated = np.arange(blocks[0].start, min(blocks[0].start + _N_REPEATED, blocks[0].stop))
    parts = [split_block(block, encoder.modality, device) for block in blocks]
    all_parts = [repeated, *chain.from_iterable([*some, repeated] for some in parts)]
    transfer = _GpuTransfer(device) if device.type == "cuda" else _Transfer()
    batches = AdaptiveBatch(encoder, max(map(len, all_parts)))
    with closing(_read_parts(raw, all_parts, encoder.modality.kind, device, jobs)) as inputs:

        def encode_next() -> Tokens:
            bags = next(inputs)
            lengths = None if bags.lengths is None else transfer.send(bags.lengths)
            return batches.encode(Bags(transfer.send(bags.x), bags.present, lengths))

        before: Tokens | None = None
        for block, some in zip(blocks, parts, strict=True):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                before = transfer.fetch_tokens(encode_next()) if before is None else before
                whole: Tensor | None = None
                if encoder.out.length is not None:
                    whole = transfer.allocate((block.stop - block.start, *before.x.shape[1:]))
                fetched = [
                    transfer.fetch_tokens(
                        encode_next(),
                        None if whole is None else whole[part[0] - block.start : part[-1] + 1 - block.start],
                    )
                    for part in some
                ]
                after = transfer.fetch_tokens(encode_next())
            yield Encoded(block, fetched, whole, before, after, transfer.mark())


class AdaptiveBatch:
    """Encodes in batches; halves the batch size when the memory of a GPU does not suffice."""

    def __init__(self, encoder: Encoder, samples: int) -> None:
        self.encoder, self.samples = encoder, samples

    def encode(self, bags: Bags) -> Tokens:
        """The tokens of bags; raises TrainingError if one sample is too large."""
        while True:
            try:
                return join_tokens([encode_bag(self.encoder, part) for part in _split(bags, self.samples)])
            except torch.OutOfMemoryError as error:
                tried = min(self.samples, len(bags.x))
                if tried == 1:
                    raise TrainingError(
                        f"its memory is too small to encode one sample of {self.encoder.modality.name}",
                        where=f"--device {bags.x.device.type}",
                        remedy="use --device cpu, or choose a smaller encoder",
                    ) from error
                self.samples = tried // 2
            torch.cuda.empty_cache()  # after the failed batch is released


def _split(bags: Bags, samples: int) -> Iterator[Bags]:
    for start in range(0, len(bags.x), samples):
        yield Bags(*(part if part is None else part[start : start + samples] for part in bags))  # type: ignore[arg-type]  # only lengths may be None


def join_tokens(parts: Sequence[Tokens]) -> Tokens:
    """Tokens of batches as one, float32, padded to the instance with the most."""
    if len(parts) == 1:
        return parts[0]._replace(x=parts[0].x.float())
    longest = max(part.x.shape[2] for part in parts)
    x = torch.cat([pad(part.x.float(), (0, 0, 0, longest - part.x.shape[2])) for part in parts])
    mask = torch.cat([pad(part.mask, (0, longest - part.x.shape[2])) for part in parts])
    return Tokens(x, torch.cat([part.present for part in parts]), mask)


class _Transfer:
    """Transfer between memory and the device; does nothing on a CPU."""

    def allocate(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
        """Allocate memory for fetched tokens."""
        return torch.empty(tuple(shape), dtype=dtype)

    def send(self, values: Tensor) -> Tensor:
        """Copy values to the device."""
        return values

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        """Copy tokens to memory; valid after a later `mark` has been waited for."""
        return tokens if into is None else into.copy_(tokens)

    def fetch_tokens(self, tokens: Tokens, into: Tensor | None = None) -> Tokens:
        """Copy tokens, and their mask if it is on the device, to memory; valid as those of `fetch`."""
        mask = tokens.mask if tokens.mask.device.type == "cpu" else self.fetch(tokens.mask)
        return Tokens(self.fetch(tokens.x, into), tokens.present, mask)

    def mark(self) -> Callable[[], None]:
        """A function that waits until all earlier transfers are done."""
        return lambda: None


class _GpuTransfer(_Transfer):
    """Asynchronous transfer: one CUDA stream per direction, with pinned memory."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._to_device, self._to_host = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def allocate(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(tuple(shape), dtype=dtype, pin_memory=True)

    def send(self, values: Tensor) -> Tensor:
        here = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._to_device):
            sent = values.to(self.device, non_blocking=True)
        here.wait_stream(self._to_device)
        sent.record_stream(here)
        return sent

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        into = self.allocate(tokens.shape, tokens.dtype) if into is None else into
        self._to_host.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._to_host):
            into.copy_(tokens, non_blocking=True)
        tokens.record_stream(self._to_host)
        return into

    def mark(self) -> Callable[[], None]:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._to_host)
        return event.synchronize


def split_block(block: Block, modality: Modality, device: torch.device) -> list[Rows]:
    """Batches of the samples of a block; on a GPU of equal size, a power of two."""
    instances = modality.instances
    if modality.kind == "video":
        instances *= modality.shape[0] or _TYPICAL_FRAMES
    step = max(1, INSTANCES_PER_PASS // instances)
    if device.type == "cuda":
        step = 1 << (max(1, INSTANCES_PER_PASS_GPU // instances).bit_length() - 1)
    return [np.arange(start, min(start + step, block.stop)) for start in range(block.start, block.stop, step)]


def _read_parts(
    raw: RawInstances, parts: Sequence[Rows], kind: Kind, device: torch.device, jobs: int
) -> Generator[Bags, None, None]:
    """Bags of parts of the samples, in pinned memory for a GPU."""
    on_gpu, source = device.type == "cuda", raw.open()
    if on_gpu and kind in ("image", "audio", "video") and jobs > 1 and can_use_processes():
        read = read_ahead(raw, parts, jobs)
    else:  # reading without decoding is fast
        read = (source.read(part) for part in parts)
    with closing(read):
        for rows, (x, present) in zip(parts, read, strict=True):
            values, lengths = torch.from_numpy(np.ascontiguousarray(x)), source.lengths
            yield Bags(
                values.pin_memory() if on_gpu else values,
                torch.from_numpy(present),
                None if lengths is None else torch.from_numpy(lengths[rows]),
            )
