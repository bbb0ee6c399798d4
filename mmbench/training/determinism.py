"""Devices, mixed precision and deterministic algorithms of torch."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from mmbench.errors import TrainingError

_WARNS, _FAILS = 1, 2  # where an operation has no deterministic algorithm


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on CUDA, nothing elsewhere."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else nullcontext()


@contextmanager
def deterministic(device: torch.device, *, learns: bool = True) -> Iterator[None]:
    """Use deterministic algorithms; if there is none, CPU operations fail and CUDA operations warn.

    Where a model ``learns`` on CUDA, attention uses the math kernel: fused kernels sum gradients in any order.
    """
    before = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    fills = memory.fill_uninitialized_memory
    on_gpu = device.type == "cuda"
    _set_mode(_WARNS if on_gpu else _FAILS)
    memory.fill_uninitialized_memory = fills and not on_gpu  # it costs a GPU 15 %
    try:
        with sdpa_kernel(SDPBackend.MATH) if on_gpu and learns else nullcontext():
            yield
    finally:
        _set_mode(before)
        memory.fill_uninitialized_memory = fills


def _set_mode(mode: int) -> None:
    """Set a mode of `torch.set_deterministic_debug_mode`, without loading torch's compiler for that."""
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(mode > 0, warn_only=mode == _WARNS)
    else:
        os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")
        torch.set_deterministic_debug_mode(mode)


def choose_device(name: str) -> torch.device:
    """The device of that name; for ``auto`` CUDA if there is a GPU, else the CPU."""
    try:
        device = torch.device("cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))
    except RuntimeError as error:
        raise TrainingError(f"no device {name!r}", where="--device", remedy="write cpu, cuda or auto") from error
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError("this machine has no CUDA device", where="--device", remedy="use --device cpu or auto")
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    return device
