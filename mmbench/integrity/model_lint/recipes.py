"""Model lint of resolved methods: gradients, registration, concentration of weights, memory."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from mmbench.contract import Encoder, Fusion, Modality, Schema, Task, Tokens, TokenSpec, Training, overrides
from mmbench.errors import PluginError, SpecError, TrainingError
from mmbench.integrity.model_lint.machine import Machine
from mmbench.integrity.model_lint.networks import (
    find_unregistered,
    find_without_gradient,
    layer_sizes,
    measure_saved_bytes,
)
from mmbench.registry import (
    Recipe,
    Spec,
    build_encoder,
    build_estimator,
    build_fusion,
    component_errors,
    empty_token_spec,
    load_registry,
    seed_torch,
)
from mmbench.storage import current_reporter
from mmbench.training import (
    EstimatorFusion,
    check_outputs,
    encode_instances,
    make_criterion,
    random_instances,
    sum_losses,
)

_INSTANCES, _COMPLETE = 4, 8  # instances, and complete samples, of a batch
_ROUNDS = 2
_OPEN_LENGTH = 12  # tokens of the longest instance where their number is open
_MOST = 0.9
_LARGE = 1_000_000  # weights below which their concentration in one layer does not matter
_FLOAT = 4  # bytes
_TENSORS = 10_000  # limit for one network; the largest have a few thousand


@dataclass(frozen=True)
class Finding:
    """A finding in a ``part``; ``check`` is gradient, registration, concentration or memory."""

    check: str
    part: str
    message: str

    def __str__(self) -> str:
        return f"{self.part}: {self.message}"


Findings = Mapping[str, Sequence[Finding]]
"""Findings by label of the recipe."""


def report_findings(findings: Findings) -> None:
    """Report every finding once."""
    for line in dict.fromkeys(str(finding) for found in findings.values() for finding in found):
        current_reporter().message(f"lint: {line}")


@dataclass
class Part:
    """Properties of an encoder or fusion: weights per layer, trained weights, bytes of activations per sample."""

    name: str
    layers: dict[str, int] = field(default_factory=dict)
    trained: int = 0
    activations: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def lint(recipes: Sequence[Recipe], schema: Schema, task: Task, plugins: tuple[str, ...], machine: Machine) -> Findings:
    """Build and train every part for one step on random data: findings by the recipe's label.

    Raises UserError for parts that cannot be built or do not fit in memory, before any data are prepared.
    """
    encoders: dict[tuple[str, str], tuple[TokenSpec, Part]] = {}
    found = {}
    for recipe in recipes:
        for name, spec in recipe.encoders.items():
            if (name, str(spec)) not in encoders:
                with component_errors("encoders", spec, plugins, of=name):
                    encoders[name, str(spec)] = _check_encoder(spec, schema.modality(name), plugins, machine)
        mine = {name: encoders[name, str(spec)] for name, spec in recipe.encoders.items()}
        inputs = {name: empty_token_spec(schema.modality(name)) for name in recipe.modalities}
        inputs |= {name: replace(out, instances=schema.modality(name).instances) for name, (out, _) in mine.items()}
        parts = [part for _, part in mine.values()]
        with component_errors(f"{recipe.kind}s", recipe.predictor, plugins):
            if recipe.kind == "estimator":
                _check_estimator(recipe.predictor, inputs, task, plugins)
            else:
                parts.append(_check_fusion(recipe.predictor, inputs, task, plugins, machine))
        found[recipe.label] = [
            *(finding for part in parts for finding in part.findings),
            *check_concentration(parts),
            *check_memory(parts, recipe, machine),
        ]
    return found


def _check_encoder(
    spec: Spec, modality: Modality, plugins: tuple[str, ...], machine: Machine
) -> tuple[TokenSpec, Part]:
    part = Part(f"{modality.name} encoder {spec}")

    def build() -> Encoder:
        return build_encoder(spec, modality, plugins, seed=0)

    if "weights" not in load_registry(plugins).bound("encoders", spec):  # does not read a file of weights twice
        check_size(part.name, build, machine)
    with _own_random_numbers():
        encoder = build()
        _check_token_spec(encoder)
        part.layers = layer_sizes(encoder)
        part.findings += _check_registration(part.name, encoder)
        if not encoder.frozen:
            generator = torch.Generator().manual_seed(0)
            batches = [random_instances(modality, _INSTANCES, generator) for _ in range(_ROUNDS)]
            if overrides(encoder, "adapt", Encoder):
                encoder.adapt(*batches[0].arguments)
            losses = (lambda x=x: _any_loss(*encode_instances(encoder, x)) for x in batches)
            check_training_step(part, encoder, losses, per_sample=modality.instances / _INSTANCES)
    return encoder.out, part


def _check_token_spec(encoder: Encoder) -> None:
    out = getattr(encoder, "out", None)
    if not isinstance(out, TokenSpec) or out.dim < 1 or (out.length is not None and out.length < 1):
        raise PluginError(
            f"has out = {out}, not a TokenSpec of one token or more, and of a width of one or more",
            where=f"encoder {encoder.name} of {encoder.modality.name}",
            remedy="set self.out in __init__; length None where the number of tokens differs",
        )


def _check_fusion(
    spec: Spec, inputs: Mapping[str, TokenSpec], task: Task, plugins: tuple[str, ...], machine: Machine
) -> Part:
    part = Part(f"fusion {spec}")

    def build() -> Fusion:
        return build_fusion(spec, inputs, task, plugins, seed=0)

    check_size(part.name, build, machine)
    with _own_random_numbers():
        fusion = build()
        part.layers = layer_sizes(fusion)
        part.findings += _check_registration(part.name, fusion)
        target = _target(task, _COMPLETE + len(inputs) + 1)
        batches = [_tokens(inputs) for _ in range(_ROUNDS)]
        with torch.no_grad():
            check_outputs(fusion, fusion.eval()(batches[0]))
        losses = (
            lambda x=x: sum_losses(
                fusion.training_loss(x, target, make_criterion(target.numpy(), task, Training(class_weights=False)))
            )
            for x in batches
        )
        check_training_step(part, fusion, losses, per_sample=1 / len(target))
    return part


def _check_estimator(spec: Spec, inputs: Mapping[str, TokenSpec], task: Task, plugins: tuple[str, ...]) -> None:
    """Fit an estimator to random tokens and predict them; raises UserError where that fails."""
    with _own_random_numbers():
        fusion = EstimatorFusion(inputs, task, build_estimator(spec, plugins))
        tokens = _tokens(inputs)
        target = _target(task, _COMPLETE + len(inputs) + 1).numpy()
        fusion.fit(tokens, target, np.arange(len(target)), seed=0)
        check_outputs(fusion, fusion(tokens))


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Use separate random numbers, so that lint changes no result."""
    with torch.random.fork_rng(devices=[]):
        seed_torch(0)
        yield


