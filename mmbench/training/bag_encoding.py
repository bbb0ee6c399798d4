"""Encoding of bags: encoders see single instances, a part at a time in evaluation."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mmbench.contract import Encoder, Tokens
from mmbench.data import Bags, open_axis
from mmbench.errors import PluginError

INSTANCES_PER_PASS = 64  # instances of bags per forward pass of an encoder in evaluation
INSTANCES_PER_PASS_GPU = 320  # the same on a GPU, where small passes are dominated by launch time
VALUES_PER_PASS = 1 << 19  # input values per pass on a CPU: with more, activations exceed its caches


def encode_bag(encoder: Encoder, bags: Bags, padding: int = 0) -> Tokens:
    """Run an encoder over the present instances only, ``(B, K, *shape)`` to tokens ``(B, K, T, D)``.

    Instances of unequal length are padded to the longest of a pass, and ``padding`` steps further. Where the encoder
    gives a mask, T is that of the instance with the most tokens, at least 1. With ``present`` on the CPU there is no
    synchronisation with a GPU where lengths are equal. Raises PluginError for tokens that do not fit `TokenSpec`.
    """
    if bags.lengths is not None or encoder.out.length is None:
        return _encode_ragged(encoder, bags, padding)
    x, present = bags.x, bags.present
    shape = (*present.shape, encoder.out.length, encoder.out.dim)
    instances, at_once = x.flatten(0, 1), _count_at_once(x, present)
    if present.numel() and present.all():
        return Tokens(_encode_all(encoder, instances, at_once).reshape(shape), present)
    tokens = x.new_zeros((present.numel(), *shape[2:]), dtype=torch.get_default_dtype())
    here = present.flatten().nonzero()[:, 0].to(x.device)
    for part in torch.split(here, at_once) if len(here) else ():
        encoded = encoder(instances[part])
        tokens = tokens.to(encoded.dtype)
        tokens[part] = encoded
    return Tokens(tokens.reshape(shape), present)


def _encode_all(encoder: Encoder, instances: Tensor, at_once: int) -> Tensor:
    """Tokens ``(n, T, D)`` of instances, encoded ``at_once`` at a time."""
    if len(instances) <= at_once:
        tokens: Tensor = encoder(instances)
        return tokens
    whole: Tensor | None = None
    for start in range(0, len(instances), at_once):
        tokens = encoder(instances[start : start + at_once])
        whole = tokens.new_empty((len(instances), *tokens.shape[1:])) if whole is None else whole
        whole[start : start + at_once] = tokens
    assert whole is not None
    return whole


def _count_at_once(x: Tensor, present: Tensor) -> int:
    """How many instances an encoder sees per forward pass: all of them in training."""
    if torch.is_grad_enabled():
        return present.numel()
    # All images of a batch of bags would take gigabytes at once.
    on_cpu = x.device.type == "cpu"
    most = (INSTANCES_PER_PASS if on_cpu else INSTANCES_PER_PASS_GPU) if present.shape[1] > 1 else len(x)
    return min(most, max(1, VALUES_PER_PASS // x[0, 0].numel())) if on_cpu else most


def _encode_ragged(encoder: Encoder, bags: Bags, padding: int) -> Tokens:
    """Tokens and masks of instances of unequal length, or with unequal numbers of tokens."""
    present, n_instances = bags.present, bags.present.numel()
    here = present.flatten().nonzero()[:, 0].to(bags.x.device)
    lengths = None if bags.lengths is None else bags.lengths.flatten()
    if lengths is not None and not torch.is_grad_enabled():
        here = here[lengths[here].argsort(stable=True)]  # instances of similar length in one pass
    parts = list(_encode_parts(encoder, bags, here, padding))
    n_tokens = max([tokens.shape[1] for tokens, _ in parts], default=encoder.out.length or 1)
    dtype = parts[0][0].dtype if parts else torch.get_default_dtype()
    x = torch.zeros(n_instances, n_tokens, encoder.out.dim, dtype=dtype, device=bags.x.device)
    mask = torch.zeros(n_instances, n_tokens, dtype=torch.bool, device=bags.x.device)
    at_once = _count_at_once(bags.x, present)
    for part, (tokens, its_mask) in zip(torch.split(here, at_once), parts, strict=False):
        x[part, : tokens.shape[1]] = tokens
        mask[part, : tokens.shape[1]] = its_mask
    return Tokens(x.reshape(*present.shape, *x.shape[1:]), present, mask.reshape(*present.shape, n_tokens))


def _encode_parts(encoder: Encoder, bags: Bags, here: Tensor, padding: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens ``(n, T, D)`` and masks ``(n, T)`` of the instances at the indices ``here``, one pass at a time."""
    instances = bags.x.flatten(0, 1)
    lengths = None if bags.lengths is None else bags.lengths.flatten()
    for part in torch.split(here, _count_at_once(bags.x, bags.present)) if len(here) else ():
        x = instances[part]
        if encoder.modality.kind == "text":
            assert lengths is not None
            yield _check_tokens(encoder, encoder(decode_texts(x, lengths[part])), len(part))
        elif lengths is None:
            yield _check_tokens(encoder, encoder(x), len(part))
        else:
            trimmed = _trim(x, lengths[part], 1 + open_axis(encoder.modality), padding)
            yield _check_tokens(encoder, encoder(trimmed, lengths[part]), len(part))


