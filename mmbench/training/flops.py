"""Counts the floating-point operations of a forward pass, by torch's formulas.

Not torch.utils.flop_counter.FlopCounterMode: it gives the same count but imports torch's compiler, 3.3 against 0.2 s
and 80 MB more (``benchmarks/libraries.py``); it is used where an operator takes functions. fvcore has other formulas,
which count a multiply-add as 1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import unwrap
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry


def count_flops(forward: Callable[[], object]) -> int:
    """Floating-point operations of matrix products and convolutions, by torch's formulas.

    A multiply-add counts 2.
    """
    with torch.no_grad(), _unfused_attention():
        counter = _Counter()  # type: ignore[no-untyped-call]
        try:
            with counter:
                forward()
        except NotImplementedError:  # operators that take functions import torch's compiler anyway
            with FlopCounterMode(display=False) as whole:
                forward()
            return int(whole.get_total_flops())
    return int(counter.total)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    """The total of `FlopCounterMode` without torch's compiler, for modules whose operators take no functions."""

    total: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func.overloadpacket)
        if formula is None:
            with self:  # an operator may decompose into others that have a formula
                made = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if made is NotImplemented else made
        result = func(*args, **kwargs)
        self.total += formula(*args, **kwargs, out_val=result)
        return result


# torch's wrapper imports the compiler (see optimizer.py).
_Counter.__torch_dispatch__ = unwrap(_Counter.__torch_dispatch__)  # type: ignore[method-assign]


@contextmanager
def _unfused_attention() -> Iterator[None]:
    """Compute attention as separate matrix products: fused kernels have no formula and count as zero."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