def _tokens(inputs: Mapping[str, TokenSpec]) -> dict[str, Tokens]:
    """Complete samples, one without each modality and one without any, so that placeholders get gradients."""
    tokens = {}
    for number, (name, spec) in enumerate(inputs.items()):
        present = torch.ones(_COMPLETE + len(inputs) + 1, spec.instances, dtype=torch.bool)
        present[[_COMPLETE + number, -1]] = False
        length = _OPEN_LENGTH if spec.length is None else spec.length
        mask = present[..., None].expand(*present.shape, length)
        if spec.length is None:
            mask = mask & (torch.arange(length) < torch.randint(1, length + 1, present.shape)[..., None])
        x = torch.randn(*mask.shape, spec.dim)
        tokens[name] = Tokens(x * mask[..., None], present, mask)
    return tokens


def _target(task: Task, n_samples: int) -> Tensor:
    """Targets of a task in which every class occurs, both values of every label, and different values."""
    number = torch.arange(n_samples)
    if task.kind == "class":
        return number % task.n_outputs
    grid = number[:, None] + torch.arange(task.n_outputs)
    return grid.remainder(2).float() if task.kind == "labels" else grid.remainder(3).float() - 1


def _any_loss(tokens: Tensor, mask: Tensor) -> Tensor:
    return (tokens * mask[..., None] * torch.randn_like(tokens)).sum()


