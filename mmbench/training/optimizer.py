"""torch's AdamW without the import of torch's compiler.

Not torch.optim.AdamW itself: its first step imports the compiler, 4.5 s and 150 MB in every process that trains, for
the same bits (``benchmarks/libraries.py``).
"""

from inspect import unwrap

import torch


class AdamW(torch.optim.AdamW):
    """AdamW with bit-identical steps.

    torch wraps three methods to exclude them from compilation, and the wrappers import the compiler; here they are
    unwrapped.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
