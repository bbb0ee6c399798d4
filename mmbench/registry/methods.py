"""Methods of a comparison, resolved against a dataset: encoders, fusion or estimator, training, preset."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from mmbench.contract import Kind, Method, Modality, Schema, Task, Training
from mmbench.errors import PluginError, SpecError
from mmbench.registry.baselines import AUTO, auto_baselines
from mmbench.registry.encoder_checks import check_encoder, has_trained_weights
from mmbench.registry.plugins import Registry
from mmbench.registry.presets import Preset, find_preset
from mmbench.registry.specs import Spec, did_you_mean, parse_spec
from mmbench.registry.trainers import check_no_trainer, find_trainer, split_trainer, with_host_trainer

DEFAULT_ENCODERS: Mapping[Kind, str] = {
    "timeseries": "conv1d",
    "audio": "logmel",
    "image": "timm",
    "video": "frames",
    "text": "hashing",
    "table": "table-embedding",
    "vector": "mlp",
}
FROZEN_ENCODERS: Mapping[str, str] = {
    "timeseries": "de",
    "slow-timeseries": "spectrum",
    "open-timeseries": "curves",
    "audio": "audio-statistics",
    "image": "pixels",
    "video": "frames[encoder='pixels',head=mean]",
    "text": "hashing",
    "table": "table",
    "vector": "raw",
}
"""Default encoders of estimators, which cannot train any."""
_SLOW = 90.0  # Hz
Predictor = Literal["fusion", "estimator"]
"""What makes outputs of tokens; the registry keeps each kind under its plural."""


@dataclass(frozen=True)
class Recipe:
    """A method resolved for one dataset.

    ``predictor`` is its fusion or estimator, as ``kind`` says. ``modalities`` are those that it may use; ``encoders``
    has an encoder for each one it uses. ``own_encoders`` is True for a baseline with encoders of its own instead of
    those of the first method, and for any method whose fusion requires its encoders. ``preset`` holds what a preset
    set. ``held`` names the parameters that the user set, which tuning does not change: ``fusion.NAME``,
    ``estimator.NAME``, ``encoder.MODALITY.NAME``, ``trainer.NAME`` or ``training.NAME``. ``trainer`` None is that of
    the host; an estimator has none.
    """

    label: str
    modalities: tuple[str, ...]
    predictor: Spec
    encoders: Mapping[str, Spec]
    training: Training
    preset: Preset = field(default_factory=Preset)
    own_encoders: bool = False
    held: frozenset[str] = frozenset()
    kind: Predictor = "fusion"
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
    """The first method and its baselines; baselines take its encoders and training unless they name their own.

    ``auto`` among ``against`` stands for those of `auto_baselines` that differ from the methods named otherwise, and
    for the first method with the trainer of the host, where it has another.
    """
    first_recipe = _resolve_all(registry, parse_spec(first), dataset, schema, options)
    recipes = [_keep_used(registry, first_recipe, schema)]

    def resolve(text: str) -> Recipe:
        return _resolve_baseline(registry, parse_spec(text), first_recipe, dataset, schema, options)

    recipes += [resolve(text) for text in against if text != AUTO]
    labels = [recipe.label for recipe in recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise SpecError(f"{label!r} is named twice", where="--against", remedy="name each method once")
    automatic = auto_baselines(recipes[0].encoders, first_recipe.modalities) if AUTO in against else ()
    others = [resolve(text) for text in automatic if text not in labels]
    if AUTO in against and recipes[0].trainer is not None:
        others.insert(0, replace(recipes[0], label=with_host_trainer(first), trainer=None))
    others = [each for each in others if not any(_computes_same(registry, each, one) for one in recipes)]
    _check_encoder_options(options.encoders, [*recipes, *others], schema)
    return [*recipes, *others]


def _check_encoder_options(keys: Iterable[str], recipes: Sequence[Recipe], schema: Schema) -> None:
    """Raise SpecError for an encoder that no method takes, since all that could bring their own."""
    for key in keys:
        names = {modality.name for modality in schema.modalities if key in encoder_keys(modality)}
        reading = [recipe for recipe in recipes if names & recipe.encoders.keys()]
        if reading and all(recipe.own_encoders for recipe in reading):
            raise SpecError(
                f"is taken by no method: {reading[0].label} has encoders of its own",
                where=f"--encoder {key}=...",
                remedy="leave it out, or name a method in --against that takes it",
            )


def _resolve_baseline(
    registry: Registry, spec: Spec, first: Recipe, dataset: str, schema: Schema, options: MethodOptions
) -> Recipe:
    """A baseline with the encoders and the training of the first method, or with its own."""
    method: Method = registry.find("methods", spec.name).component
    if method.encoders:
        preset = replace(find_preset(method, dataset, None), dataset={}, run={})
        own = resolve_method(registry, spec, dataset, schema, MethodOptions({}, {}, preset, options.modalities))
        return replace(own, own_encoders=True)
    kind = predictor_kind(method)
    held = {name for name in first.held if not name.startswith(f"{first.kind}.")}
    label, (spec, named) = str(spec), split_trainer(method, spec)
    own_trainer = named if named is not None else method.trainer
    own = replace(
        first,
        label=label,
        predictor=parse_spec(predictor_of(method)).updated(spec.params),
        preset=replace(first.preset, fusion={}, estimator={}),
        held=_parameter_names(kind, spec.params) | held,
        kind=kind,
    )
    if own_trainer is not None:
        own = _with_trainer(registry, own, own_trainer, named)
    if kind == "estimator":
        own = _with_frozen_encoders(registry, own, schema)
    return _keep_used(registry, own, schema)


def _computes_same(registry: Registry, one: Recipe, other: Recipe) -> bool:
    """Whether two recipes differ in nothing but their names."""
    return _computed(registry, one) == _computed(registry, other)


def _computed(registry: Registry, recipe: Recipe) -> tuple[object, ...]:
    predictor = recipe.kind, recipe.predictor.name, predictor_parameters(registry, recipe)
    trainer = recipe.trainer and (recipe.trainer.name, registry.bound("trainers", recipe.trainer))
    return *predictor, recipe.encoders, recipe.training, recipe.modalities, trainer


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
    label, (spec, named) = str(spec), split_trainer(method, spec)
    preset = options.preset
    known = {key for modality in schema.modalities for key in encoder_keys(modality)}
    for key in options.encoders:
        if key not in known:
            raise SpecError(f"{dataset} has no modality {key!r}", where="--encoder", remedy=did_you_mean(key, known))
    kind = predictor_kind(method)
    defaults = DEFAULT_ENCODERS if kind == "fusion" else FROZEN_ENCODERS
    layers = (defaults, method.encoders, preset.encoders, options.encoders)
    training = update_training(method.training, preset.training, f"preset {preset.name}")
    held = _parameter_names(kind, spec.params) | _parameter_names("training", options.training)
    for item in schema.modalities:
        if chosen := _choose((options.encoders,), item):
            held |= _parameter_names(f"encoder.{item.name}", parse_spec(chosen).params)
    recipe = Recipe(
        label=label,
        modalities=choose_modalities(schema, options.modalities),
        predictor=parse_spec(predictor_of(method)).updated(getattr(preset, kind)).updated(spec.params),
        encoders={item.name: parse_spec(_choose(layers, item)) for item in schema.modalities},
        training=update_training(training, options.training, "--training"),
        preset=preset.without(**{kind: spec.params}, encoders=options.encoders, training=options.training),
        held=held,
        kind=kind,
    )
    wanted = options.trainer if named is None else named
    return _with_trainer(registry, recipe, method.trainer if wanted is None else wanted, wanted)


def _with_trainer(registry: Registry, recipe: Recipe, trainer: str | None, named: str | None) -> Recipe:
    """The recipe with a trainer, whose parameters are held if it is the one that the user ``named``."""
    others = {name for name in recipe.held if not name.startswith("trainer.")}
    held = _parameter_names("trainer", parse_spec(named).params) if named is not None else frozenset()
    return replace(recipe, trainer=find_trainer(registry, trainer), held=held | others)


def _parameter_names(part: str, params: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{part}.{name}" for name in params)


def encoder_keys(modality: Modality) -> tuple[str, ...]:
    """The keys that choose the encoder of a modality, in order of precedence: name, ``open-KIND``, ``slow-KIND``, kind.

    ``open-KIND`` is for a modality of open length, so that a method can name another encoder there. Texts are always
    open and have no such key. ``slow-timeseries`` is for time series without a rate, or with one of 90 Hz or less, too
    low for the bands of EEG, which end at 45 Hz.
    """
    of_length = (f"open-{modality.kind}",) if modality.is_open and modality.kind != "text" else ()
    is_slow = modality.kind == "timeseries" and (modality.rate is None or modality.rate <= _SLOW)
    return (modality.name, *of_length, *(("slow-timeseries",) if is_slow else ()), modality.kind)


def _choose(layers: Sequence[Mapping[Any, str]], modality: Modality) -> str:
    """The encoder of a modality: from the last layer that sets it under one of its keys."""
    found = (layer[key] for layer in reversed(layers) for key in encoder_keys(modality) if layer.get(key))
    return next(found, "")


def _keep_used(registry: Registry, recipe: Recipe, schema: Schema) -> Recipe:
    used = find_predictor(registry, recipe).uses(recipe.modalities, **predictor_parameters(registry, recipe))
    recipe = _with_required_encoders(registry, recipe, [schema.modality(name) for name in used])
    for name in used:
        check_encoder(registry, recipe.encoders[name], schema.modality(name))
        if recipe.kind == "estimator":
            _check_frozen(registry, recipe, schema.modality(name))
    recipe = replace(recipe, encoders={name: recipe.encoders[name] for name in recipe.modalities if name in used})
    if not recipe.encoders and recipe.kind == "fusion":  # it has nothing to train, as prior
        check_no_trainer(recipe.label)
        return replace(recipe, trainer=None, held=frozenset(name for name in recipe.held if "trainer." not in name))
    if recipe.kind == "estimator":  # nothing else of the training loop has an effect
        return replace(recipe, training=Training(class_weights=recipe.training.class_weights), trainer=None)
    return recipe


def required_encoders(registry: Registry, recipe: Recipe, modalities: Iterable[Modality]) -> dict[str, Spec]:
    """The encoders that the fusion of a recipe requires for some of ``modalities``, by name; PluginError for others."""
    if recipe.kind == "estimator":
        return {}
    used = [modality for modality in modalities if modality.name in recipe.encoders]
    texts = find_predictor(registry, recipe).encoders(used, **predictor_parameters(registry, recipe))
    if unknown := sorted(texts.keys() - {modality.name for modality in used}):
        raise PluginError(f"requires an encoder of {unknown[0]!r}, which is not there", where=f"fusion {recipe.label}")
    return {name: parse_spec(text) for name, text in texts.items()}


def _with_required_encoders(registry: Registry, recipe: Recipe, used: Iterable[Modality]) -> Recipe:
    """The recipe with the encoders that its fusion requires in place of others; tuning does not change them."""
    required = required_encoders(registry, recipe, used)
    if not required:
        return recipe
    held = {name for name in recipe.held if not any(name.startswith(f"encoder.{each}.") for each in required)}
    for name, spec in required.items():
        cls = registry.find("encoders", spec.name).component
        held |= _parameter_names(f"encoder.{name}", cls.space)
    return replace(recipe, encoders={**recipe.encoders, **required}, own_encoders=True, held=frozenset(held))


def predictor_kind(method: Method) -> Predictor:
    """Whether a method has a fusion or an estimator."""
    return "estimator" if method.estimator else "fusion"


def predictor_of(method: Method) -> str:
    """The spec of the fusion or of the estimator of a method."""
    return method.estimator or method.fusion


def find_predictor(registry: Registry, recipe: Recipe) -> Any:
    """The class of the fusion or of the estimator of a recipe."""
    return registry.find(f"{recipe.kind}s", recipe.predictor.name).component


def predictor_parameters(registry: Registry, recipe: Recipe) -> dict[str, Any]:
    """All parameters of the fusion or of the estimator of a recipe."""
    return registry.bound(f"{recipe.kind}s", recipe.predictor)


def _check_frozen(registry: Registry, recipe: Recipe, modality: Modality) -> None:
    spec = recipe.encoders[modality.name]
    if has_trained_weights(registry, spec, modality):
        raise SpecError(
            f"is trained, but the estimator {recipe.predictor.name} trains no encoders",
            where=f"encoder {spec} of {modality.name}",
            remedy=f"choose one that is not, such as --encoder {modality.name}={_choose((FROZEN_ENCODERS,), modality)}",
        )


def _with_frozen_encoders(registry: Registry, recipe: Recipe, schema: Schema) -> Recipe:
    """The recipe with the default encoders of estimators in place of those that are trained."""
    read = set(find_predictor(registry, recipe).uses(recipe.modalities, **predictor_parameters(registry, recipe)))
    trained = [
        modality
        for modality in schema.modalities
        if modality.name in read and has_trained_weights(registry, recipe.encoders[modality.name], modality)
    ]
    own = {modality.name: parse_spec(_choose((FROZEN_ENCODERS,), modality)) for modality in trained}
    return replace(recipe, encoders={**recipe.encoders, **own}, own_encoders=bool(own))


def check_tasks(registry: Registry, recipes: Iterable[Recipe], name: str, task: Task) -> None:
    """Raise SpecError for the first method whose fusion, estimator or trainer does not take tasks of this kind."""
    for recipe in recipes:
        tasks = find_predictor(registry, recipe).tasks
        if task.kind not in tasks:
            raise SpecError(
                f"predicts tasks of kind {' and '.join(tasks)}, but {name} is of kind {task.kind}",
                where=f"{recipe.kind} {recipe.predictor.name}",
                remedy="choose another method, or another task with --task",
            )
        if recipe.trainer is None:
            continue
        tasks = registry.find("trainers", recipe.trainer.name).component.tasks
        if task.kind not in tasks:
            raise SpecError(
                f"trains for tasks of kind {' and '.join(tasks)}, but {name} is of kind {task.kind}",
                where=f"trainer {recipe.trainer.name}",
                remedy="choose another trainer, or another task with --task",
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
