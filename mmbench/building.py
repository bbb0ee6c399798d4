"""Encoders and fusions from their specs, with weights drawn from a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

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
    for recipe in recipes:
        inputs = {name: unused(schema.modality(name)) for name in recipe.modalities}
        for name, spec in recipe.encoders.items():
            modality = schema.modality(name)
            if (name, str(spec)) not in outs:
                outs[name, str(spec)] = build_encoder(spec, modality, plugins, seed=0).out
            inputs[name] = replace(outs[name, str(spec)], instances=modality.instances)
        build_fusion(recipe.fusion, inputs, n_classes, plugins, seed=0)


def unused(modality: Modality) -> TokenSpec:
    """The tokens of a modality that a fusion does not use: none, but one knows which instances are there."""
    return TokenSpec(length=0, dim=0, instances=modality.instances)
