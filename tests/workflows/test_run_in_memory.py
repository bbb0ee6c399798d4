"""Data in memory run as a dataset of that name does: in processes, again without training, and in every function."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench

N = 48
OPTIONS: dict[str, Any] = {"folds": 2, "seeds": 1, "training": {"epochs": 2, "batch_size": 8}, "diagnose": "no"}


@pytest.fixture
def dataset() -> mmbench.DataFolder:
    random = np.random.default_rng(0)
    y = np.arange(N) % 2
    x, z = random.normal(size=(N, 4)) + 2 * y[:, None], random.normal(size=(N, 3))
    z[5] = np.nan
    person = [f"p{at // 4}" for at in range(N)]
    return mmbench.from_arrays({"x": x, "z": z}, y, groups={"subject": person}, names=["no", "yes"], name="pulses")


def test_a_run_uses_data_in_memory_in_processes_and_reuses_them(dataset: mmbench.DataFolder, tmp_path: Path) -> None:
    result = mmbench.run("concat", dataset, "prior", out=tmp_path / "runs", jobs=2, **OPTIONS)
    assert [method.name for method in result.methods] == ["concat", "prior"]
    assert result.run["protocol"] == "subject"
    assert len(result.methods[0].labels) == N
    assert str(result).startswith("pulses · target (2 classes) · protocol subject")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz")}
    again = mmbench.run("concat", str(dataset.path), "prior", out=tmp_path / "runs", jobs=1, **OPTIONS)
    assert again.to_rows() == result.to_rows()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.npz")} == written


def test_folds_and_audits_take_data_in_memory(dataset: mmbench.DataFolder, tmp_path: Path) -> None:
    found = mmbench.folds(dataset, folds=2)
    assert repr(found).startswith(f"<Folds: 2 folds of {N} samples")
    audited = mmbench.audit("concat", dataset, protocol="subject", folds=2, out=tmp_path, jobs=1)
    assert "pulses" in str(audited) or "folder" in str(audited)
