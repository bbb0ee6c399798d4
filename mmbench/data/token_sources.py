"""Sources of tokens: token files of encoders, whose instances may have unequal numbers of tokens."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.ragged import RaggedArray
from mmbench.data.sources import ArraySource, Rows, map_dataset, open_prepared, to_float32
from mmbench.storage import ChecksummedFile, find_hdf5_dataset


class RaggedTokens:
    """Memory-mapped tokens ``x`` ``(total, D)``, read padded; float16 is read as float32.

    Raises DamagedError, on opening or when bytes are first read, where they changed after they were written.
    """

    def __init__(self, path: Path, modality: str) -> None:
        checked, at = ChecksummedFile(path), f"modalities/{modality}"
        with open_prepared(path) as file:
            marks = find_hdf5_dataset(file, f"{at}/present", ("bool",), (None, None))
            self.present: NDArray[np.bool_] = marks[()]
            self.lengths: NDArray[np.int64] = find_hdf5_dataset(file, f"{at}/lengths", ("int64",), self.present.shape)[
                ()
            ]
            dataset = find_hdf5_dataset(file, f"{at}/x", ("float32", "float16"), (None, None))
            if (self.lengths < 0).any() or self.lengths[~self.present].any() or self.lengths.sum() != len(dataset):
                raise ValueError(f"the lengths of {modality} are not those of its tokens")
            self.x, self._checked = map_dataset(checked, dataset)
        self._size = self.x.itemsize * self.x.shape[1]
        self._steps = RaggedArray(self.x, self.lengths, axis=0)

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Tokens ``(n, K, T, D)``, padded with zeros to the longest of some rows, and presence ``(n, K)``."""
        if self._checked:
            starts, lengths = self._steps.starts[rows], self.lengths[rows]
            extents = zip(starts[:, 0].tolist(), (starts[:, -1] + lengths[:, -1]).tolist(), strict=True)
            self._checked.check((start * self._size, stop * self._size) for start, stop in extents)
        x = self._steps.read(rows)
        return to_float32(x) if x.dtype == np.float16 else x, self.present[rows]


def open_tokens(path: Path, modality: str) -> ArraySource | RaggedTokens:
    """The tokens of a token file."""
    with open_prepared(path) as file:
        is_ragged = f"modalities/{modality}/lengths" in file
    return RaggedTokens(path, modality) if is_ragged else ArraySource(path, modality)
