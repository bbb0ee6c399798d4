"""Arrays of files are kept in memory as long as the files are those that were read."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmbench.builtin.datasets.folder.arrays import join_arrays, load_array


@pytest.mark.parametrize("read", [lambda path: load_array(path, "x"), lambda path: join_arrays([path], "x")])
def test_a_file_of_the_same_size_and_time_is_read_again(tmp_path: Path, read: Callable[[Path], np.ndarray]) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.zeros(3))
    before, status = read(path), path.stat()
    np.savez(path, x=np.ones(3))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert before.tolist() == [0, 0, 0]
    assert read(path).tolist() == [1, 1, 1]
