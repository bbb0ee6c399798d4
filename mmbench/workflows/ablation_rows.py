"""Rows of ablation tables: one recipe per value that a method declares, or why it cannot be built."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from mmbench.contract import Ablation, Method
from mmbench.errors import SpecError, UserError
from mmbench.integrity import Finding
from mmbench.registry import (
    MODALITY_ABLATION,
    Recipe,
    Spec,
    did_you_mean,
    encoder_keys,
    parse_spec,
    predictor_parameters,
    resolve_method,
)
from mmbench.storage import digest
from mmbench.workflows.resolve import Request, check_methods

_ALL_SUBSETS = 4  # largest number of modalities with all subsets: 15 of them


@dataclass(frozen=True)
class AblationVariant:
    """A row: its ``value`` as printed, and its recipe or the ``reason`` why it cannot be built.

    ``findings`` are those of lint.
    """

    value: str
    recipe: Recipe | None
    reason: str = ""
    findings: Sequence[Finding] = ()


@dataclass(frozen=True)
class VariantTable:
    """A table; ``parameter`` is the heading of its first column."""

    name: str
    parameter: str
    rows: tuple[AblationVariant, ...]


def make_default(request: Request) -> Recipe:
    """The default recipe. Parameters of the tables are never tuned, so that rows differ in their value alone."""
    spec = parse_spec(request.spec.method)
    recipe = resolve_method(request.registry, spec, request.dataset_spec.name, request.schema, request.method_options)
    return replace(recipe, held=recipe.held | frozenset(_varied(request, recipe)))


def _varied(request: Request, recipe: Recipe) -> Iterator[str]:
    """The parameters that the tables vary, as `Recipe.held` names them."""
    method: Method = request.registry.find("methods", parse_spec(request.spec.method).name).component
    for ablation in method.ablations:
        encoders = {name: spec for name, spec in recipe.encoders.items() if _applies_to(request, ablation, name)}
        parts = [recipe.kind] if ablation.encoder is None else [f"encoder.{name}" for name in encoders]
        names = {name for row in ablation.rows if not isinstance(row, str) for name in row}
        # Where rows exchange the encoder, no parameter of any of them is tuned.
        specs = [parse_spec(row) for row in ablation.rows if isinstance(row, str)]
        for spec in (*specs, *encoders.values()) if specs else ():
            names |= request.registry.bound("encoders", spec).keys()
        yield from (f"{part}.{name}" for part in parts for name in sorted(names))


def _applies_to(request: Request, ablation: Ablation, modality: str) -> bool:
    return ablation.encoder in encoder_keys(request.schema.modality(modality))


def choose_tables(request: Request, default: Recipe, only: Sequence[str] = ()) -> list[Callable[[], VariantTable]]:
    """Functions that make the tables of a method, or ``only`` some; raises SpecError for an unknown table."""
    spec = parse_spec(request.spec.method)
    method: Method = request.registry.find("methods", spec.name).component
    makers: dict[str, Callable[[], VariantTable]] = {
        ablation.name: partial(_over_values, request, default, ablation) for ablation in method.ablations
    }
    if len(default.modalities) > 1:
        makers[MODALITY_ABLATION] = partial(_over_modalities, request, default)
    if not makers:
        raise SpecError(
            f"{spec.name} declares no ablation, and the dataset has a single modality",
            where=request.dataset_spec.name,
            remedy="choose a method that declares ablations",
        )
    for name in only:
        if name not in makers:
            raise SpecError(f"{spec.name} has no table {name!r}", where="--only", remedy=did_you_mean(name, makers))
    return [make for name, make in makers.items() if not only or name in only]


def recipe_digest(request: Request, recipe: Recipe) -> str:
    """Digest of everything that a recipe computes, without its name."""
    registry = request.registry
    return digest(
        {
            "modalities": recipe.modalities,
            recipe.kind: [recipe.predictor.name, predictor_parameters(registry, recipe)],
            "encoders": {name: [spec.name, registry.bound("encoders", spec)] for name, spec in recipe.encoders.items()},
            "training": recipe.training,
            **(
                {"trainer": [recipe.trainer.name, registry.bound("trainers", recipe.trainer)]} if recipe.trainer else {}
            ),
        }
    )


def _over_values(request: Request, default: Recipe, ablation: Ablation) -> VariantTable:
    first = ablation.rows[0]
    parameter = "encoder" if isinstance(first, str) else next(iter(first))
    rows = [
        _variant(request, _name_row(row), partial(_with_values, request, default, ablation, row))
        for row in ablation.rows
    ]
    known = {recipe_digest(request, row.recipe) for row in rows if row.recipe}
    if known and recipe_digest(request, default) not in known:
        value = (
            _encoder_text(request, default, ablation)
            if isinstance(first, str)
            else _format_value(_default_value(request, default, ablation, parameter))
        )
        rows.insert(0, AblationVariant(value, default))
    heading = parameter if ablation.encoder is None else f"{ablation.encoder} {parameter}"
    return VariantTable(ablation.name, heading, tuple(rows))


def _name_row(row: Mapping[str, object] | str) -> str:
    return row if isinstance(row, str) else _format_value(next(iter(row.values())))


def _encoder_text(request: Request, default: Recipe, ablation: Ablation) -> str:
    """The encoders of the default recipe that an ablation exchanges."""
    return ", ".join(dict.fromkeys(str(spec) for spec in _encoders(request, default, ablation).values()))


def _over_modalities(request: Request, default: Recipe) -> VariantTable:
    rows = [
        _variant(request, "+".join(names), partial(_with_modalities, request, default, names))
        for names in _subsets(default.modalities)
    ]
    return VariantTable(MODALITY_ABLATION, MODALITY_ABLATION, tuple(rows))


def _with_modalities(request: Request, default: Recipe, names: tuple[str, ...]) -> Recipe:
    if names == default.modalities:
        return default
    method_options = replace(request.method_options, modalities=names)
    recipe = resolve_method(
        request.registry, parse_spec(request.spec.method), request.dataset_spec.name, request.schema, method_options
    )
    return replace(recipe, label=f"{recipe.label}, {MODALITY_ABLATION}={'+'.join(names)}", held=default.held)


def _subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Non-empty subsets; for many modalities those of size 1, n - 1 and n."""
    sizes = range(1, len(names) + 1) if len(names) <= _ALL_SUBSETS else (1, len(names) - 1, len(names))
    for size in sizes:
        yield from combinations(names, size)


