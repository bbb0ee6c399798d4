"""A board of a small comparison on digits."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.reporting.leaderboards.building import publish_results


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("leaderboards")


@pytest.fixture(scope="package")
def comparison(home: Path) -> Any:
    options: dict[str, Any] = {"folds": 2, "modalities": ["mor", "zer"], "training": {"epochs": 2}, "tune": 2}
    return mmbench.run("concat", "mfeat", ["prior"], out=home / "runs", cache=home / "cache", jobs=1, **options)


@pytest.fixture(scope="package")
def published(home: Path, comparison: Any) -> Path:
    """The folder of leaderboards that the comparison was put on; not to be changed."""
    publish_results(comparison.path, home / "leaderboards")
    return home / "leaderboards"


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(published, tmp_path / "leaderboards"))
