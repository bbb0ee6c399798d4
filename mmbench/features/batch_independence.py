"""Whether a frozen encoder gives an instance the same tokens whatever else is in its batch.

Samples are encoded again in batches of the sizes that they were encoded in, with instances from elsewhere around them,
by an encoder that has seen nothing before, and compared with the tokens that are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmbench.contract import Encoder
from mmbench.data import Rows, Source
from mmbench.features.batched_encoding import split_block
from mmbench.features.token_file import Block
from mmbench.training import deterministic, encode_bag, mixed_precision

_SHARE, _LEAST = 8, 8  # of this many parts one is encoded again; all where there are few
_GROUP_SIZE = 4  # parts whose instances change places


class Tolerance(NamedTuple):
    """How far tokens may be from each other, in their standard deviation over instances plus their largest magnitude.

    ``share`` of the instances may be farther: where a network decides, rounding decides with it.
    """

    of_std: float
    of_size: float
    share: float


class BatchComparison(NamedTuple):
    """How many instances were encoded again, and how many of them have other tokens."""

    instances: int
    changed: int


def tolerance(device: torch.device) -> Tolerance:
    """On a CPU, batches of one size were seen to round alike to the last bit, whatever is in them.

    Seen with convolutions, Swin, ViT and ResNet of timm, networks of braindecode and band power, one thread. On a GPU
    room for bfloat16.
    """
    return Tolerance(1e-3, 2.0**-17, 0.01) if device.type == "cpu" else Tolerance(0.1, 2.0**-6, 0.25)


def encode_again(
    encoder: Encoder,
    source: Source,
    kept: Source,
    blocks: Sequence[Block],
    device: torch.device,
    around: Callable[[], AbstractContextManager[object]],
) -> BatchComparison:
    """Encode a part of the samples again, among others; ``source`` has the instances, ``kept`` the tokens.

    ``around`` is entered while the encoder is called.
    """
    encoder, allowed = encoder.to(device).eval(), tolerance(device)
    instances = changed = 0
    for parts in _choose([part for block in blocks for part in split_block(block, encoder.modality.instances, device)]):
        x, present = (torch.from_numpy(np.ascontiguousarray(array)) for array in source.read(np.concatenate(parts)))
        before = torch.from_numpy(kept.read(np.concatenate(parts))[0]).flatten(0, 1)
        sizes = [len(part) for part in parts]
        for moved, at, was in _move(x, present, mixed=len(parts) > 1):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                pairs = zip(torch.split(moved, sizes), torch.split(present, sizes), strict=True)
                tokens = torch.cat([encode_bag(encoder, bag.to(device), here).float().cpu() for bag, here in pairs])
            instances += len(at)
            changed += int(_is_other(before[was], tokens.flatten(0, 1)[at], allowed).sum())
    return BatchComparison(instances, changed)


def depends_on_batch(compared: BatchComparison, device: torch.device) -> bool:
    """Whether more tokens changed than rounding explains."""
    return compared.changed > tolerance(device).share * compared.instances


def _choose(parts: Sequence[Rows]) -> Iterator[list[Rows]]:
    """A share of the parts by chance, at least one of each size, in groups from all over the data."""
    order = np.random.default_rng(0).permutation(len(parts))
    chosen = order[: max(_LEAST, -(-len(parts) // _SHARE))].tolist()
    sizes = {len(parts[at]) for at in chosen}
    for at in order.tolist():
        if len(parts[at]) not in sizes:
            chosen.append(at)
            sizes.add(len(parts[at]))
    for group in np.array_split(np.array(chosen), max(1, len(chosen) // _GROUP_SIZE)):
        yield [parts[at] for at in sorted(group.tolist())]


def _move(x: Tensor, present: Tensor, mixed: bool) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Bags ``(n, K, *shape)`` with the instances that are there in other places ``at`` than they ``was``.

    Where all were in one batch, half of them make way for altered ones, and then the other half.
    """
    flat, here = x.flatten(0, 1), present.flatten().nonzero()[:, 0]
    order = here[torch.randperm(len(here), generator=torch.Generator().manual_seed(0))]
    if mixed:
        yield _put(flat, here, flat[order]).view_as(x), here, order
        return
    for half in (order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]):
        others = flat[order[: len(order) - len(half)]].flip(-1)
        altered = 255 - others if others.dtype == torch.uint8 else -others
        yield _put(flat, here, torch.cat([altered, flat[half]])).view_as(x), here[len(others) :], half


def _put(flat: Tensor, at: Tensor, values: Tensor) -> Tensor:
    changed = flat.clone()
    changed[at] = values
    return changed


def _is_other(before: Tensor, after: Tensor, allowed: Tolerance) -> Tensor:
    """Which instances ``(n,)`` have tokens ``(n, T, D)`` farther from those before than is allowed."""
    finite = before.nan_to_num(0.0, 0.0, 0.0)
    room = allowed.of_std * finite.std(dim=0, correction=0) + allowed.of_size * finite.abs().amax(dim=0)
    gaps = (before - after).abs()
    gaps[(before == after) | (before.isnan() & after.isnan())] = 0.0
    return (gaps.nan_to_num(nan=float("inf")) > room).flatten(1).any(dim=1)
