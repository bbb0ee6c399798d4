"""Methods of a comparison, resolved against a dataset: encoders, fusion, training, preset."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from inspect import Parameter, signature
from typing import Any

from mmbench.contract import Kind, Method, Modality, Schema, Task, Training
from mmbench.errors import SpecError
from mmbench.registry.plugins import Registry
from mmbench.registry.presets import Preset, find_preset
from mmbench.registry.specs import Spec, did_you_mean, parse_spec

DEFAULT_ENCODERS: Mapping[Kind, str] = {
    "timeseries": "conv1d",
    "audio": "logmel",
    "image": "timm",
    "video": "frames",
    "text": "hashing",
    "table": "table-embedding",
    "vector": "mlp",
}


HOST_TRAINER = "adamw"


@dataclass(frozen=True)
class Recipe:
    """A method resolved for one dataset.

    ``modalities`` are those that the fusion may use; ``encoders`` has an encoder for each one it uses. ``own_encoders``
    is True for a baseline with encoders of its own instead of those of the first method. ``preset`` holds what a preset
    set. ``held`` names the parameters that the user set, which tuning does not change: ``fusion.NAME``,
    ``encoder.MODALITY.NAME``, ``trainer.NAME`` or ``training.NAME``. ``trainer`` None is that of the host.
    """

    label: str
    modalities: tuple[str, ...]
    fusion: Spec
    encoders: Mapping[str, Spec]
    training: Training
    preset: Preset = field(default_factory=Preset)
    own_encoders: bool = False
    held: frozenset[str] = frozenset()
    trainer: Spec | None = None


@dataclass(frozen=True)
class MethodOptions:
    """What the user and a preset set over a method's defaults; ``modalities`` None: all."""

    encoders: Mapping[str, str]
    training: Mapping[str, Any]
    preset: Preset
    modalities: Sequence[str] | None = None
    trainer: str | None = None


