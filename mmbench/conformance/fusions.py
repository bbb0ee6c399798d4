"""Checks of fusions: shapes, missing modalities, gradients, determinism, state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.conformance.declaration import check_name, check_parameters, check_space, params_for, subject_of
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.tensors import close, demand_gradients, demand_registered, perturb, seeded
from mmbench.contract import Fusion, Tokens, TokenSpec, overrides
from mmbench.training import sum_losses, weights_digest

N_CLASSES = 3
INPUTS = {"first": TokenSpec(1, 6, 1), "second": TokenSpec(5, 8, 3), "third": TokenSpec(4, 12, 2)}
NOISE_SCALE = 1e3
# Samples of each kind in a training batch: enough that dropout keeps some.
REPEAT = 4


@dataclass(frozen=True)
class FusionCase:
    """A fusion class with the parameters it is built with."""

    cls: type[Fusion]
    params: Mapping[str, object]

    def inputs(self, n_modalities: int) -> dict[str, TokenSpec]:
        """The first modalities of ``INPUTS``; those that the fusion does not read have no tokens."""
        names = list(INPUTS)[:n_modalities]
        used = self.cls.uses(names, **self.params)
        return {name: INPUTS[name] if name in used else TokenSpec(0, 0, INPUTS[name].instances) for name in names}

    def build(self, inputs: Mapping[str, TokenSpec], seed: int = 0) -> Fusion:
        """A new fusion."""
        with seeded(seed):
            return self.cls(inputs, N_CLASSES, **self.params)

    def each(self) -> Iterator[tuple[Fusion, dict[str, Tokens]]]:
        """Fusions of one, two and three modalities in evaluation mode, each with a batch."""
        for n_modalities in range(1, len(INPUTS) + 1):
            inputs = self.inputs(n_modalities)
            yield self.build(inputs).eval(), make_batch(inputs)


def check_fusion(cls: type[Fusion], **params: object) -> Iterator[Check]:
    """All checks of a fusion, with one, two and three modalities."""
    subject = subject_of("fusion", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space)
    yield from checks_of(subject, FusionCase(cls, params_for(cls, params)), *CHECKS)


def make_batch(inputs: Mapping[str, TokenSpec], seed: int = 1, repeat: int = 1) -> dict[str, Tokens]:
    """Tokens of a complete sample, one with absent instances, one without each modality, and one without any."""
    generator = torch.Generator().manual_seed(seed)
    tokens = {}
    for m, (name, spec) in enumerate(inputs.items()):
        present = torch.ones(len(inputs) + 3, spec.instances, dtype=torch.bool)
        present[1, 1:] = False
        present[m + 2] = False
        present[-1] = False
        present = present.repeat(repeat, 1)
        x = torch.randn(*present.shape, spec.length, spec.dim, generator=generator)
        tokens[name] = Tokens(x * present[:, :, None, None], present)
    return tokens


def make_labels(tokens: Mapping[str, Tokens]) -> Tensor:
    """A label for each sample of the batch."""
    return torch.arange(len(next(iter(tokens.values())).present)) % N_CLASSES


def check_uses(case: FusionCase) -> None:
    """``uses`` names modalities that exist."""
    names = list(INPUTS)
    for name in case.cls.uses(names, **case.params):
        demand(name in names, f"uses() names {name!r} when there are {', '.join(names)}")


def check_shapes(case: FusionCase) -> None:
    """Logits ``(B, C)``, whatever the number of modalities; the loss is a scalar."""
    for fusion, tokens in case.each():
        logits, labels = fuse(fusion, tokens), make_labels(tokens)
        wanted = (len(labels), N_CLASSES)
        demand(
            tuple(logits.shape) == wanted, f"logits of {len(tokens)} modalities are {tuple(logits.shape)}, not {wanted}"
        )
        demand(logits.is_floating_point(), f"logits are {logits.dtype}, not a float type")
        loss = sum_losses(fusion.training_loss(tokens, labels, nn.functional.cross_entropy))
        demand(loss.ndim == 0, f"training_loss gives {tuple(loss.shape)}, not one number")


def check_finite(case: FusionCase) -> None:
    """Logits of complete samples are finite, for ordinary and for large tokens."""
    for fusion, tokens in case.each():
        complete = take(tokens, slice(0, 2))
        large = {name: each._replace(x=100 * each.x) for name, each in complete.items()}
        demand(bool(fuse(fusion, complete).isfinite().all()), "logits are not finite")
        demand(bool(fuse(fusion, large).isfinite().all()), "logits of tokens around 100 are not finite")


def check_batch_independence(case: FusionCase) -> None:
    """The logits of a sample do not depend on the others in the batch."""
    for fusion, tokens in case.each():
        whole = fuse(fusion, tokens)
        alone = torch.cat([fuse(fusion, take(tokens, slice(b, b + 1))) for b in range(len(whole))])
        demand(close(whole, alone), "a sample alone has other logits than in a batch")


def check_absent_instances(case: FusionCase) -> None:
    """The values of absent instances do not matter."""
    for fusion, tokens in case.each():
        noisy = {name: fill_absent(each) for name, each in tokens.items()}
        demand(close(fuse(fusion, noisy), fuse(fusion, tokens)), "the values of absent instances change the logits")


def check_missing_modality(case: FusionCase) -> None:
    """Logits and loss are finite if any modality, or all of them, are missing."""
    for fusion, tokens in case.each():
        rows = [*(f"without {name}" for name in tokens), "without any modality"]
        for row, what in enumerate(rows, start=2):
            sample = take(tokens, slice(row, row + 1))
            demand(bool(fuse(fusion, sample).isfinite().all()), f"logits of a sample {what} are not finite")
            loss = sum_losses(fusion.training_loss(sample, make_labels(sample), nn.functional.cross_entropy))
            demand(bool(loss.isfinite().all()), f"the loss of a sample {what} is not finite")


def check_key_order(case: FusionCase) -> None:
    """The order of the modalities does not matter, neither in ``inputs`` nor in a batch."""
    inputs = case.inputs(len(INPUTS))
    tokens = make_batch(inputs)
    fusion = case.build(inputs).eval()
    logits = fuse(fusion, tokens)
    backwards = {name: tokens[name] for name in reversed(tokens)}
    demand(close(fuse(fusion, backwards), logits), "tokens in another order give other logits")
    other = case.build({name: inputs[name] for name in reversed(inputs)}).eval()
    demand(close(fuse(other, tokens), logits), "inputs in another order build another network under the same seed")


def check_gradients(case: FusionCase) -> None:
    """Every parameter gets a gradient from ``training_loss``."""
    for n_modalities in range(1, len(INPUTS) + 1):
        inputs = case.inputs(n_modalities)
        with seeded(2):
            fusion = case.build(inputs).train()
            perturb(fusion)
            demand_gradients(fusion, (training_loss(fusion, make_batch(inputs, seed, REPEAT)) for seed in (1, 2)))


def check_state(case: FusionCase) -> None:
    """``state_dict`` holds everything that is learned or drawn."""
    for fusion, tokens in case.each():
        demand_registered(fusion)
        other = case.build(fusion.inputs, seed=1).eval()
        other.load_state_dict(fusion.state_dict())
        demand(close(fuse(other, tokens), fuse(fusion, tokens)), "a build with the same state_dict gives other logits")


def check_evaluation(case: FusionCase) -> None:
    """Evaluation changes neither the state nor the logits of the same samples later."""
    for fusion, tokens in case.each():
        before = weights_digest(fusion)
        passes = []
        for batch in (tokens, make_batch(fusion.inputs, seed=2), tokens):
            with seeded(3):
                passes.append(fuse(fusion, batch))
        demand(weights_digest(fusion) == before, "evaluation changes its state_dict")
        demand(close(passes[2], passes[0]), "samples have other logits after other samples were evaluated")


def check_rebuild(case: FusionCase) -> None:
    """A fusion that is built again is not affected by the training of another one."""
    for fusion, tokens in case.each():
        with seeded(3):
            first = fuse(fusion, tokens)
        with seeded(2):
            loss = training_loss(case.build(fusion.inputs).train(), make_batch(fusion.inputs, 1, REPEAT))
            if loss.requires_grad:
                loss.sum().backward()  # type: ignore[no-untyped-call]
        with seeded(3):
            again = fuse(case.build(fusion.inputs).eval(), tokens)
        demand(close(again, first), "built again after a training step it gives other logits")


def check_explain(case: FusionCase) -> None:
    """Explanations, if there are any, have one row per sample."""
    for fusion, tokens in case.each():
        if not overrides(fusion, "explain", Fusion):
            return
        n_samples = len(make_labels(tokens))
        with torch.no_grad():
            for name, value in fusion.explain(tokens).items():
                demand(len(value) == n_samples, f"explain() gives {len(value)} rows of {name} for {n_samples} samples")


CHECKS = (
    check_uses,
    check_shapes,
    check_finite,
    check_batch_independence,
    check_absent_instances,
    check_missing_modality,
    check_key_order,
    check_gradients,
    check_state,
    check_evaluation,
    check_rebuild,
    check_explain,
)


@torch.no_grad()
def fuse(fusion: Fusion, tokens: Mapping[str, Tokens]) -> Tensor:
    """Logits ``(B, C)``."""
    logits: Tensor = fusion({name: Tokens(*(part.clone() for part in each)) for name, each in tokens.items()})
    return logits


def training_loss(fusion: Fusion, tokens: Mapping[str, Tokens]) -> Tensor:
    """The loss of a batch with its labels."""
    return sum_losses(fusion.training_loss(tokens, make_labels(tokens), nn.functional.cross_entropy))


def take(tokens: Mapping[str, Tokens], rows: slice) -> dict[str, Tokens]:
    """Some of the samples."""
    return {name: Tokens(*(part[rows] for part in each)) for name, each in tokens.items()}


def fill_absent(tokens: Tokens) -> Tokens:
    """The tokens with large noise in place of absent instances."""
    noise = NOISE_SCALE * torch.randn(tokens.x.shape, generator=torch.Generator().manual_seed(3))
    return Tokens(torch.where(tokens.present[:, :, None, None], tokens.x, noise), tokens.present)
