"""Finds the files of a dataset where the folder that holds them is in the one that the user names."""

from collections.abc import Callable
from pathlib import Path

from mmbench import DataError
from mmbench_datasets.names import list_files


def find_home(root: Path, holds_files: Callable[[Path], bool]) -> Path:
    """``root`` if it holds files of the dataset, else its only subfolder that does, else ``root``.

    Hidden folders are not searched. Raises DataError where several subfolders hold files of the dataset.
    """
    if not root.is_dir() or holds_files(root):
        return root
    folders = (path for path in list_files(root) if path.is_dir() and not path.name.startswith("."))
    homes = [path for path in folders if holds_files(path)]
    if len(homes) > 1:
        message = f"holds several folders with files of the dataset: {' and '.join(path.name for path in homes)}"
        raise DataError(message, where=root, remedy="give one of them with --data")
    return homes[0] if homes else root
