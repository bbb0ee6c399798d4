"""Construction of encoders and fusions from their specs, with weights drawn from a seed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from mmbench.contract import Encoder, Estimator, Fusion, Modality, Schema, Task, TokenSpec
from mmbench.errors import SpecError
from mmbench.registry.methods import Recipe, predictor_parameters
from mmbench.registry.plugins import load_registry
from mmbench.registry.seeding import seed_torch
from mmbench.registry.specs import Spec, bind_parameters, parse_spec
from mmbench.storage import is_out_of_memory


def build_encoder(spec: Spec, modality: Modality, plugins: tuple[str, ...], seed: int) -> Encoder:
    """An encoder with weights drawn from ``seed``."""
    registry = load_registry(plugins)
    cls = registry.find("encoders", spec.name).component
    with _memory_errors(f"encoder {spec}"), torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        encoder: Encoder = cls(modality, **registry.bound("encoders", spec))
    return encoder


def make_encoder(spec: str, modality: Modality, choices: Sequence[type[Encoder]], *, where: str) -> Encoder:
    """An encoder within another one, from a spec such as ``timm[model=resnet18]`` that names one of ``choices``.

    Choices are classes that the module of the outer encoder imports, so that their code is part of its cache keys.
    SpecError about the parameter ``where`` for any other name.
    """
    wanted = parse_spec(spec)
    known = {cls.name: cls for cls in choices}
    if wanted.name not in known:
        raise SpecError(f"no encoder {wanted.name!r} can be used here", where=where, remedy=f"use {' or '.join(known)}")
    cls = known[wanted.name]
    return cls(modality, **bind_parameters(cls, wanted.params))


def build_fusion(
    spec: Spec, inputs: Mapping[str, TokenSpec], task: Task, plugins: tuple[str, ...], seed: int
) -> Fusion:
    """A fusion with weights drawn from ``seed``."""
    registry = load_registry(plugins)
    cls = registry.find("fusions", spec.name).component
    with _memory_errors(f"fusion {spec}"), torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        fusion: Fusion = cls(inputs, task.n_outputs, **registry.bound("fusions", spec))
    fusion.task = task
    return fusion


def build_estimator(spec: Spec, plugins: tuple[str, ...]) -> Estimator:
    """A new estimator, not fitted."""
    registry = load_registry(plugins)
    cls = registry.find("estimators", spec.name).component
    with _memory_errors(f"estimator {spec}"):
        estimator: Estimator = cls(**registry.bound("estimators", spec))
    return estimator


@contextmanager
def _memory_errors(part: str) -> Iterator[None]:
    """Raise SpecError if a part is too large for the memory."""
    try:
        yield
    except (RuntimeError, MemoryError, OverflowError, TypeError) as error:
        if is_out_of_memory(error) or "overflow" in str(error).lower():
            raise SpecError("does not fit into memory", where=part, remedy="choose a smaller one") from None
        raise


def check_augmentation(first: Recipe, schema: Schema, plugins: tuple[str, ...]) -> None:
    """Raise SpecError if augmentation would change nothing.

    Only the first method is checked: baselines inherit the setting, whatever modalities they use.
    """
    images = {name: spec for name, spec in first.encoders.items() if schema.modality(name).kind == "image"}
    trained = (not build_encoder(spec, schema.modality(name), plugins, seed=0).frozen for name, spec in images.items())
    if first.training.augment and not any(trained):
        raise SpecError(
            f"{first.label} trains no image encoder, which augmentation needs",
            where="--training augment=true",
            remedy="leave it out, or train the encoder (frozen=false)",
        )


def all_parameters(recipe: Recipe, plugins: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """The parameters of the fusion or estimator, of the trainer and of each encoder of a recipe."""
    registry = load_registry(plugins)
    if recipe.trainer is not None:
        yield registry.bound("trainers", recipe.trainer)
    yield predictor_parameters(registry, recipe)
    for spec in recipe.encoders.values():
        yield registry.bound("encoders", spec)


def empty_token_spec(modality: Modality) -> TokenSpec:
    """The token spec of a modality that a fusion does not use: no tokens, only the presence of instances."""
    return TokenSpec(length=0, dim=0, instances=modality.instances)
