"""One pass of a frozen encoder over samples: what it is shown is read ahead, what it gives is kept behind.

Neither a decoder nor a disk is waited for by a GPU, and the processor runs ahead of it: nothing between two blocks asks
for a result.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmbench.contract import Encoder, Kind
from mmbench.data import Rows
from mmbench.errors import TrainingError
from mmbench.features.prefetch import RawInstances, read_ahead
from mmbench.features.token_file import Block
from mmbench.storage import can_use_processes, map_in_threads
from mmbench.training import INSTANCES_PER_PASS, INSTANCES_PER_PASS_GPU, deterministic, encode_bag, mixed_precision

_N_REPEATED = 2  # samples encoded again after each block
_N_WRITERS = 2  # blocks that are kept at a time


class Encoded(NamedTuple):
    """The tokens ``(n, K, T, D)`` of a block, once ``ready`` has waited for them.

    ``before`` and ``after`` are those of the first samples of the pass, before all and after this block.
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
    """Show an encoder on ``device`` the samples of some blocks and ``keep`` the tokens of each, in other threads.

    ``jobs`` processes decode pictures for a GPU; ``around`` is entered while the encoder is called. Yields blocks that
    are kept.
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
    few = np.arange(blocks[0].start, min(blocks[0].start + _N_REPEATED, blocks[0].stop))
    parts = [split_block(block, encoder.modality.instances, device) for block in blocks]
    all_parts = [few, *chain.from_iterable([*some, few] for some in parts)]
    lane = _GpuTransfer(device) if device.type == "cuda" else _Transfer()
    at_once = AdaptiveBatch(encoder, max(map(len, all_parts)))
    with closing(_read_parts(raw, all_parts, encoder.modality.kind, device, jobs)) as shown:

        def encode_next() -> Tensor:
            values, present = next(shown)
            return at_once.encode(lane.send(values), present)

        before: Tensor | None = None
        for block, some in zip(blocks, parts, strict=True):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                before = lane.fetch(encode_next()) if before is None else before
                tokens = lane.room((block.stop - block.start, *before.shape[1:]))
                for part in some:
                    lane.fetch(encode_next(), tokens[part[0] - block.start : part[-1] + 1 - block.start])
                after = lane.fetch(encode_next())
            yield Encoded(block, tokens, before, after, lane.mark())


class AdaptiveBatch:
    """Shows an encoder samples together, and half as many from then on where a GPU's memory does not hold them."""

    def __init__(self, encoder: Encoder, samples: int) -> None:
        self.encoder, self.samples = encoder, samples

    def encode(self, x: Tensor, present: Tensor) -> Tensor:
        """Bags ``(n, K, *shape)`` to tokens ``(n, K, T, D)``; TrainingError where memory does not hold one of them."""
        while True:
            parts = zip(torch.split(x, self.samples), torch.split(present, self.samples), strict=True)
            try:
                tokens = [encode_bag(self.encoder, *part).float() for part in parts]
                return tokens[0] if len(tokens) == 1 else torch.cat(tokens)
            except torch.OutOfMemoryError as error:
                tried = min(self.samples, len(x))
                if tried == 1:
                    raise TrainingError(
                        f"its memory does not hold what an encoder of {self.encoder.modality.name} makes of one sample",
                        where=f"--device {x.device.type}",
                        remedy="write --device cpu, or choose a smaller encoder",
                    ) from error
                self.samples = tried // 2
            torch.cuda.empty_cache()  # once nothing holds on to what was tried


class _Transfer:
    """The way between memory and the device that encodes: none, on a CPU."""

    def room(self, shape: Sequence[int]) -> Tensor:
        """Memory for tokens that are fetched."""
        return torch.empty(tuple(shape))

    def send(self, values: Tensor) -> Tensor:
        """Values on the device."""
        return values

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        """Tokens of the device in memory, once a `mark` that was set after them has waited."""
        return tokens if into is None else into.copy_(tokens)

    def mark(self) -> Callable[[], None]:
        """What waits until all that was sent and fetched so far is there."""
        return lambda: None


class _GpuTransfer(_Transfer):
    """To and from a GPU while it computes: each way has a stream of its own, and memory that is never paged out."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._there, self._back = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def room(self, shape: Sequence[int]) -> Tensor:
        return torch.empty(tuple(shape), pin_memory=True)

    def send(self, values: Tensor) -> Tensor:
        here = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._there):
            sent = values.to(self.device, non_blocking=True)
        here.wait_stream(self._there)
        sent.record_stream(here)
        return sent

    def fetch(self, tokens: Tensor, into: Tensor | None = None) -> Tensor:
        into = self.room(tokens.shape) if into is None else into
        self._back.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._back):
            into.copy_(tokens, non_blocking=True)
        tokens.record_stream(self._back)
        return into

    def mark(self) -> Callable[[], None]:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._back)
        return event.synchronize


def split_block(block: Block, instances: int, device: torch.device) -> list[Rows]:
    """The samples of a block in parts that an encoder is shown at once; on a GPU of one size, a power of two."""
    step = max(1, INSTANCES_PER_PASS // instances)
    if device.type == "cuda":
        step = 1 << (max(1, INSTANCES_PER_PASS_GPU // instances).bit_length() - 1)
    return [np.arange(start, min(start + step, block.stop)) for start in range(block.start, block.stop, step)]


def _read_parts(
    raw: RawInstances, parts: Sequence[Rows], kind: Kind, device: torch.device, jobs: int
) -> Generator[tuple[Tensor, Tensor], None, None]:
    """Instances of parts of the samples, where a GPU can fetch them while others are encoded, and which are there."""
    on_gpu = device.type == "cuda"
    if on_gpu and kind == "image" and jobs > 1 and can_use_processes():
        read = read_ahead(raw, parts, jobs)
    else:  # beside decoding, reading is soon done
        source = raw.open()
        read = (source.read(part) for part in parts)
    with closing(read):
        for x, present in read:
            values = torch.from_numpy(np.ascontiguousarray(x))
            yield values.pin_memory() if on_gpu else values, torch.from_numpy(present)