def resolve_methods(
    registry: Registry, first: str, against: Sequence[str], dataset: str, schema: Schema, options: MethodOptions
) -> list[Recipe]:
    """The first method and its baselines; baselines take its encoders and training unless they name their own."""
    first_recipe = _resolve_all(registry, parse_spec(first), dataset, schema, options)
    recipes = [_keep_used(registry, first_recipe, schema)]
    for text in against:
        spec = parse_spec(text)
        method: Method = registry.find("methods", spec.name).component
        if method.encoders:
            preset = replace(find_preset(method, dataset, None), dataset={}, run={})
            own = resolve_method(registry, spec, dataset, schema, MethodOptions({}, {}, preset, options.modalities))
            recipes.append(replace(own, own_encoders=True))
        else:
            fusion = parse_spec(method.fusion).updated(spec.params)
            preset = replace(first_recipe.preset, fusion={})
            held = _parameter_names("fusion", spec.params) | {
                name for name in first_recipe.held if not name.startswith("fusion.")
            }
            trainer = _find_trainer(registry, method.trainer) if method.trainer else first_recipe.trainer
            own = replace(first_recipe, label=str(spec), fusion=fusion, preset=preset, held=held, trainer=trainer)
            recipes.append(_keep_used(registry, own, schema))
    labels = [recipe.label for recipe in recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise SpecError(f"{label!r} is named twice", where="--against", remedy="name each method once")
    return recipes


def resolve_method(registry: Registry, spec: Spec, dataset: str, schema: Schema, options: MethodOptions) -> Recipe:
    """A method with the encoders and the training of ``options``."""
    return _keep_used(registry, _resolve_all(registry, spec, dataset, schema, options), schema)


def choose_modalities(schema: Schema, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the ``wanted`` modalities (None: all), in the order of the schema; SpecError for an unknown one."""
    known = tuple(modality.name for modality in schema.modalities)
    for name in wanted or ():
        if name not in known:
            raise SpecError(f"no modality {name!r}", where="--modalities", remedy=did_you_mean(name, known))
    return known if wanted is None else tuple(name for name in known if name in wanted)


def _resolve_all(registry: Registry, spec: Spec, dataset: str, schema: Schema, options: MethodOptions) -> Recipe:
    """A recipe with an encoder for every modality, used by the fusion or not."""
    method: Method = registry.find("methods", spec.name).component
    preset = options.preset
    known = {key for modality in schema.modalities for key in encoder_keys(modality)}
    for key in options.encoders:
        if key not in known:
            raise SpecError(f"{dataset} has no modality {key!r}", where="--encoder", remedy=did_you_mean(key, known))
    layers = (DEFAULT_ENCODERS, method.encoders, preset.encoders, options.encoders)
    training = update_training(method.training, preset.training, f"preset {preset.name}")
    held = _parameter_names("fusion", spec.params) | _parameter_names("training", options.training)
    if options.trainer is not None:
        held |= _parameter_names("trainer", parse_spec(options.trainer).params)
    for item in schema.modalities:
        if chosen := _choose((options.encoders,), item):
            held |= _parameter_names(f"encoder.{item.name}", parse_spec(chosen).params)
    return Recipe(
        label=str(spec),
        modalities=choose_modalities(schema, options.modalities),
        fusion=parse_spec(method.fusion).updated(preset.fusion).updated(spec.params),
        encoders={item.name: parse_spec(_choose(layers, item)) for item in schema.modalities},
        training=update_training(training, options.training, "--training"),
        preset=preset.without(fusion=spec.params, encoders=options.encoders, training=options.training),
        held=held,
        trainer=_find_trainer(registry, options.trainer if options.trainer is not None else method.trainer),
    )


def _find_trainer(registry: Registry, text: str | None) -> Spec | None:
    """The spec of a trainer whose name and parameters are known; None for that of the host."""
    if text is None:
        return None
    spec = parse_spec(text)
    registry.bound("trainers", spec)
    return None if spec.name == HOST_TRAINER else spec


def _parameter_names(part: str, params: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{part}.{name}" for name in params)


def encoder_keys(modality: Modality) -> tuple[str, ...]:
    """The keys that choose the encoder of a modality, in order of precedence: its name, ``open-KIND``, its kind.

    ``open-KIND`` is for a modality of open length, so that a method can name another encoder there. Texts are always
    open and have no such key.
    """
    of_length = (f"open-{modality.kind}",) if modality.is_open and modality.kind != "text" else ()
    return (modality.name, *of_length, modality.kind)


def _choose(layers: Sequence[Mapping[Any, str]], modality: Modality) -> str:
    """The encoder of a modality: from the last layer that sets it under one of its keys."""
    found = (layer[key] for layer in reversed(layers) for key in encoder_keys(modality) if layer.get(key))
    return next(found, "")


def _keep_used(registry: Registry, recipe: Recipe, schema: Schema) -> Recipe:
    params = registry.bound("fusions", recipe.fusion)
    used = registry.find("fusions", recipe.fusion.name).component.uses(recipe.modalities, **params)
    for name in used:
        _check_encoder(registry, recipe.encoders[name], schema.modality(name))
    return replace(recipe, encoders={name: recipe.encoders[name] for name in recipe.modalities if name in used})


def _check_encoder(registry: Registry, spec: Spec, modality: Modality) -> None:
    cls = registry.find("encoders", spec.name).component
    if modality.kind not in cls.kinds:
        problem = f"encodes {' and '.join(cls.kinds)}, but {modality.name} is of kind {modality.kind}"
    elif not takes_modality(cls, modality):
        accepted, found = (
            ("one length", "differ in length") if modality.is_open else ("unequal length", "have one length")
        )
        problem = f"accepts instances of {accepted} only, but those of {modality.name} {found}"
    else:
        registry.bound("encoders", spec)
        return
    fitting = [name for name, entry in sorted(registry.encoders.items()) if takes_modality(entry.component, modality)]
    raise SpecError(
        problem,
        where=f"encoder {spec.name}",
        remedy=f"choose --encoder {modality.name}={' or '.join(fitting) or 'NAME'}",
    )


def takes_modality(encoder: Any, modality: Modality) -> bool:
    """Whether an encoder class accepts the kind of a modality, and its open or its one length."""
    if modality.kind not in encoder.kinds or modality.kind == "text":
        return modality.kind in encoder.kinds
    return bool(encoder.takes_lengths()) if modality.is_open else not requires_lengths(encoder)


def requires_lengths(encoder: Any) -> bool:
    """Whether ``forward`` of an encoder class cannot be called without ``lengths``, as for modalities of one length."""
    lengths = signature(encoder.forward).parameters.get("lengths")
    return lengths is not None and lengths.default is Parameter.empty


def check_tasks(registry: Registry, recipes: Iterable[Recipe], name: str, task: Task) -> None:
    """Raise SpecError for the first method whose fusion does not predict tasks of this kind."""
    for recipe in recipes:
        tasks = registry.find("fusions", recipe.fusion.name).component.tasks
        if task.kind not in tasks:
            raise SpecError(
                f"predicts tasks of kind {' and '.join(tasks)}, but {name} is of kind {task.kind}",
                where=f"fusion {recipe.fusion.name}",
                remedy="choose another method, or another task with --task",
            )


def update_training(training: Training, changes: Mapping[str, Any], where: str) -> Training:
    """Training settings with ``changes``; SpecError for an unknown setting or an invalid value."""
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
            f"invalid value {problem['input']!r}: {problem['msg']}",
            where=f"{where} {problem['loc'][0]}",
            remedy="give another value, or leave it out",
        ) from error
    if changed.clip < 0:
        raise SpecError(f"clip is {changed.clip}", where=where, remedy="give a norm, or 0 for no clipping")
    if not 0 <= changed.modality_dropout < 1:
        raise SpecError(
            f"modality_dropout is {changed.modality_dropout}",
            where=where,
            remedy="give a probability from 0 to below 1",
        )
    for name in ("epochs", "batch_size", "lr", "patience"):
        if not getattr(changed, name) > 0:
            raise SpecError(f"{name} is {getattr(changed, name)}", where=where, remedy="it must be above 0")
    return changed
