from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench_datasets.deap import Deap


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One simulated subject with videos of six seconds."""
    root = tmp_path_factory.mktemp("deap") / "simulated"
    Deap().simulate(root, subjects=1, seed=3, fps=2.0, seconds=6.0)
    return root


@pytest.fixture
def copy(simulated: Path, tmp_path: Path) -> Callable[..., Path]:
    """A folder of links to the simulated files, without those named, so that a test can break it."""

    def make(*without: str) -> Path:
        root = tmp_path / "copy"
        for path in simulated.rglob("*"):
            name = path.relative_to(simulated)
            if path.is_file() and str(name) not in without:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).symlink_to(path)
        return root

    return make
