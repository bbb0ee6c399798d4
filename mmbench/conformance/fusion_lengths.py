"""Checks of fusions with tokens of open length: padding has no effect, and no token at all is no error."""

from collections.abc import Mapping
from unittest import SkipTest

import torch
from torch import nn

from mmbench.conformance.fusion_cases import FusionCase, count_samples, fuse, make_batch, take, training_loss
from mmbench.conformance.outcome import demand
from mmbench.conformance.tensors import close, seeded
from mmbench.contract import Fusion, Tokens, TokenSpec
from mmbench.errors import SpecError

NOISE_SCALE = 1e3
N_MORE = 3  # positions of padding that are added


def check_padding(case: FusionCase) -> None:
    """What the mask hides changes no output: neither the amount of padding nor its values."""
    for inputs in case.open_inputs():
        try:
            fusion, tokens = case.build(inputs).eval(), make_batch(inputs)
        except SpecError as error:
            raise SkipTest(f"needs tokens of one length: {error.line}") from None
        outputs = fuse(fusion, tokens)
        longer = {name: pad(each) if is_open(inputs[name]) else each for name, each in tokens.items()}
        demand(close(fuse(fusion, longer), outputs), "more padding changes the outputs")
        noisy = {name: fill_padding(each) for name, each in longer.items()}
        demand(close(fuse(fusion, noisy), outputs), "the values of padding change the outputs")
        for b in range(count_samples(tokens)):
            sample = take(tokens, slice(b, b + 1))
            trimmed = {name: trim(each) if is_open(inputs[name]) else each for name, each in sample.items()}
            demand(close(fuse(fusion, trimmed), fuse(fusion, sample)), "a sample without padding has other outputs")


def check_no_tokens(case: FusionCase) -> None:
    """Outputs, loss and gradients are finite where instances are present and have no token."""
    if not case.takes_open_lengths:
        raise SkipTest("needs tokens of one length")
    for inputs in case.open_inputs():
        fusion, complete = case.build(inputs), take(make_batch(inputs), slice(0, 2))
        tokens = {name: hide(each) if is_open(inputs[name]) else each for name, each in complete.items()}
        with seeded(2):
            demand(bool(fuse(fusion, tokens).isfinite().all()), "outputs of instances without tokens are not finite")
            loss = training_loss(fusion, tokens)
            demand(bool(loss.isfinite().all()), "the loss of instances without tokens is not finite")
            for name in find_infinite_gradients(fusion, tokens) - find_infinite_gradients(fusion, complete):
                demand(False, f"instances without tokens make the gradient of {name} not finite")


def find_infinite_gradients(fusion: Fusion, tokens: Mapping[str, Tokens]) -> set[str]:
    """The parameters whose gradient is not finite."""
    fusion.zero_grad()
    loss = training_loss(fusion, tokens)
    if loss.requires_grad:
        loss.sum().backward()  # type: ignore[no-untyped-call]
    gradients = {name: parameter.grad for name, parameter in fusion.named_parameters()}
    return {name for name, gradient in gradients.items() if gradient is not None and not gradient.isfinite().all()}


def is_open(spec: TokenSpec) -> bool:
    """Whether the number of tokens differs between instances."""
    return spec.length is None


def pad(tokens: Tokens) -> Tokens:
    """The same with more padding, of zeros."""
    x = nn.functional.pad(tokens.x, (0, 0, 0, N_MORE))
    return Tokens(x, tokens.present, nn.functional.pad(tokens.mask, (0, N_MORE)))


def fill_padding(tokens: Tokens) -> Tokens:
    """The same with large noise in the padding of present instances."""
    noise = NOISE_SCALE * torch.randn(tokens.x.shape, generator=torch.Generator().manual_seed(3))
    padding = tokens.present[..., None] & ~tokens.mask
    return tokens._replace(x=torch.where(padding[..., None], noise, tokens.x))


def trim(tokens: Tokens) -> Tokens:
    """Tokens without the padding that all instances share; one position is left."""
    longest = max(1, int(tokens.mask.sum(dim=2).max()))
    return Tokens(tokens.x[:, :, :longest], tokens.present, tokens.mask[:, :, :longest])


def hide(tokens: Tokens) -> Tokens:
    """The same instances without tokens."""
    return Tokens(torch.zeros_like(tokens.x), tokens.present, torch.zeros_like(tokens.mask))
