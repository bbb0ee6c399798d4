"""Helpers of the checks of encoders and fusions: seeds, comparison, gradients, unregistered state."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest import SkipTest

import torch
from torch import Tensor, nn

from mmbench.conformance.outcome import demand
from mmbench.integrity import find_unregistered

# Relative to the largest value: above the error of other summation orders in float32, below the effect of a batch norm.
TOLERANCE = 1e-4


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch within the block; random numbers outside are not affected."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def close(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors agree up to rounding; NaN equals NaN, which other checks report."""
    if a.shape != b.shape or not torch.equal(a.isnan(), b.isnan()):
        return False
    gap, size = (a - b).nan_to_num(), b.nan_to_num()
    return bool((gap.abs() <= TOLERANCE * (1 + size.abs().max())).all())


def perturb(module: nn.Module) -> None:
    """Add noise to every parameter, since initial zeros would stop gradients."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))


def demand_gradients(module: nn.Module, losses: Iterable[Tensor]) -> None:
    """Every trainable parameter gets a gradient that is finite and not zero, summed over ``losses``."""
    for loss in losses:
        if not loss.isfinite().all():
            raise SkipTest("the loss is not finite, so that gradients are meaningless")
        if loss.requires_grad:
            loss.sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            demand(parameter.grad is not None, f"parameter {name} gets no gradient")
            assert parameter.grad is not None
            demand(bool(parameter.grad.isfinite().all()), f"the gradient of {name} is not finite")
            demand(bool(parameter.grad.any()), f"the gradient of {name} is always zero")


def demand_registered(module: nn.Module) -> None:
    """All modules and tensors with gradients are registered in ``parameters()``."""
    for where, fault in find_unregistered(module):
        demand(False, f"{where} {fault}")
