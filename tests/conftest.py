import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench.plugins import load_registry

REPOSITORY = Path(__file__).parents[1]


def _shared_folder() -> Path:
    return Path(os.environ.get("MMBENCH_SHARED", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    folder = _shared_folder()
    if not folder.is_dir():
        pytest.skip("the real recordings are not here (set MMBENCH_SHARED)")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never read or fill the user's cache."""
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def toy_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of six people, as the toy dataset simulates them."""
    root = tmp_path_factory.mktemp("people")
    toy = str(Path(__file__).with_name("toy_plugin.py"))
    load_registry((toy,)).find("datasets", "toy").component().simulate(root, subjects=6, trials=4)
    return root


@pytest.fixture(scope="session")
def widest() -> Callable[[str], int]:
    """Counts the columns that a table takes, but for the path at its end, which is to be copied and may be longer."""
    return count_columns


def count_columns(table: str) -> int:
    return max(len(line) for line in table.splitlines() if not line.startswith(("records: ", "audit: ")))


@pytest.fixture
def opened() -> Callable[[str], AbstractContextManager[Any]]:
    """Opens Optuna's storage as any of its tools would, and closes it again."""
    return open_storage


@contextmanager
def open_storage(url: str) -> Iterator[Any]:
    from optuna.storages import RDBStorage

    storage = RDBStorage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()
