"""Lint of one method, on a dataset's modalities or, where none is named, on a time series and a bag of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmbench.contract import Modality, Schema
from mmbench.integrity.model_lint.machine import Machine
from mmbench.integrity.model_lint.recipes import Finding, lint
from mmbench.registry import MethodOptions, Recipe, Registry, Spec, find_preset, parse_spec, resolve_methods

EXAMPLE = Schema(
    modalities=(
        Modality("series", "timeseries", (8, 128), rate=128.0),
        Modality("images", "image", (3, 64, 64), instances=5),
    ),
    tasks={"class": ("a", "b", "c", "d")},
)


@dataclass(frozen=True)
class LintRequest:
    """A method to look at, its encoders where not its own, and a preset; on ``dataset``, None for an example."""

    method: str
    dataset: str | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    preset: str | None = None
    plugins: tuple[str, ...] = ()


def lint_method(registry: Registry, question: LintRequest, machine: Machine) -> Sequence[Finding]:
    """What lint finds in a method; no file of the dataset is read."""
    spec = Spec("") if question.dataset is None else parse_spec(question.dataset)
    method = registry.find("methods", parse_spec(question.method).name).component
    preset = find_preset(method, spec.name, question.preset)
    if question.dataset is None:
        schema = EXAMPLE
    else:
        schema = registry.dataset(Spec(spec.name, {**preset.dataset, **spec.params})).schema()
    wishes = MethodOptions(question.encoders, {}, preset, preset.run.get("modalities"))
    (recipe,) = resolve_methods(registry, question.method, (), spec.name, schema, wishes)
    if question.dataset is None:
        recipe = _with_small_encoders(registry, recipe)
    n_classes = len(next(iter(schema.tasks.values())))
    return lint([recipe], schema, n_classes, question.plugins, machine)[recipe.label]


def _with_small_encoders(registry: Registry, recipe: Recipe) -> Recipe:
    """The encoders with the parameters they are checked with, which need neither the network nor a large image."""
    encoders = {
        name: replace(spec, params={**registry.find("encoders", spec.name).component.conformance, **spec.params})
        for name, spec in recipe.encoders.items()
    }
    return replace(recipe, encoders=encoders)
