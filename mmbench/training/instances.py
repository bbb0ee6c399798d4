"""Random instances of a modality as an encoder receives them, for checks that read no data."""

from typing import NamedTuple

import torch
from torch import Tensor

from mmbench.contract import Column, Encoder, Modality

_SHORTEST, _LONGEST_S, _LONGEST = 1, 2.0, 40
_FRAMES = 5
_MISSING = 0.2
_ALPHABET = "abcdefghijklmnopqrstuvwxyz äß中🙂.,"
_LETTERS = 60


class Instances(NamedTuple):
    """What an encoder is called with: ``x``, and ``lengths`` ``(n,)`` where the modality is open and not text."""

    x: Tensor | list[str]
    lengths: Tensor | None = None

    @property
    def arguments(self) -> tuple[Tensor | list[str], ...]:
        """The positional arguments of `Encoder.forward` and `Encoder.adapt`."""
        return (self.x,) if self.lengths is None else (self.x, self.lengths)


def random_instances(modality: Modality, n: int, generator: torch.Generator) -> Instances:
    """Noise in the shape of n instances of a modality; open ones differ in length, and the last has length 1.

    Lengths go up to 2 s, but at least 40 steps, or 5 frames of a video. Tables have missing values.
    """
    if modality.kind == "text":
        return Instances([_text(generator, 1 if number == n - 1 else _LETTERS) for number in range(n)])
    if modality.kind == "table":
        return Instances(torch.stack([_column(column, n, generator) for column in modality.columns], dim=1))
    lengths = _lengths(modality, n, generator) if modality.is_open else None
    longest = 0 if lengths is None else int(lengths.max())
    shape = tuple(longest if size is None else size for size in modality.shape)
    x: Tensor
    if modality.kind in ("image", "video"):
        x = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    else:
        x = torch.randn(n, *shape, generator=generator)
    return Instances(x if lengths is None else pad_instances(modality, x, lengths), lengths)


def pad_instances(modality: Modality, x: Tensor, lengths: Tensor, more: int = 0) -> Tensor:
    """Instances ``(n, *shape)`` with zeros beyond their ``lengths``, and ``more`` steps of zeros after the longest."""
    axis = open_axis(modality)
    if more:
        x = torch.cat([x, x.new_zeros(*x.shape[:axis], more, *x.shape[axis + 1 :])], dim=axis)
    mask = torch.arange(x.shape[axis], device=x.device) < lengths[:, None]
    shape = [1] * x.ndim
    shape[0], shape[axis] = mask.shape
    return x * mask.reshape(shape)


def open_axis(modality: Modality) -> int:
    """The axis of a batch of instances that is time or frames; ValueError where none is open."""
    return 1 + modality.shape.index(None)


def encode_instances(encoder: Encoder, instances: Instances) -> tuple[Tensor, Tensor]:
    """Tokens ``(n, T, D)`` of an encoder and their mask ``(n, T)``, all True where the number of tokens is fixed."""
    made = encoder(*instances.arguments)
    if isinstance(made, tuple):
        tokens, mask = made
        return tokens, mask
    return made, torch.ones(made.shape[:2], dtype=torch.bool, device=made.device)


def _lengths(modality: Modality, n: int, generator: torch.Generator) -> Tensor:
    longest = max(_LONGEST, round(_LONGEST_S * (modality.rate or 0))) if modality.kind != "video" else _FRAMES
    lengths = torch.randint(_SHORTEST, longest + 1, (n,), generator=generator)
    lengths[0], lengths[-1] = longest, _SHORTEST
    return lengths


def _text(generator: torch.Generator, letters: int) -> str:
    chosen = torch.randint(len(_ALPHABET), (letters,), generator=generator).tolist()
    return "".join(_ALPHABET[index] for index in chosen)


def _column(column: Column, n: int, generator: torch.Generator) -> Tensor:
    if column.levels:
        values = torch.randint(len(column.levels), (n,), generator=generator).float()
    else:
        values = torch.randn(n, generator=generator)
    values[torch.rand(n, generator=generator) < _MISSING] = torch.nan
    return values
