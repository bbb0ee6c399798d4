"""Memory available for training."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_STATM = Path("/proc/self/statm")  # Linux: the first number is the size of this process in pages


@dataclass(frozen=True)
class Machine:
    """``memory`` in bytes (None if it is not known), shared by ``jobs`` simultaneous trainings."""

    memory: int | None
    jobs: int = 1


def find_machine(device: torch.device, jobs: int) -> Machine:
    """Memory of the GPU, else of the machine or its container."""
    if device.type == "cuda":
        return Machine(int(torch.cuda.get_device_properties(device).total_memory))
    limits = []
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limits += _find_address_space()
    texts = [path.read_text(encoding="utf-8").strip() for path in _LIMITS if path.is_file()]
    limits += [int(text) for text in texts if text.isdigit()]
    return Machine(min(limits, default=None), jobs)


def _find_address_space() -> list[int]:
    """Remaining address space in bytes if it is limited, as by ``ulimit -v`` or a batch system; else empty."""
    if not _STATM.is_file():
        return []
    import resource  # of Unix only

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return []
    return [max(0, limit - int(_STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize())]