def check_training_step(
    part: Part, module: nn.Module, losses: Iterator[Callable[[], Tensor]], per_sample: float
) -> None:
    """Forward and backward pass on each batch; measures activations and finds parameters without gradient."""
    module.train()
    trainable = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not trainable:
        return
    for parameter in trainable.values():
        if not parameter.any():  # zero initialisation blocks the gradients of earlier layers
            nn.init.normal_(parameter, std=0.02)
    for make_loss in losses:
        loss, kept = measure_saved_bytes(make_loss, list(module.parameters()))
        part.activations = max(part.activations, kept * per_sample)
        if loss.requires_grad:
            loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]  # a hidden tensor may be in both graphs
    without = find_without_gradient(trainable)
    part.trained = sum(parameter.numel() for name, parameter in trainable.items() if name not in without)
    if without:
        size = sum(trainable[name].numel() for name in without)
        message = f"{size:,} weights get no gradient: {_shortened(without)}"
        part.findings.append(Finding("gradient", part.name, message))


def _check_registration(name: str, module: nn.Module) -> list[Finding]:
    return [
        Finding("registration", name, f"{where} {fault}: it is neither trained nor saved")
        for where, fault in find_unregistered(module)
    ]


def check_concentration(parts: Sequence[Part]) -> Iterator[Finding]:
    """Findings of one layer with nearly all weights."""
    total = sum(size for part in parts for size in part.layers.values())
    for part in parts:
        for layer, size in part.layers.items():
            if size > _LARGE and size > _MOST * total:
                share = f"{size:,} of {total:,} weights ({size / total:.0%})"
                yield Finding("concentration", part.name, f"the layer {layer} has {share}")


def check_memory(parts: Sequence[Part], recipe: Recipe, machine: Machine) -> Iterator[Finding]:
    """Finding of more memory needed by simultaneous trainings than available."""
    # Weights and a copy of the best ones; gradients and the two moments of AdamW; activations of a batch.
    weights = 2 * _FLOAT * sum(size for part in parts if part.trained for size in part.layers.values())
    state = 3 * _FLOAT * sum(part.trained for part in parts)
    batch = recipe.training.batch_size * sum(part.activations for part in parts)
    needed = machine.jobs * (weights + state + batch)
    if machine.memory is not None and needed > machine.memory:
        often = f"{machine.jobs} simultaneous trainings need" if machine.jobs > 1 else "training needs"
        detail = f"weights {_gb(weights)}, gradients and AdamW {_gb(state)}, a batch {_gb(batch)}"
        yield Finding(
            "memory",
            recipe.label,
            f"{often} about {_gb(needed)} GB (each: {detail}), available are {_gb(machine.memory)} GB: "
            "lower --training batch_size=... or --jobs, or use frozen encoders",
        )


def find_size(build: Callable[[], nn.Module]) -> int | None:
    """Bytes of the weights of a network, built without allocating memory; None if that is not possible.

    Raises SpecError for networks with too many tensors or with an invalid size.
    """
    try:
        with torch.device("meta"), _limit_tensors(), warnings.catch_warnings(action="ignore"):
            return sum(parameter.nbytes for parameter in build().parameters())
    except SpecError:
        raise
    except Exception:  # the network is built with memory next, which reports the error
        return None


@contextmanager
def _limit_tensors() -> Iterator[None]:
    """Raise SpecError as soon as a network has too many tensors: modules alone would fill the memory."""
    counted = count()

    def see(*_: object) -> None:
        if next(counted) >= _TENSORS:
            raise SpecError(f"more than {_TENSORS:,} tensors", where="network", remedy="choose a smaller depth")

    hook = register_module_parameter_registration_hook(see)
    try:
        yield
    finally:
        hook.remove()


def check_size(name: str, build: Callable[[], nn.Module], machine: Machine) -> None:
    """Raise TrainingError if the weights alone are larger than the memory; allocates nothing."""
    needed = find_size(build)
    if needed is not None and machine.memory is not None and needed > machine.memory:
        raise TrainingError(
            f"its weights alone need {_gb(needed)} GB, available are {_gb(machine.memory)} GB",
            where=name,
            remedy="choose a smaller network",
        )


def _shortened(names: Sequence[str], shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _gb(size: float) -> str:
    return f"{size / 2**30:.1f}"