def adapt_encoder(encoder: Encoder, bags: Bags) -> None:
    """Call `Encoder.adapt` with the present instances, as they reach ``forward``."""
    call: Any = encoder.adapt  # with lengths where they differ
    x = bags.x[bags.present]
    if bags.lengths is None:
        call(x)
    elif encoder.modality.kind == "text":
        call(decode_texts(x, bags.lengths[bags.present]))
    else:
        call(x, bags.lengths[bags.present])


def decode_texts(x: Tensor, lengths: Tensor) -> list[str]:
    """The texts whose bytes in UTF-8 are uint8 ``(n, bytes)``."""
    return [text[:length].tobytes().decode() for text, length in zip(x.cpu().numpy(), lengths.tolist(), strict=True)]


def _trim(x: Tensor, lengths: Tensor, axis: int, padding: int) -> Tensor:
    """Instances padded with zeros to the longest of them, and ``padding`` steps further."""
    longest = max(int(lengths.max()), 1)
    trimmed = x.narrow(axis, 0, longest) if longest < x.shape[axis] else x
    if not padding:
        return trimmed
    shape = list(trimmed.shape)
    shape[axis] = padding
    return torch.cat([trimmed, trimmed.new_zeros(shape)], dim=axis)


def _check_tokens(encoder: Encoder, encoded: Any, n_instances: int) -> tuple[Tensor, Tensor]:
    """Tokens with zeros where masked, and their mask; T is at least 1 and that of the instance with the most tokens."""
    if encoder.out.length is not None:
        if not isinstance(encoded, Tensor) or encoded.shape != (n_instances, encoder.out.length, encoder.out.dim):
            raise _spec_error(encoder, f"{_describe(encoded)}, not tokens {(n_instances, *_shape(encoder))}")
        return encoded, encoded.new_ones(encoded.shape[:2], dtype=torch.bool)
    if not isinstance(encoded, tuple) or len(encoded) != 2 or not all(isinstance(part, Tensor) for part in encoded):
        raise _spec_error(encoder, f"{_describe(encoded)}, not tokens and a mask, as its length is None")
    tokens, mask = encoded
    if mask.dtype != torch.bool or tokens.shape != (*mask.shape, encoder.out.dim) or len(mask) != n_instances:
        raise _spec_error(encoder, f"tokens {tuple(tokens.shape)} with a {mask.dtype} mask {tuple(mask.shape)}")
    lengths = mask.sum(dim=1)
    if not torch.equal(mask, torch.arange(mask.shape[1], device=mask.device) < lengths[:, None]):
        raise _spec_error(encoder, "a mask with padding before the end of an instance")
    n_tokens = int(lengths.max())
    if not n_tokens:
        return tokens.new_zeros(n_instances, 1, encoder.out.dim), mask.new_zeros(n_instances, 1)
    tokens, mask = tokens[:, :n_tokens], mask[:, :n_tokens]
    return tokens.masked_fill(~mask[..., None], 0), mask


def _shape(encoder: Encoder) -> tuple[int | None, int]:
    return encoder.out.length, encoder.out.dim


def _describe(encoded: object) -> str:
    return f"a tensor {tuple(encoded.shape)}" if isinstance(encoded, Tensor) else f"a {type(encoded).__name__}"


def _spec_error(encoder: Encoder, what: str) -> PluginError:
    return PluginError(
        f"its forward returns {what}",
        where=f"encoder {encoder.name} of {encoder.modality.name}",
        remedy="return what Encoder.forward describes: the tokens of each instance first, then padding",
    )
