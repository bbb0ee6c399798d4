"""Encoders and fusions from their specs, with weights drawn from a seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from mmbench.errors import SpecError
from mmbench.methods import Recipe
from mmbench.networks import Encoder, Fusion
from mmbench.plugins import load_registry
from mmbench.specs import Spec
from mmbench.types import Modality, Schema, TokenSpec


def build_encoder(spec: Spec, modality: Modality, plugins: tuple[str, ...], seed: int) -> Encoder:
    """An encoder with weights drawn from ``seed``."""
    registry = load_registry(plugins)
    cls = registry.find("encoders", spec.name).component
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder: Encoder = cls(modality, **registry.bound("encoders", spec))
    return encoder


def build_fusion(
    spec: Spec, inputs: Mapping[str, TokenSpec], n_classes: int, plugins: tuple[str, ...], seed: int
) -> Fusion:
    """A fusion with weights drawn from ``seed``."""
    registry = load_registry(plugins)
    cls = registry.find("fusions", spec.name).component
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fusion: Fusion = cls(inputs, n_classes, **registry.bound("fusions", spec))
    return fusion


def check_buildable(recipes: Sequence[Recipe], schema: Schema, n_classes: int, plugins: tuple[str, ...]) -> None:
    """Build every part once and drop it, so that what cannot be built is told before hours of preparing."""
    outs: dict[tuple[str, str], TokenSpec] = {}
    trained: set[tuple[str, str]] = set()
    for recipe in recipes:
        inputs = {modality.name: unused(modality) for modality in schema.modalities}
        for name, spec in recipe.encoders.items():
            modality = schema.modality(name)
            if (name, str(spec)) not in outs:
                encoder = build_encoder(spec, modality, plugins, seed=0)
                outs[name, str(spec)] = encoder.out
                trained |= set() if encoder.frozen else {(name, str(spec))}
            inputs[name] = replace(outs[name, str(spec)], instances=modality.instances)
        build_fusion(recipe.fusion, inputs, n_classes, plugins, seed=0)
    # Baselines take the setting over from the first, whatever they read.
    first = recipes[0]
    images = {(name, str(spec)) for name, spec in first.encoders.items() if schema.modality(name).kind == "image"}
    if first.training.augment and not images & trained:
        raise SpecError(
            f"{first.label} trains no image encoder whose images could be changed",
            where="--training augment=true",
            remedy="leave it out, or train the encoder (frozen=false)",
        )


def all_params(recipe: Recipe, plugins: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """The parameters of the fusion and of each encoder of a recipe."""
    registry = load_registry(plugins)
    yield registry.bound("fusions", recipe.fusion)
    for spec in recipe.encoders.values():
        yield registry.bound("encoders", spec)


def unused(modality: Modality) -> TokenSpec:
    """The tokens of a modality that a fusion does not use: none, but one knows which instances are there."""
    return TokenSpec(length=0, dim=0, instances=modality.instances)
