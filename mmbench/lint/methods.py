"""Lint of one method, on a dataset's modalities or, where none is named, on a time series and a bag of images."""

from dataclasses import replace

from mmbench.lint.machine import Machine
from mmbench.lint.recipes import Finding, lint
from mmbench.methods import Recipe, Wishes, resolve
from mmbench.plugins import Registry
from mmbench.specs import parse_spec
from mmbench.types import Modality, Schema

EXAMPLE = Schema(
    modalities=(
        Modality("series", "timeseries", (8, 128), rate=128.0),
        Modality("images", "image", (3, 64, 64), instances=5),
    ),
    tasks={"class": ("a", "b", "c", "d")},
)


def lint_method(
    registry: Registry, method: str, wishes: Wishes, machine: Machine, dataset: str | None, plugins: tuple[str, ...]
) -> list[Finding]:
    """What lint finds in ``method``; no file of the dataset is read."""
    if dataset is None:
        (recipe,) = resolve(registry, method, (), "", EXAMPLE, wishes)
        schema, recipe = EXAMPLE, _small(registry, recipe)
    else:
        spec = parse_spec(dataset)
        schema = registry.dataset(spec).schema()
        (recipe,) = resolve(registry, method, (), spec.name, schema, wishes)
    n_classes = len(next(iter(schema.tasks.values())))
    return lint([recipe], schema, n_classes, plugins, machine)[recipe.label]


def _small(registry: Registry, recipe: Recipe) -> Recipe:
    """The encoders with the parameters they are checked with, which need neither the network nor a large image."""
    encoders = {
        name: replace(spec, params={**registry.find("encoders", spec.name).component.conformance, **spec.params})
        for name, spec in recipe.encoders.items()
    }
    return replace(recipe, encoders=encoders)
