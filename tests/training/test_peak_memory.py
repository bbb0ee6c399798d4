"""The peak of memory is that of the work since, with nothing of what was before."""

from pathlib import Path

import pytest
import torch

from mmbench.training import peak_memory as memory
from mmbench.training.peak_memory import PeakMemory

MB = 1_000_000
CPU = torch.device("cpu")
counts = pytest.mark.skipif(PeakMemory(CPU).read() is None, reason="the system does not let a process reset its peak")


def use(megabytes: int) -> None:
    torch.ones(megabytes * MB // 4).sum()


@counts
def test_peak_memory_includes_freed_memory() -> None:
    peak = PeakMemory(CPU)
    use(100)
    found = peak.read()
    assert found is not None
    assert 95 * MB < found < 130 * MB


@counts
def test_what_was_before_does_not_count() -> None:
    use(200)
    kept = torch.ones(25 * MB)
    peak = PeakMemory(CPU)
    use(40)
    found = peak.read()
    assert kept[0] == 1
    assert found is not None
    assert 35 * MB < found < 70 * MB


@counts
def test_the_same_work_takes_the_same_memory_again() -> None:
    found = []
    for _ in range(3):
        peak = PeakMemory(CPU)
        parts = [torch.ones(4 * MB // 4) for _ in range(10)]
        del parts
        found.append(peak.read())
    assert min(found) > 0.8 * max(found) > 25 * MB


def test_measurement_draws_no_random_number() -> None:
    memory._load_libraries.cache_clear()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    PeakMemory(CPU).read()
    assert torch.equal(torch.rand(4), expected)


def test_peak_memory_is_none_if_the_system_does_not_report_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "no" / "clear_refs")
    assert PeakMemory(CPU).read() is None
    monkeypatch.undo()
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "no" / "status")
    assert PeakMemory(CPU).read() is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_peak_on_cuda_is_that_of_torch() -> None:
    device = torch.device("cuda")
    kept = torch.ones(10 * MB, device=device)
    peak = PeakMemory(device)
    torch.ones(25 * MB, device=device).sum()
    found = peak.read()
    assert kept[0] == 1
    assert found is not None
    assert 100 * MB <= found < 110 * MB
