"""Token files where the number of tokens differs between instances: one after the other, with their numbers."""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import TokenSpec
from mmbench.data import RaggedArray, Rows, add_checksums
from mmbench.features import token_file
from mmbench.features.half_precision import BLOCK_SIZE, NO_TOKENS, TokenMoments, fits, measure, to_float16
from mmbench.features.token_file import Block, map_block, truncated_error
from mmbench.storage import allocate_hdf5_dataset, check_free_space, open_hdf5, write_footer, written_whole

_GROUP_SIZE = 1 << 21  # values that are read at once


def write_ragged_block(
    path: Path, flat: NDArray[np.float32], lengths: NDArray[np.int64], made_from: Mapping[str, Any]
) -> None:
    """Write the tokens ``(total, D)`` of a block, and their number in each instance ``(n, K)``."""
    with written_whole(path) as part:
        with part.open("wb") as file:
            np.save(file, flat)
            np.save(file, lengths)
        write_footer(part, "block", made_from)


class RaggedBlocks:
    """Tokens in blocks, padded as they are read; raises DamagedError for truncated files."""

    def __init__(self, blocks: Sequence[Block], present: NDArray[np.bool_]) -> None:
        self.present = present
        self._lengths = np.zeros(present.shape, dtype=np.int64)
        self._blocks: dict[int, RaggedArray] = {}
        for block in blocks:
            flat, lengths = _map_ragged_block(block.path)
            self._lengths[block.start : block.stop] = lengths
            self._blocks[block.start // BLOCK_SIZE] = RaggedArray(flat, lengths, axis=0)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each instance ``(N, K)``."""
        return self._lengths

    def read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Tokens ``(n, K, T, D)``, padded to the longest of some rows, and presence ``(n, K)``."""
        width = next(iter(self._blocks.values())).flat.shape[1]
        longest = max(int(self._lengths[rows].max(initial=0)), 1)
        x = np.zeros((*self.present[rows].shape, longest, width), dtype=np.float32)
        for at in sorted({int(row) // BLOCK_SIZE for row in rows}):
            here = np.flatnonzero(rows // BLOCK_SIZE == at)
            read = self._blocks[at].read(rows[here] % BLOCK_SIZE)
            x[here, :, : read.shape[2]] = read
        return x, self.present[rows]


def _map_ragged_block(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    flat = map_block(path)
    try:
        with path.open("rb") as file:
            # The header of the first array, then its values.
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            file.seek(flat.nbytes, 1)
            lengths: NDArray[np.int64] = np.load(file)
    except (OSError, ValueError, EOFError) as error:
        raise truncated_error(path) from error
    return flat, lengths


def join_ragged_blocks(
    path: Path,
    modality: str,
    blocks: Sequence[Block],
    present: NDArray[np.bool_],
    out: TokenSpec,
    parameters: int,
    made_from: Mapping[str, Any],
) -> None:
    """Write the file of tokens ``(total, D)`` from its blocks, with their ``lengths`` ``(N, K)``.

    ``present`` is ``(N, K)``; ``parameters`` is the number of parameters of the encoder. Large files are float16 by the
    rule of `fits_half`, with the mean and standard deviation of each feature over all tokens.
    """
    read = [_map_ragged_block(block.path) for block in sorted(blocks, key=lambda block: block.start)]
    lengths = np.concatenate([each for _, each in read]) if read else np.zeros(present.shape, dtype=np.int64)
    total, pieces = int(lengths.sum()), [piece for flat, _ in read for piece in _pieces(flat)]
    is_half = 4 * total * out.dim > token_file.FLOAT32_BYTES and _fits_half(pieces)
    dtype = np.dtype(np.float16 if is_half else np.float32)
    with written_whole(path) as part:
        check_free_space(part, dtype.itemsize * total * out.dim)
        with open_hdf5(part, "w") as file:
            group = file.create_group(f"modalities/{modality}")
            group["present"], group["lengths"] = present, lengths
            group.attrs["parameters"] = parameters
            offset = allocate_hdf5_dataset(group, "x", (total, out.dim), dtype)
        with part.open("rb+") as raw:
            raw.seek(offset)
            for piece in pieces:
                raw.write((to_float16(piece) if is_half else np.ascontiguousarray(piece)).data)
        add_checksums(part, "tokens", made_from)


def _pieces(flat: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    step = max(1, _GROUP_SIZE // max(flat.shape[1], 1))
    return [flat[start : start + step] for start in range(0, len(flat), step)]


def _fits_half(pieces: Sequence[NDArray[np.float32]]) -> bool:
    moments = reduce(TokenMoments.join, (measure(*_as_instances(piece)) for piece in pieces), NO_TOKENS)
    return moments.surely_fits() or all(fits(*_as_instances(piece), moments) for piece in pieces)


def _as_instances(piece: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Tokens ``(n, D)`` as instances of one token each."""
    return piece[:, None, None], np.ones((len(piece), 1), dtype=bool)
