"""How many floating-point operations a computation takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import unwrap
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry


def count_flops(forward: Callable[[], object]) -> int:
    """Floating-point operations of matrix products and convolutions, as torch's formulas have them.

    A multiply-add counts 2.
    """
    with torch.no_grad(), _taken_apart():
        counter = _Counter()  # type: ignore[no-untyped-call]
        try:
            with counter:
                forward()
        except NotImplementedError:  # it has operators that take functions, which load torch's compiler themselves
            with FlopCounterMode(display=False) as whole:
                forward()
            return int(whole.get_total_flops())
    return int(counter.total)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    """What `FlopCounterMode` counts in all, where no operator takes functions, and without torch's compiler."""

    total: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func.overloadpacket)
        if formula is None:
            with self:  # an operation may be made of others that have one
                made = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if made is NotImplemented else made
        result = func(*args, **kwargs)
        self.total += formula(*args, **kwargs, out_val=result)
        return result


# torch wraps it so that its compiler leaves it alone, and loads the compiler to say so (see optimizer.py).
_Counter.__torch_dispatch__ = unwrap(_Counter.__torch_dispatch__)  # type: ignore[method-assign]


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Attention as the matrix products it is made of: fused it would count as nothing."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
