import os
from pathlib import Path

import pytest

from mmbench import DataError, Dataset
from mmbench_datasets.cremad import Cremad
from mmbench_datasets.eav import Eav
from mmbench_datasets.fsdd import Fsdd
from mmbench_datasets.mmsa import Mmsa
from mmbench_datasets.names import find_variant, list_files
from mmbench_datasets.ravdess import Ravdess


def test_a_name_in_another_case_is_found(tmp_path: Path) -> None:
    (tmp_path / "audiowav").mkdir()
    assert find_variant(tmp_path / "AudioWAV") == tmp_path / "audiowav"
    assert find_variant(tmp_path / "VideoFlash") == tmp_path / "VideoFlash"
    assert find_variant(tmp_path / "nowhere" / "AudioWAV") == tmp_path / "nowhere" / "AudioWAV"


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert list_files(tmp_path / "nowhere") == []


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that exists and may not be listed, also by root."""
    iterdir, scandir = Path.iterdir, os.scandir

    def refuse(path: Path | str) -> None:
        if Path(path) == tmp_path:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", lambda self: (refuse(self), iterdir(self))[1])
    monkeypatch.setattr(os, "scandir", lambda path: (refuse(path), scandir(path))[1])
    return tmp_path


def test_a_folder_that_may_not_be_listed_is_named(closed: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\) — change its permissions") as caught:
        list_files(closed)
    assert caught.value.where == str(closed)


def told(dataset: Dataset, root: Path) -> tuple[str, str]:
    """The place and the message of what a check finds, which may be an error of one line."""
    try:
        (problem,) = dataset.check(root)
    except DataError as error:
        return str(error.where), error.message
    return problem.path, problem.message


@pytest.mark.parametrize("dataset", [Cremad(), Eav(), Fsdd(), Mmsa(), Ravdess()])
def test_readers_name_a_folder_that_may_not_be_listed(closed: Path, dataset: Dataset) -> None:
    assert told(dataset, closed) == (str(closed), "cannot be read (Permission denied)")
