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

from mmbench.contract import Encoder, Kind
from mmbench.data import Bags, Rows
from mmbench.errors import TrainingError
from mmbench.features.prefetch import RawInstances, read_ahead
from mmbench.features.token_file import Block
from mmbench.storage import can_use_processes, map_in_threads
from mmbench.training import INSTANCES_PER_PASS, INSTANCES_PER_PASS_GPU, deterministic, encode_bag, mixed_precision

_N_REPEATED = 2  # samples encoded again after each block, to detect state
_N_WRITERS = 2  # threads that write blocks


class Encoded(NamedTuple):
    """Tokens ``(n, K, T, D)`` of a block, valid after ``ready`` has returned.

    ``before`` and ``after`` are tokens of the same first samples, encoded before all blocks and after this block.
    """

    block: Block
    tokens: Tensor
    before: Tensor
    after: Tensor
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
    parts = [split_block(block, encoder.modality.instances, device) for block in blocks]
    all_parts = [repeated, *chain.from_iterable([*some, repeated] for some in parts)]
    transfer = _GpuTransfer(device) if device.type == "cuda" else _Transfer()
    batches = AdaptiveBatch(encoder, max(map(len, all_parts)))
    with closing(_read_parts(raw, all_parts, encoder.modality.kind, device, jobs)) as inputs:

        def encode_next() -> Tensor:
            values, present = next(inputs)
            return batches.encode(transfer.send(values), present)

        before: Tensor | None = None
        for block, some in zip(blocks, parts, strict=True):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                before = transfer.fetch(encode_next()) if before is None else before
                tokens = transfer.allocate((block.stop - block.start, *before.shape[1:]))
                for part in some:
                    transfer.fetch(encode_next(), tokens[part[0] - block.start : part[-1] + 1 - block.start])
                after = transfer.fetch(encode_next())
            yield Encoded(block, tokens, before, after, transfer.mark())


class AdaptiveBatch:
    """Encodes in batches; halves the batch size when the memory of a GPU does not suffice."""

    def __init__(self, encoder: Encoder, samples: int) -> None:
        self.encoder, self.samples = encoder, samples

    def encode(self, x: Tensor, present: Tensor) -> Tensor:
        """Bags ``(n, K, *shape)`` to tokens ``(n, K, T, D)``; raises TrainingError if one sample is too large."""
        while True:
            parts = zip(torch.split(x, self.samples), torch.split(present, self.samples), strict=True)
            try:
                tokens = [encode_bag(self.encoder, Bags(*part)).x.float() for part in parts]
                return tokens[0] if len(tokens) == 1 else torch.cat(tokens)
            except torch.OutOfMemoryError as error:
                tried = min(self.samples, len(x))
                if tried == 1:
                    raise TrainingError(
                        f"its memory is too small to encode one sample of {self.encoder.modality.name}",
                        where=f"--device {x.device.type}",
                        remedy="use --device cpu, or choose a smaller encoder",
                    ) from error
                self.samples = tried // 2
            torch.cuda.empty_cache()  # after the failed batch is released


class _Transfer:
    """Transfer between memory and the device; does nothing on a CPU."""

    def allocate(self, shape: Sequence[int]) -> Tensor:
        """Allocate memory for fetched tokens."""
        return torch.empty(tuple(shape))

    def send(self, values: Tensor) -> Tensor:
        """Copy values to the device."""
        return values

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        """Copy tokens to memory; valid after a later `mark` has been waited for."""
        return tokens if into is None else into.copy_(tokens)

    def mark(self) -> Callable[[], None]:
        """A function that waits until all earlier transfers are done."""
        return lambda: None


class _GpuTransfer(_Transfer):
    """Asynchronous transfer: one CUDA stream per direction, with pinned memory."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._to_device, self._to_host = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def allocate(self, shape: Sequence[int]) -> Tensor:
        return torch.empty(tuple(shape), pin_memory=True)

    def send(self, values: Tensor) -> Tensor:
        here = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._to_device):
            sent = values.to(self.device, non_blocking=True)
        here.wait_stream(self._to_device)
        sent.record_stream(here)
        return sent

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        into = self.allocate(tokens.shape) if into is None else into
        self._to_host.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._to_host):
            into.copy_(tokens, non_blocking=True)
        tokens.record_stream(self._to_host)
        return into

    def mark(self) -> Callable[[], None]:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._to_host)
        return event.synchronize


def split_block(block: Block, instances: int, device: torch.device) -> list[Rows]:
    """Batches of the samples of a block; on a GPU of equal size, a power of two."""
    step = max(1, INSTANCES_PER_PASS // instances)
    if device.type == "cuda":
        step = 1 << (max(1, INSTANCES_PER_PASS_GPU // instances).bit_length() - 1)
    return [np.arange(start, min(start + step, block.stop)) for start in range(block.start, block.stop, step)]


def _read_parts(
    raw: RawInstances, parts: Sequence[Rows], kind: Kind, device: torch.device, jobs: int
) -> Generator[tuple[Tensor, Tensor], None, None]:
    """Instances and presence of parts of the samples, in pinned memory for a GPU."""
    on_gpu = device.type == "cuda"
    if on_gpu and kind == "image" and jobs > 1 and can_use_processes():
        read = read_ahead(raw, parts, jobs)
    else:  # reading without decoding is fast
        source = raw.open()
        read = (source.read(part) for part in parts)
    with closing(read):
        for x, present in read:
            values = torch.from_numpy(np.ascontiguousarray(x))
            yield values.pin_memory() if on_gpu else values, torch.from_numpy(present)
