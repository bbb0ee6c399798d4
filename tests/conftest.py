import os
from pathlib import Path

import pytest
import torch

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
