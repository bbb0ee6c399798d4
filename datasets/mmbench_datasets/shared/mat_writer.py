"""Writes simulated MATLAB files of level 5, the same bytes each time."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import written_whole

_HEADER = b"MATLAB 5.0 MAT-file, simulated by mmbench".ljust(116)  # in place of scipy's, which has the time of writing


def write_mat(path: Path, variables: Mapping[str, Any], *, compressed: bool = False) -> None:
    """Write arrays, texts, dicts (structs) and arrays of objects (cells)."""
    from scipy.io import savemat

    with written_whole(path) as temporary:
        savemat(temporary, variables, appendmat=False, do_compression=compressed)
        with temporary.open("r+b") as file:
            file.write(_HEADER)


def make_cells(items: Iterable[Any], *, column: bool = False) -> NDArray[Any]:
    """A cell array of one row, or of one column."""
    values = [*items]
    cells = np.empty(len(values), object)
    for number, value in enumerate(values):
        cells[number] = value
    return cells[:, None] if column else cells[None]
