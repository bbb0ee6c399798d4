"""From names on the shell line to what is built: the methods of a comparison, resolved against a dataset."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmbench.components import Method
from mmbench.errors import SpecError
from mmbench.plugins import Registry
from mmbench.specs import Spec, did_you_mean, parse_spec
from mmbench.types import Kind, Modality, Schema, Training

DEFAULT_ENCODERS: Mapping[Kind, str] = {"timeseries": "conv1d", "image": "timm", "vector": "mlp"}
_TABLES = ("fusion", "encoders", "training")


@dataclass(frozen=True)
class Recipe:
    """A method made concrete for one dataset.

    ``encoders`` holds those of the modalities that the fusion uses. ``own_encoders`` tells that a baseline brought its
    own instead of taking those of the first method.
    """

    label: str
    fusion: Spec
    encoders: Mapping[str, Spec]
    training: Training
    own_encoders: bool = False
    preset: str | None = None


@dataclass(frozen=True)
class Wishes:
    """What the user asked for over a method's defaults."""

    encoders: Mapping[str, str]
    training: Mapping[str, Any]
    preset: str | None = None


def resolve(
    registry: Registry, first: str, against: Sequence[str], dataset: str, schema: Schema, wishes: Wishes
) -> list[Recipe]:
    """The first method and its baselines; baselines take its encoders and training unless they name their own."""
    leader = _resolve_first(registry, parse_spec(first), dataset, schema, wishes)
    recipes = [_used(registry, leader, schema)]
    for text in against:
        spec = parse_spec(text)
        method: Method = registry.find("methods", spec.name).component
        if method.encoders:
            own = _resolve_first(registry, spec, dataset, schema, Wishes({}, {}))
            recipe = replace(own, label=str(spec), own_encoders=True)
        else:
            fusion = parse_spec(method.fusion).updated(spec.params)
            recipe = replace(leader, label=str(spec), fusion=fusion, preset=None)
        recipes.append(_used(registry, recipe, schema))
    labels = [recipe.label for recipe in recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise SpecError(f"{label!r} is asked for twice", where="--against", remedy="name each method once")
    return recipes


def _resolve_first(registry: Registry, spec: Spec, dataset: str, schema: Schema, wishes: Wishes) -> Recipe:
    method: Method = registry.find("methods", spec.name).component
    name, preset = find_preset(method, dataset, wishes.preset)
    known = {key for modality in schema.modalities for key in (modality.name, modality.kind)}
    for key in wishes.encoders:
        if key not in known:
            raise SpecError(f"{dataset} has no modality {key!r}", where="--encoder", remedy=did_you_mean(key, known))
    layers = (DEFAULT_ENCODERS, method.encoders, preset.get("encoders", {}), wishes.encoders)
    encoders = {item.name: parse_spec(_choose(layers, item.name, item.kind)) for item in schema.modalities}
    fusion = parse_spec(method.fusion).updated(preset.get("fusion", {})).updated(spec.params)
    training = update_training(method.training, preset.get("training", {}), f"preset {name}")
    training = update_training(training, wishes.training, "--training")
    return Recipe(str(spec), fusion, encoders, training, preset=name)


def _choose(layers: Sequence[Mapping[Any, str]], name: str, kind: str) -> str:
    """The last layer that speaks of a modality wins; within a layer its name wins over its kind."""
    chosen = ""
    for layer in layers:
        chosen = layer.get(name) or layer.get(kind) or chosen
    return chosen


def _used(registry: Registry, recipe: Recipe, schema: Schema) -> Recipe:
    params = registry.bound("fusions", recipe.fusion)
    names = [modality.name for modality in schema.modalities]
    used = registry.find("fusions", recipe.fusion.name).component.uses(names, **params)
    for name in used:
        _check_encoder(registry, recipe.encoders[name], schema.modality(name))
    return replace(recipe, encoders={name: recipe.encoders[name] for name in names if name in used})


def _check_encoder(registry: Registry, spec: Spec, modality: Modality) -> None:
    kinds = registry.find("encoders", spec.name).component.kinds
    if modality.kind not in kinds:
        raise SpecError(
            f"encodes {' and '.join(kinds)}, but {modality.name} is of kind {modality.kind}",
            where=f"encoder {spec.name}",
            remedy=f"choose another with --encoder {modality.name}=NAME",
        )
    registry.bound("encoders", spec)


def update_training(training: Training, changes: Mapping[str, Any], where: str) -> Training:
    """Training settings with some of them changed; SpecError for an unknown one or an impossible value."""
    from pydantic import TypeAdapter, ValidationError

    settings = asdict(training)
    for name in changes:
        if name not in settings:
            raise SpecError(f"no setting {name!r}", where=where, remedy=did_you_mean(name, settings))
    try:
        changed = TypeAdapter(Training).validate_python({**settings, **changes})
    except ValidationError as error:
        problem = error.errors()[0]
        raise SpecError(
            f"{problem['input']!r} will not do: {problem['msg']}", where=f"{where} {problem['loc'][0]}"
        ) from error
    for name in ("epochs", "batch_size", "lr", "clip", "patience"):
        if not getattr(changed, name) > 0:
            raise SpecError(f"{name} is {getattr(changed, name)}", where=where, remedy="it must be above 0")
    return changed


def find_preset(method: Method, dataset: str, wanted: str | None) -> tuple[str | None, Mapping[str, Any]]:
    """A method's preset: the one asked for by name or path, else the one named like the dataset, else none."""
    if wanted and wanted.endswith(".toml"):
        return wanted, _load_preset(Path(wanted))
    shelf = {path.stem: path for path in sorted(method.presets.glob("*.toml"))} if method.presets else {}
    if wanted is None:
        return (dataset, _load_preset(shelf[dataset])) if dataset in shelf else (None, {})
    if wanted not in shelf:
        raise SpecError(f"{method.name} has no preset {wanted!r}", where="--preset", remedy=did_you_mean(wanted, shelf))
    return wanted, _load_preset(shelf[wanted])


def _load_preset(path: Path) -> Mapping[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot be read ({error})", where=path, remedy="give --preset a TOML file") from error
    for name, table in tables.items():
        if name not in _TABLES or not isinstance(table, dict):
            raise SpecError(f"{name!r} is not a table of a preset", where=path, remedy=did_you_mean(name, _TABLES))
    return tables
