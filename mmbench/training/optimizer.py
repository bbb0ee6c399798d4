"""AdamW as torch has it, spared torch's compiler: nothing here is compiled."""

from inspect import unwrap

import torch


class AdamW(torch.optim.AdamW):
    """Takes the same steps, bit for bit.

    torch wraps three methods so that its compiler leaves them alone, and loads the compiler to say so: seconds and a
    hundred megabytes in every process that trains.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
