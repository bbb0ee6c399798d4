"""The benchmark of a cluster compares the records of its runs and sums their times; no figure is looked at."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("cluster", "timing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import cluster

    return cluster


def write(folder: Path, logits: float = 0.5, n: int = 2) -> Path:
    for fold in range(n):
        path = folder / "scale" / "concat" / f"fold-{fold}-seed-0.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {"ids": ["a"], "labels": [0], "logits": [[logits]], "scores": {}, "epochs": {}, "seconds": 1.5}
        path.write_text(json.dumps(plain))
    return folder


def test_runs_with_the_same_results_pass(script: Any, tmp_path: Path) -> None:
    script.compare(write(tmp_path / "one"), write(tmp_path / "other"))
    measured = script.summarise(tmp_path, "one", 10.0)
    assert (measured.jobs, measured.inside) == (2, 3.0)
    assert "| one | 2 | 10.0 s | 5000 ms | 3.0 s |" in script.describe([measured], 8)


def test_another_result_or_a_missing_record_ends_the_benchmark(script: Any, tmp_path: Path) -> None:
    write(tmp_path / "one")
    with pytest.raises(SystemExit, match=r"other: .* has other logits than one"):
        script.compare(tmp_path / "one", write(tmp_path / "other", logits=0.25))
    with pytest.raises(SystemExit, match="fewer: 1 records, not the 2 of one"):
        script.compare(tmp_path / "one", write(tmp_path / "fewer", n=1))


def test_a_command_that_fails_ends_the_benchmark(script: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="mmbench failed"):
        script.run_command(tmp_path, "out", 2, 1, "--jobs", "none")
