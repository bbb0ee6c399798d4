"""Check that tokens of a frozen encoder do not depend on the other instances of the batch.

A part of the samples is encoded again by a new encoder, in batches of the same sizes with other instances, and compared
with the stored tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmbench.contract import Encoder
from mmbench.data import Bags, Rows, Source
from mmbench.features.batched_encoding import split_block
from mmbench.features.token_file import Block
from mmbench.training import deterministic, encode_bag, mixed_precision

_SHARE, _LEAST = 8, 8  # one of this many batches is encoded again, but no fewer than this number
_GROUP_SIZE = 4  # batches whose instances are exchanged


class Tolerance(NamedTuple):
    """Allowed difference of tokens, in standard deviations over instances plus multiples of the largest magnitude.

    A ``share`` of the instances may differ more, since rounding may change discrete decisions of a network.
    """

    of_std: float
    of_size: float
    share: float


class BatchComparison(NamedTuple):
    """Numbers of instances encoded again, and of those with other tokens."""

    instances: int
    changed: int


def tolerance(device: torch.device) -> Tolerance:
    """Tolerances: small on a CPU, where batches of one size round alike; for bfloat16 on a GPU.

    Equal bits on a CPU were observed for convolutions, Swin, ViT and ResNet of timm, networks of braindecode and band
    power, with one thread.
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
    """Encode a part of the samples again among other instances; ``source`` has the instances, ``kept`` the tokens.

    The context ``around`` is active while the encoder is called.
    """
    encoder, allowed = encoder.to(device).eval(), tolerance(device)
    instances = changed = 0
    for parts in _choose_batches(
        [part for block in blocks for part in split_block(block, encoder.modality.instances, device)]
    ):
        x, present = (torch.from_numpy(np.ascontiguousarray(array)) for array in source.read(np.concatenate(parts)))
        before = torch.from_numpy(kept.read(np.concatenate(parts))[0]).flatten(0, 1)
        sizes = [len(part) for part in parts]
        for exchanged, new, old in _exchange_instances(x, present, mixed=len(parts) > 1):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                pairs = zip(torch.split(exchanged, sizes), torch.split(present, sizes), strict=True)
                tokens = torch.cat(
                    [encode_bag(encoder, Bags(bag.to(device), present_at)).x.float().cpu() for bag, present_at in pairs]
                )
            instances += len(new)
            changed += int(_differs(before[old], tokens.flatten(0, 1)[new], allowed).sum())
    return BatchComparison(instances, changed)


def depends_on_batch(compared: BatchComparison, device: torch.device) -> bool:
    """Whether more instances changed than rounding explains."""
    return compared.changed > tolerance(device).share * compared.instances


def _choose_batches(parts: Sequence[Rows]) -> Iterator[list[Rows]]:
    """A random share of the batches, at least one of each size, in groups."""
    order = np.random.default_rng(0).permutation(len(parts))
    chosen = order[: max(_LEAST, -(-len(parts) // _SHARE))].tolist()
    sizes = {len(parts[at]) for at in chosen}
    for at in order.tolist():
        if len(parts[at]) not in sizes:
            chosen.append(at)
            sizes.add(len(parts[at]))
    for group in np.array_split(np.array(chosen), max(1, len(chosen) // _GROUP_SIZE)):
        yield [parts[at] for at in sorted(group.tolist())]


def _exchange_instances(x: Tensor, present: Tensor, mixed: bool) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Bags ``(n, K, *shape)`` with present instances moved from positions ``old`` to ``new``; yields bags, new, old.

    With a single batch, half of the instances are replaced by altered ones, then the other half.
    """
    flat, present_at = x.flatten(0, 1), present.flatten().nonzero()[:, 0]
    order = present_at[torch.randperm(len(present_at), generator=torch.Generator().manual_seed(0))]
    if mixed:
        yield _replace(flat, present_at, flat[order]).view_as(x), present_at, order
        return
    for half in (order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]):
        others = flat[order[: len(order) - len(half)]].flip(-1)
        altered = 255 - others if others.dtype == torch.uint8 else -others
        yield _replace(flat, present_at, torch.cat([altered, flat[half]])).view_as(x), present_at[len(others) :], half


def _replace(flat: Tensor, at: Tensor, values: Tensor) -> Tensor:
    changed = flat.clone()
    changed[at] = values
    return changed


def _differs(before: Tensor, after: Tensor, allowed: Tolerance) -> Tensor:
    """Which instances ``(n,)`` have tokens ``(n, T, D)`` that differ more than allowed."""
    finite = before.nan_to_num(0.0, 0.0, 0.0)
    bound = allowed.of_std * finite.std(dim=0, correction=0) + allowed.of_size * finite.abs().amax(dim=0)
    differences = (before - after).abs()
    differences[(before == after) | (before.isnan() & after.isnan())] = 0.0
    return (differences.nan_to_num(nan=float("inf")) > bound).flatten(1).any(dim=1)
