"""Checks of fusions: shapes, tasks, missing modalities, gradients, determinism, state."""

from collections.abc import Iterator
from unittest import SkipTest

import torch

from mmbench.conformance.declaration import check_name, check_parameters, check_space, params_for, subject_of
from mmbench.conformance.fusion_cases import (
    INPUTS,
    TASKS,
    FusionCase,
    count_samples,
    fuse,
    make_batch,
    take,
    training_loss,
)
from mmbench.conformance.fusion_lengths import check_no_tokens, check_padding
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.tensors import close, demand_gradients, demand_registered, perturb, seeded
from mmbench.contract import Fusion, Tokens, overrides
from mmbench.training import weights_digest

NOISE_SCALE = 1e3
# Samples of each kind in a training batch: enough that dropout keeps some.
REPEAT = 4


def check_fusion(cls: type[Fusion], **params: object) -> Iterator[Check]:
    """All checks of a fusion, with one, two and three modalities, of fixed and of open lengths."""
    subject = subject_of("fusion", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space)
    yield from checks_of(subject, FusionCase(cls, params_for(cls, params)), *CHECKS)


def check_uses(case: FusionCase) -> None:
    """``uses`` names modalities that exist."""
    names = list(INPUTS)
    for name in case.cls.uses(names, **case.params):
        demand(name in names, f"uses() names {name!r} when there are {', '.join(names)}")


def check_shapes(case: FusionCase) -> None:
    """Outputs ``(B, n_outputs)``, whatever the number of modalities; the loss is a scalar."""
    for fusion, tokens in case.each():
        outputs, wanted = fuse(fusion, tokens), (count_samples(tokens), case.task.n_outputs)
        demand(
            tuple(outputs.shape) == wanted,
            f"outputs of {len(tokens)} modalities are {tuple(outputs.shape)}, not {wanted}",
        )
        demand(outputs.is_floating_point(), f"outputs are {outputs.dtype}, not a float type")
        loss = training_loss(fusion, tokens)
        demand(loss.ndim == 0, f"training_loss gives {tuple(loss.shape)}, not one number")


def check_tasks(case: FusionCase) -> None:
    """Every kind of task in ``tasks`` has its outputs, whatever their number, and a finite loss."""
    demand(bool(case.cls.tasks), "tasks is empty")
    inputs = case.inputs(len(INPUTS))
    tokens = take(make_batch(inputs), slice(0, 2))
    for kind in case.cls.tasks:
        demand(kind in TASKS, f"tasks names {kind!r}, which is none of {', '.join(TASKS)}")
        for task in TASKS[kind]:
            what = f"a task of kind {kind} with {task.n_outputs} {'output' if task.n_outputs == 1 else 'outputs'}"
            fusion = case.build(inputs, task=task).eval()
            outputs = fuse(fusion, tokens)
            if task == case.task and outputs.shape[1:] != (task.n_outputs,):
                raise SkipTest("the outputs have another shape, which the check of shapes reports")
            demand(tuple(outputs.shape) == (2, task.n_outputs), f"outputs of {what} are {tuple(outputs.shape)}")
            demand(bool(outputs.isfinite().all()), f"outputs of {what} are not finite")
            demand(bool(training_loss(fusion, tokens).isfinite().all()), f"the loss of {what} is not finite")


def check_finite(case: FusionCase) -> None:
    """Outputs of complete samples are finite, for ordinary and for large tokens."""
    for fusion, tokens in case.each():
        complete = take(tokens, slice(0, 2))
        large = {name: each._replace(x=100 * each.x) for name, each in complete.items()}
        demand(bool(fuse(fusion, complete).isfinite().all()), "outputs are not finite")
        demand(bool(fuse(fusion, large).isfinite().all()), "outputs of tokens around 100 are not finite")


def check_batch_independence(case: FusionCase) -> None:
    """The outputs of a sample do not depend on the others in the batch."""
    for fusion, tokens in case.each():
        whole = fuse(fusion, tokens)
        alone = torch.cat([fuse(fusion, take(tokens, slice(b, b + 1))) for b in range(len(whole))])
        demand(close(whole, alone), "a sample alone has other outputs than in a batch")


def check_absent_instances(case: FusionCase) -> None:
    """The values of absent instances do not matter."""
    for fusion, tokens in case.each():
        noisy = {name: fill_absent(each) for name, each in tokens.items()}
        demand(close(fuse(fusion, noisy), fuse(fusion, tokens)), "the values of absent instances change the outputs")


def check_missing_modality(case: FusionCase) -> None:
    """Outputs and loss are finite if any modality, or all of them, are missing."""
    for fusion, tokens in case.each():
        rows = [*(f"without {name}" for name in tokens), "without any modality"]
        for row, what in enumerate(rows, start=2):
            sample = take(tokens, slice(row, row + 1))
            demand(bool(fuse(fusion, sample).isfinite().all()), f"outputs of a sample {what} are not finite")
            loss = training_loss(fusion, sample)
            demand(bool(loss.isfinite().all()), f"the loss of a sample {what} is not finite")


def check_key_order(case: FusionCase) -> None:
    """The order of the modalities does not matter, neither in ``inputs`` nor in a batch."""
    inputs = case.inputs(len(INPUTS))
    tokens = make_batch(inputs)
    fusion = case.build(inputs).eval()
    outputs = fuse(fusion, tokens)
    backwards = {name: tokens[name] for name in reversed(tokens)}
    demand(close(fuse(fusion, backwards), outputs), "tokens in another order give other outputs")
    other = case.build({name: inputs[name] for name in reversed(inputs)}).eval()
    demand(close(fuse(other, tokens), outputs), "inputs in another order build another network under the same seed")


def check_gradients(case: FusionCase) -> None:
    """Every parameter gets a gradient from ``training_loss``."""
    for inputs in case.all_inputs():
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
        demand(close(fuse(other, tokens), fuse(fusion, tokens)), "a build with the same state_dict gives other outputs")


def check_evaluation(case: FusionCase) -> None:
    """Evaluation changes neither the state nor the outputs of the same samples later."""
    for fusion, tokens in case.each():
        before = weights_digest(fusion)
        passes = []
        for batch in (tokens, make_batch(fusion.inputs, seed=2), tokens):
            with seeded(3):
                passes.append(fuse(fusion, batch))
        demand(weights_digest(fusion) == before, "evaluation changes its state_dict")
        demand(close(passes[2], passes[0]), "samples have other outputs after other samples were evaluated")


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
        demand(close(again, first), "built again after a training step it gives other outputs")


def check_explain(case: FusionCase) -> None:
    """Explanations, if there are any, have one row per sample."""
    for fusion, tokens in case.each():
        if not overrides(fusion, "explain", Fusion):
            return
        n_samples = count_samples(tokens)
        with torch.no_grad():
            for name, value in fusion.explain(tokens).items():
                demand(len(value) == n_samples, f"explain() gives {len(value)} rows of {name} for {n_samples} samples")


CHECKS = (
    check_uses,
    check_shapes,
    check_tasks,
    check_finite,
    check_batch_independence,
    check_absent_instances,
    check_missing_modality,
    check_padding,
    check_no_tokens,
    check_key_order,
    check_gradients,
    check_state,
    check_evaluation,
    check_rebuild,
    check_explain,
)


def fill_absent(tokens: Tokens) -> Tokens:
    """The tokens with large noise in place of absent instances."""
    noise = NOISE_SCALE * torch.randn(tokens.x.shape, generator=torch.Generator().manual_seed(3))
    return tokens._replace(x=torch.where(tokens.present[:, :, None, None], tokens.x, noise))