def _variant(request: Request, value: str, make: Callable[[], Recipe]) -> AblationVariant:
    """A row whose parts have been built once, or the reason why that failed."""
    try:
        recipe = make()
        findings = check_methods(request, [recipe])[recipe.label]
    except UserError as error:
        return AblationVariant(value, None, error.line)
    return AblationVariant(value, recipe, findings=findings)


def _with_values(request: Request, default: Recipe, ablation: Ablation, row: Mapping[str, object] | str) -> Recipe:
    spec, method_options, suffix = parse_spec(request.spec.method), request.method_options, ""
    changed: dict[str, str] = {}
    if isinstance(row, str):
        changed = dict.fromkeys(_encoders(request, default, ablation), row)
        method_options = replace(method_options, encoders={**method_options.encoders, **changed})
        suffix = f", {ablation.encoder}={row}"
    elif ablation.encoder is None:
        spec = spec.updated(row)
    else:
        changed = {name: str(encoder.updated(row)) for name, encoder in _encoders(request, default, ablation).items()}
        method_options = replace(method_options, encoders={**method_options.encoders, **changed})
        suffix = "".join(f", {ablation.encoder}.{name}={_format_value(value)}" for name, value in row.items())
    recipe = resolve_method(request.registry, spec, request.dataset_spec.name, request.schema, method_options)
    if fixed := [name for name in changed if recipe.encoders[name] != parse_spec(changed[name])]:
        raise SpecError(f"the fusion requires its encoder of {fixed[0]}", where=recipe.label)
    return replace(recipe, label=recipe.label + suffix, held=default.held)


def _encoders(request: Request, default: Recipe, ablation: Ablation) -> dict[str, Spec]:
    """The encoders that an ablation applies to; raises SpecError if there is none."""
    found = {name: spec for name, spec in default.encoders.items() if _applies_to(request, ablation, name)}
    if not found:
        raise SpecError(f"no {ablation.encoder} modality is used here", where=request.dataset_spec.name)
    return found


def _default_value(request: Request, default: Recipe, ablation: Ablation, parameter: str) -> object:
    """Value of a parameter in the default recipe."""
    registry = request.registry
    if ablation.encoder is None:
        return predictor_parameters(registry, default)[parameter]
    spec = next(iter(_encoders(request, default, ablation).values()))
    return registry.bound("encoders", spec)[parameter]


def _format_value(value: object) -> str:
    """A value as on the command line."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
