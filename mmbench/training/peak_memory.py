"""How much memory a piece of work takes at its highest point."""

import ctypes
import re
from functools import cache
from pathlib import Path

import torch

from mmbench.training.optimizer import AdamW

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """The most memory in use at once since this was made, in bytes, over what was in use before.

    On CUDA what torch allocated on the device; on Linux the resident memory of the process, pages of files that it read
    included. None elsewhere, and where the system does not let a process reset its peak.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before: int | None
        if device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # there is no peak to reset before
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_allocated(device)
        else:
            _load_libraries()
            _give_back()
            self.before = _status("VmRSS") if _reset_peak() else None

    def read(self) -> int | None:
        """The peak so far."""
        if self.before is None:
            return None
        peak = torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else _status("VmHWM")
        return None if peak is None else max(peak - self.before, 0)


@cache
def _load_libraries() -> None:
    """What torch loads with the first step of a process is no part of any method."""
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
    """A line of /proc/self/status in bytes."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


def _give_back() -> None:
    """Let go of memory that is freed and only kept by the allocator, or a later job would count none for it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
