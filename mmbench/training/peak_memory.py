"""Measures the peak memory of a piece of work.

Not psutil: on Linux it has no peak, only the current memory, which a thread would have to sample. Every 10 ms, that
missed 1 of 60 peaks of 20 MB by 30 %; the kernel's counter, read here, missed none (``benchmarks/libraries.py``).
"""

import ctypes
import re
from functools import cache
from pathlib import Path

import torch

from mmbench.training.optimizer import AdamW

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Peak memory since the construction of this object, in bytes above the memory in use at that time.

    On CUDA the memory that torch allocated on the device; on Linux the resident memory of the process, including mapped
    files. None on other systems, and where a process may not reset its peak.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before: int | None
        if device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # before, there is no peak to reset
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_allocated(device)
        else:
            _load_libraries()
            _release_freed_memory()
            self.before = _status("VmRSS") if _reset_peak() else None

    def read(self) -> int | None:
        """The peak so far."""
        if self.before is None:
            return None
        peak = torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else _status("VmHWM")
        return None if peak is None else max(peak - self.before, 0)


@cache
def _load_libraries() -> None:
    """Load what torch loads with the first training step of a process, which is not part of any method."""
    with torch.random.fork_rng(devices=[]):
        layer = torch.nn.Linear(1, 1)
        optimizer = AdamW(layer.parameters())
        layer(torch.zeros(1, 1)).sum().backward()
        optimizer.step()


def _reset_peak() -> bool:
    try:
        _CLEAR.write_text("5")  # man 5 proc: sets VmHWM to the present size
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    """A value of /proc/self/status in bytes; None if there is none."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


def _release_freed_memory() -> None:
    """Return freed memory to the system: what the allocator keeps would not count for a later job."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
