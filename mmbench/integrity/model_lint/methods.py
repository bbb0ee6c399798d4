"""Lint of one method, for the modalities of a dataset or, without one, for a time series and a bag of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmbench.contract import Modality, Schema, Task
from mmbench.integrity.model_lint.machine import Machine
from mmbench.integrity.model_lint.recipes import Finding, lint
from mmbench.registry import MethodOptions, Recipe, Registry, Spec, find_preset, parse_spec, resolve_methods

EXAMPLE = Schema(
    modalities=(
        Modality("series", "timeseries", (8, 128), rate=128.0),
        Modality("images", "image", (3, 64, 64), instances=5),
    ),
    tasks={"class": Task("class", ("a", "b", "c", "d"))},
)


@dataclass(frozen=True)
class LintRequest:
    """A method to check on ``dataset`` (None: an example schema), with other encoders and a preset where given."""

    method: str
    dataset: str | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    preset: str | None = None
    plugins: tuple[str, ...] = ()


def lint_method(registry: Registry, request: LintRequest, machine: Machine) -> Sequence[Finding]:
    """Findings of lint in a method; reads no file of the dataset."""
    spec = Spec("") if request.dataset is None else parse_spec(request.dataset)
    method = registry.find("methods", parse_spec(request.method).name).component
    preset = find_preset(method, spec.name, request.preset)
    if request.dataset is None:
        schema = EXAMPLE
    else:
        schema = registry.dataset(Spec(spec.name, {**preset.dataset, **spec.params})).schema()
    wishes = MethodOptions(request.encoders, {}, preset, preset.run.get("modalities"))
    (recipe,) = resolve_methods(registry, request.method, (), spec.name, schema, wishes)
    if request.dataset is None:
        recipe = _with_small_encoders(registry, recipe)
    task = next(iter(schema.tasks.values()))
    return lint([recipe], schema, task, request.plugins, machine)[recipe.label]


def _with_small_encoders(registry: Registry, recipe: Recipe) -> Recipe:
    """The recipe with the conformance parameters of its encoders, which need no download and no large image."""
    encoders = {
        name: replace(spec, params={**registry.find("encoders", spec.name).component.conformance, **spec.params})
        for name, spec in recipe.encoders.items()
    }
    return replace(recipe, encoders=encoders)
