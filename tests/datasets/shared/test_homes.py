from pathlib import Path

import pytest

from mmbench import DataError
from mmbench_datasets.shared.homes import find_home


def holds_files(folder: Path) -> bool:
    return (folder / "data").is_dir()


def test_the_folder_itself_comes_before_the_only_one_in_it(tmp_path: Path) -> None:
    assert find_home(tmp_path, holds_files) == tmp_path
    (tmp_path / "inner" / "data").mkdir(parents=True)
    (tmp_path / ".hidden" / "data").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    assert find_home(tmp_path, holds_files) == tmp_path / "inner"
    (tmp_path / "data").mkdir()
    assert find_home(tmp_path, holds_files) == tmp_path
    assert find_home(tmp_path / "nowhere", holds_files) == tmp_path / "nowhere"


def test_two_folders_with_files_are_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "data").mkdir(parents=True)
    with pytest.raises(DataError, match="several folders with files of the dataset: one and two"):
        find_home(tmp_path, holds_files)
