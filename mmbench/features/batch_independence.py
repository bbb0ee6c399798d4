"""Check that tokens of a frozen encoder do not depend on the other instances of the batch.

A part of the samples is encoded again by a new encoder, in batches of the same sizes with other instances and more
padding, and compared with the stored tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from mmbench.contract import Encoder, Tokens
from mmbench.data import Bags, Rows, Source, read_bags
from mmbench.features.batched_encoding import join_tokens, split_block
from mmbench.features.token_file import Block
from mmbench.training import as_tokens, deterministic, encode_bag, mixed_precision

_SHARE, _LEAST = 8, 8  # one of this many batches is encoded again, but no fewer than this number
_GROUP_SIZE = 4  # batches whose instances are exchanged
_PADDING = 5  # steps that instances of unequal length are padded further


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
    for parts in _choose_batches([part for block in blocks for part in split_block(block, encoder.modality, device)]):
        rows, sizes = np.concatenate(parts), [len(part) for part in parts]
        before = as_tokens(read_bags(kept, rows))
        for exchanged, new, old in _exchange_instances(read_bags(source, rows), mixed=len(parts) > 1):
            with around(), deterministic(device, learns=False), torch.inference_mode(), mixed_precision(device):
                after = [_encode(encoder, part, device) for part in _split(exchanged, sizes)]
            one, other = _align(before, join_tokens(after))
            instances += len(new)
            changed += int(_differs(one[old], other[new], allowed, pooled=encoder.out.length is None).sum())
    return BatchComparison(instances, changed)


def _encode(encoder: Encoder, bags: Bags, device: torch.device) -> Tokens:
    """Tokens of bags, padded further where lengths differ, in memory."""
    lengths = None if bags.lengths is None else bags.lengths.to(device)
    tokens = encode_bag(encoder, Bags(bags.x.to(device), bags.present, lengths), padding=_PADDING)
    return Tokens(tokens.x.float().cpu(), tokens.present, tokens.mask.cpu())


def _split(bags: Bags, sizes: list[int]) -> list[Bags]:
    lengths = [None] * len(sizes) if bags.lengths is None else torch.split(bags.lengths, sizes)
    return list(map(Bags, torch.split(bags.x, sizes), torch.split(bags.present, sizes), lengths))


def _align(one: Tokens, other: Tokens) -> tuple[Tensor, Tensor]:
    """Tokens ``(n, T, D + 1)`` of all instances with their mask as a feature, padded to the same T."""
    longest = max(one.x.shape[2], other.x.shape[2])
    first, second = (
        pad(torch.cat([each.x, each.mask[..., None]], dim=3), (0, 0, 0, longest - each.x.shape[2])).flatten(0, 1)
        for each in (one, other)
    )
    return first, second


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


def _exchange_instances(bags: Bags, mixed: bool) -> Iterator[tuple[Bags, Tensor, Tensor]]:
    """Bags with present instances moved from positions ``old`` to ``new``; yields bags, new, old.

    With a single batch, half of the instances are replaced by altered ones, then the other half.
    """
    flat, present_at = bags.x.flatten(0, 1), bags.present.flatten().nonzero()[:, 0]
    order = present_at[torch.randperm(len(present_at), generator=torch.Generator().manual_seed(0))]
    if mixed:
        yield _replace(bags, present_at, flat[order], order), present_at, order
        return
    for half in (order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]):
        others = order[: len(order) - len(half)]
        altered = _alter(flat[others], is_ragged=bags.lengths is not None)
        moved = torch.cat([others, half])
        yield _replace(bags, present_at, torch.cat([altered, flat[half]]), moved), present_at[len(others) :], half


def _alter(x: Tensor, is_ragged: bool) -> Tensor:
    """Other instances of the same lengths; zeros, such as padding, stay, and texts stay valid."""
    if not is_ragged:
        x = x.flip(-1)
        return 255 - x if x.dtype == torch.uint8 else -x
    if x.dtype != torch.uint8:
        return -x
    return torch.where((x > 32) & (x < 127), 97 + x % 26, x)


def _replace(bags: Bags, at: Tensor, values: Tensor, source: Tensor) -> Bags:
    """Bags with other ``values`` at the positions ``at``, of the lengths at the positions ``source``."""
    x = bags.x.flatten(0, 1).clone()
    x[at] = values
    lengths = None if bags.lengths is None else bags.lengths.flatten().clone()
    if lengths is not None and bags.lengths is not None:
        lengths[at] = bags.lengths.flatten()[source]
        lengths = lengths.view_as(bags.lengths)
    return Bags(x.view_as(bags.x), bags.present, lengths)


def _differs(before: Tensor, after: Tensor, allowed: Tolerance, pooled: bool) -> Tensor:
    """Which instances ``(n,)`` have tokens ``(n, T, D)`` that differ more than allowed.

    ``pooled``: with one standard deviation for each feature over all tokens.
    """
    finite = before.nan_to_num(0.0, 0.0, 0.0)
    finite = finite.flatten(0, 1) if pooled else finite
    bound = allowed.of_std * finite.std(dim=0, correction=0) + allowed.of_size * finite.abs().amax(dim=0)
    differences = (before - after).abs()
    differences[(before == after) | (before.isnan() & after.isnan())] = 0.0
    return (differences.nan_to_num(nan=float("inf")) > bound).flatten(1).any(dim=1)
