"""Tokens of a trained encoder, kept in memory or, if they are large, in a temporary file."""

import math
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from mmbench.contract import Tokens
from mmbench.data import Bags, RaggedArray, Rows
from mmbench.storage import check_free_space
from mmbench.training import as_tokens

_IN_MEMORY = 256 << 20  # bytes of a modality's tokens kept in memory


class FixedTokens:
    """Tokens ``(n, K, T, D)`` in batches, kept until ``stack`` closes, in ``folder`` where they are large."""

    def __init__(self, batches: Iterable[Tokens], n_rows: int, stack: ExitStack, folder: Path) -> None:
        kept: Tensor | None = None
        present, start = [], 0
        for tokens in batches:
            kept = _allocate(tokens.x, n_rows, stack, folder) if kept is None else kept
            kept[start : start + len(tokens.x)] = tokens.x
            present.append(tokens.present)
            start += len(tokens.x)
        assert kept is not None
        self.x, self.present, self.longest = kept, torch.cat(present), kept.shape[2]

    def read(self, places: Rows) -> Tokens:
        """The tokens at some places."""
        index = torch.from_numpy(places)
        return Tokens(self.x[index], self.present[index])


class RaggedTokens:
    """Tokens in batches whose numbers differ between instances, kept in float32 without padding."""

    def __init__(self, batches: Iterable[Tokens], stack: ExitStack, folder: Path) -> None:
        file = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY, prefix=".tokens-", dir=str(folder)))  # noqa: SIM115
        present, lengths, width = [], [], 0
        for tokens in batches:
            file.write(tokens.x[tokens.mask].float().numpy().tobytes())
            present.append(tokens.present)
            lengths.append(tokens.mask.sum(dim=2))
            width = tokens.x.shape[3]
        size = file.tell()
        file.seek(0)
        flat = np.frombuffer(file.read(), np.float32) if size <= _IN_MEMORY else np.memmap(file, np.float32, mode="r")
        self.present = torch.cat(present)
        self.steps = RaggedArray(flat.reshape(-1, width), torch.cat(lengths).numpy(), axis=0)
        self.longest = max(int(self.steps.lengths.max(initial=0)), 1)

    def read(self, places: Rows) -> Tokens:
        """The tokens at some places, padded to the longest."""
        x, lengths = torch.from_numpy(self.steps.read(places)), torch.from_numpy(self.steps.lengths[places])
        return as_tokens(Bags(x, self.present[torch.from_numpy(places)], lengths))


def _allocate(like: Tensor, n_rows: int, stack: ExitStack, folder: Path) -> Tensor:
    shape = (n_rows, *like.shape[1:])
    n_bytes = math.prod(shape) * like.element_size()
    if n_bytes <= _IN_MEMORY:
        return like.new_empty(shape)
    # Next to the prepared data, since /tmp may be in memory.
    path = Path(stack.enter_context(TemporaryDirectory(prefix=".tokens-", dir=folder))) / "tokens"
    check_free_space(path, n_bytes)
    return torch.from_file(str(path), shared=True, size=math.prod(shape), dtype=like.dtype).reshape(shape)
