"""Search space of a method: the tuned parameters, their defaults, and recipes with other values.

A parameter is named by its part and its own name: ``fusion.dim``, ``encoder.pix.depth``, ``trainer.alpha``,
``training.lr``.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

from mmbench.contract import Distribution, Float, TaskKind
from mmbench.errors import SpecError
from mmbench.registry import Recipe, find_predictor, load_registry, predictor_parameters

Space = Mapping[str, Distribution]

TRAINING_PART = "training"
TRAINER_PART = "trainer"
SMOOTHING = "label_smoothing"
TRAINING_SPACE: Space = {
    "label_smoothing": Float(0.0, 0.2),
    "lr": Float(1e-5, 1e-2, log=True),
    "weight_decay": Float(1e-4, 10.0, log=True),
}
"""The tuned parameters of the training loop, the same for every method."""


def find_search_space(
    recipe: Recipe, plugins: tuple[str, ...], frozen: Collection[str] = (), kind: TaskKind = "class"
) -> dict[str, Distribution]:
    """The spaces of the fusion, the trained encoders, the trainer and the training loop, without those the user set.

    An estimator has no training loop: its own space alone is searched.

    Encoders of the modalities ``frozen`` are left out: their tokens are computed once for all tuning trials. So is
    label smoothing where the task, of the kind ``kind``, is to predict values.
    """
    registry = load_registry(plugins)
    cls = find_predictor(registry, recipe)
    own = cls.tuned(**predictor_parameters(registry, recipe)) if recipe.kind == "estimator" else cls.space
    parts: dict[str, Space] = {recipe.kind: own}
    if recipe.trainer is not None:
        parts[TRAINER_PART] = registry.find("trainers", recipe.trainer.name).component.space
    for name, spec in recipe.encoders.items():
        if name not in frozen:
            parts[f"encoder.{name}"] = registry.find("encoders", spec.name).component.space
    smooths = kind != "values"
    if recipe.kind == "fusion":
        parts[TRAINING_PART] = {name: TRAINING_SPACE[name] for name in TRAINING_SPACE if smooths or name != SMOOTHING}
    named = {f"{part}.{name}": space[name] for part, space in sorted(parts.items()) for name in sorted(space)}
    return {name: distribution for name, distribution in named.items() if name not in recipe.held}


def default_parameters(recipe: Recipe, plugins: tuple[str, ...], space: Collection[str]) -> dict[str, Any]:
    """The values of the parameters of ``space`` in the recipe."""
    registry = load_registry(plugins)
    values = {recipe.kind: predictor_parameters(registry, recipe), TRAINING_PART: asdict(recipe.training)}
    if recipe.trainer is not None:
        values[TRAINER_PART] = registry.bound("trainers", recipe.trainer)
    values |= {f"encoder.{name}": registry.bound("encoders", spec) for name, spec in recipe.encoders.items()}
    return {name: values[_part(name)][_parameter(name)] for name in space}


def set_parameters(recipe: Recipe, params: Mapping[str, Any]) -> Recipe:
    """The recipe with ``params`` in place of its own values."""

    def of(part: str) -> dict[str, Any]:
        return {_parameter(name): value for name, value in params.items() if _part(name) == part}

    return replace(
        recipe,
        predictor=recipe.predictor.updated(of(recipe.kind)),
        encoders={name: spec.updated(of(f"encoder.{name}")) for name, spec in recipe.encoders.items()},
        training=replace(recipe.training, **of(TRAINING_PART)),
        trainer=recipe.trainer and recipe.trainer.updated(of(TRAINER_PART)),
    )


def check_used_modalities(recipe: Recipe, plugins: tuple[str, ...]) -> None:
    """Raise SpecError if the fusion or estimator, with its parameters, reads a modality that is not encoded."""
    registry = load_registry(plugins)
    used = find_predictor(registry, recipe).uses(recipe.modalities, **predictor_parameters(registry, recipe))
    if missing := [name for name in used if name not in recipe.encoders]:
        raise SpecError(
            f"reads {', '.join(missing)}, which it does not read with its defaults", where=str(recipe.predictor)
        )


def _part(name: str) -> str:
    return name.rpartition(".")[0]


def _parameter(name: str) -> str:
    return name.rpartition(".")[2]
