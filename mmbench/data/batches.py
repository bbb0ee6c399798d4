"""Batches of a model's inputs: standardised raw instances or cached tokens."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.data.ragged import RaggedArray, clear_padding, count_padded, flatten_padded
from mmbench.data.sources import Rows, Source, find_row_size
from mmbench.data.standardize import Standardizer, split_rows

_IN_MEMORY = 256 << 20  # bytes of a model's inputs that are kept in memory
_DECODED_IN_MEMORY = 1 << 30  # bytes of those that are decoded each time they are read
Lengths = NDArray[np.int64]


class Bags(NamedTuple):
    """Bags of one modality, as a model reads them: raw instances, or tokens of a frozen encoder.

    ``x`` is ``(B, K, *shape)``, zero where an instance is absent and beyond its length; ``present`` is bool ``(B, K)``.
    Where lengths differ, ``lengths``, int64 ``(B, K)``, counts time steps, frames, tokens or the bytes of a text in
    UTF-8, and ``x`` is padded to the longest of the batch, at least to 1.
    """

    x: Tensor
    present: Tensor
    lengths: Tensor | None = None

    def to(self, device: torch.device) -> "Bags":
        """The same on ``device``."""
        return self._map(lambda part: part.to(device, non_blocking=True))

    def clone(self) -> "Bags":
        """A copy."""
        return self._map(torch.clone)

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Bags":
        lengths = None if self.lengths is None else function(self.lengths)
        return Bags(function(self.x), function(self.present), lengths)


class MemoryBudget:
    """The memory in which inputs of one model may be kept; what does not fit is read by batch.

    It is 256 MiB, and 1 GiB for inputs that reading decodes: pictures, films and sounds.
    """

    def __init__(self, *, decoded: bool = False) -> None:
        self.left = _DECODED_IN_MEMORY if decoded else _IN_MEMORY

    def take(self, n_bytes: float) -> bool:
        """Whether ``n_bytes`` still fit; they are then taken."""
        fits = n_bytes <= self.left
        self.left -= int(n_bytes) if fits else 0
        return fits


class Stream:
    """The standardised inputs of one modality, kept in memory where the ``budget`` that streams share allows it.

    ``axis`` is the axis of an instance along which lengths differ; it matters where the source has lengths.
    """

    def __init__(
        self,
        source: Source,
        standardizer: Standardizer | None,
        n_rows: int,
        axis: int = 0,
        budget: MemoryBudget | None = None,
    ) -> None:
        self.source = source
        self.standardizer = standardizer
        self.axis = axis
        self._kept: _Memory | _RaggedMemory | None = None
        rows = np.arange(n_rows)
        largest = find_row_size(source, rows)
        padding = 1.0 if source.lengths is None else source.lengths.mean() / count_padded(source.lengths)
        if (budget or MemoryBudget()).take(largest * n_rows * padding):
            kind = _Memory if source.lengths is None else _RaggedMemory
            self._kept = kind(self, rows, largest)

    @property
    def lengths(self) -> Lengths | None:
        """The lengths of the instances ``(N, K)`` of all rows; None where all have the same."""
        return self.source.lengths

    def batch(self, rows: Rows) -> Bags:
        """The bags of some rows."""
        return self._read(rows) if self._kept is None else self._kept.batch(rows)

    def raw(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Bags and presence of some rows, not standardised."""
        if self._kept is None or self.standardizer is not None:
            return self.source.read(rows)
        x, present, _ = self.batch(rows)
        return x.numpy(), present.numpy()

    def standardize(self, x: NDArray[Any], present: NDArray[np.bool_], lengths: Lengths | None, rows: Rows) -> Bags:
        """Standardise bags of some rows; absent instances and padding are zero."""
        if self.standardizer is not None:
            x = self.standardizer(x, rows)
            x[~present] = 0.0
            if lengths is not None:
                clear_padding(x, lengths, self.axis)
        return _bags(x, present, lengths)

    def _read(self, rows: Rows) -> Bags:
        x, present = self.source.read(rows)
        return self.standardize(x, present, None if self.lengths is None else self.lengths[rows], rows)


def read_bags(source: Source, rows: Rows) -> Bags:
    """The bags of some rows, not standardised."""
    return _bags(*source.read(rows), None if source.lengths is None else source.lengths[rows])


def _bags(x: NDArray[Any], present: NDArray[np.bool_], lengths: Lengths | None) -> Bags:
    parts = (x, present) if lengths is None else (x, present, lengths)
    return Bags(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))


class _Memory:
    """Bags of one length, in memory."""

    def __init__(self, stream: Stream, rows: Rows, n_bytes: int) -> None:
        self.bags: Bags | None = None
        # In chunks, so that standardising needs little extra memory.
        for part in split_rows(rows, n_bytes):
            x, present, _ = stream._read(part)
            if self.bags is None:
                self.bags = Bags(*(tensor.new_empty((len(rows), *tensor.shape[1:])) for tensor in (x, present)))
            self.bags.x[part[0] : part[-1] + 1] = x
            self.bags.present[part[0] : part[-1] + 1] = present
        self.bags = self.bags or stream._read(rows)

    def batch(self, rows: Rows) -> Bags:
        index = torch.from_numpy(rows)
        assert self.bags is not None
        # Eight times as fast as indexing: it copies whole rows.
        return Bags(self.bags.x.index_select(0, index), self.bags.present.index_select(0, index))


class _RaggedMemory:
    """Bags of unequal lengths, in memory without their padding."""

    def __init__(self, stream: Stream, rows: Rows, n_bytes: int) -> None:
        assert stream.lengths is not None
        flat, present = [], []
        for part in split_rows(rows, n_bytes):
            bags = stream._read(part)
            flat.append(flatten_padded(bags.x.numpy(), stream.lengths[part], stream.axis))
            present.append(bags.present.numpy())
        self.present = np.concatenate(present)
        self.steps = RaggedArray(np.concatenate(flat), stream.lengths, stream.axis)

    def batch(self, rows: Rows) -> Bags:
        parts = (self.steps.read(rows), self.present[rows], self.steps.lengths[rows])
        return Bags(*map(torch.from_numpy, parts))


class PresenceSource:
    """A modality that the fusion does not use: the presence of its instances, without values."""

    lengths = None

    def __init__(self, present: NDArray[np.bool_]) -> None:
        self.present = present

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Empty values ``(n, K, 0, 0)`` and presence ``(n, K)``."""
        present = self.present[rows]
        return np.zeros((*present.shape, 0, 0), dtype=np.float32), present


class Inputs:
    """The inputs of one model: a stream for each modality."""

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self.streams = dict(streams)

    def batch(self, rows: Rows, device: torch.device) -> dict[str, Bags]:
        """A batch on ``device``; images stay uint8."""
        return {name: stream.batch(rows).to(device) for name, stream in self.streams.items()}

    @property
    def are_unread(self) -> bool:
        """Whether the model uses no modality, so that batches hold no values."""
        return all(isinstance(stream.source, PresenceSource) for stream in self.streams.values())

    def sizes(self, rows: Rows) -> NDArray[np.float64] | None:
        """How long some samples are, ``(n,)``: the longest instance of each open modality over its mean, summed.

        None where no lengths differ.
        """
        longest = [stream.lengths[rows].max(axis=1) for stream in self.streams.values() if stream.lengths is not None]
        if not longest:
            return None
        total: NDArray[np.float64] = sum((each / max(each.mean(), 1) for each in longest), np.zeros(len(rows)))
        return total
