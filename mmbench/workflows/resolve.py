"""A spec held against what is installed: all that can be known, and be wrong, before any file is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mmbench.contract import Dataset, Schema
from mmbench.data import (
    Preparation,
    Protocol,
    check_dataset_files,
    choose_units,
    default_protocol,
    find_dataset_folder,
    find_protocol,
    find_schema,
)
from mmbench.errors import ProtocolError, SpecError
from mmbench.execution import needs_isolation
from mmbench.integrity import Findings, Machine, find_machine, ignore, is_forkable, lint, run_isolated
from mmbench.registry import (
    MethodOptions,
    Recipe,
    Registry,
    RunSettings,
    Spec,
    choose_modalities,
    did_you_mean,
    find_preset,
    load_registry,
    make_run_settings,
    parse_spec,
)
from mmbench.training import check_modality_names, choose_device
from mmbench.tuning import check_study_storage
from mmbench.workflows.request import RunSpec, anchored, check_spec, given, n_jobs


@dataclass(frozen=True)
class Asked:
    """What a comparison is asked to be, with the preset applied and every name found.

    ``name`` is the dataset's spec, ``wishes`` what the methods are resolved with.
    """

    spec: RunSpec
    design: RunSettings
    name: Spec
    dataset: Dataset
    schema: Schema
    protocol: Protocol
    task: str
    device: str
    wishes: MethodOptions

    @property
    def registry(self) -> Registry:
        """The components that are installed."""
        return load_registry(self.spec.plugins)

    @property
    def n_classes(self) -> int:
        """Classes of the task."""
        return len(self.schema.tasks[self.task])


def settle(spec: RunSpec) -> Asked:
    """Apply the preset of the first method and find every name; raises UserError for what cannot be."""
    check_spec(spec)
    spec = anchored(spec)
    if spec.tune_storage:
        check_study_storage(spec.tune_storage)
    registry = load_registry(spec.plugins)
    registry.collect()
    name = parse_spec(spec.dataset)
    registry.find("datasets", name.name)
    method = registry.find("methods", parse_spec(spec.method).name).component
    preset = find_preset(method, name.name, spec.preset)
    said = given(spec)
    design = make_run_settings(said, preset.run, f"preset {preset.name}")
    asked = Spec(name.name, {**preset.dataset, **name.params})
    dataset = registry.dataset(asked)
    schema = find_schema(dataset, lambda: find_dataset_folder(registry, asked, spec.data, spec.cache), spec.bad)
    check_modality_names((modality.name for modality in schema.modalities), name.name)
    choose_modalities(schema, design.modalities)
    if design.standardize == "subject" and "subject" not in schema.groups:
        raise ProtocolError(f"{name.name} has no subjects", where="--standardize subject", remedy="choose train")
    return Asked(
        spec=spec,
        design=design,
        name=asked,
        dataset=dataset,
        schema=schema,
        protocol=find_protocol(design.protocol or default_protocol(schema), schema, spec.dataset),
        task=choose_task(schema, design.task),
        device=str(choose_device(spec.device)),
        wishes=MethodOptions(
            spec.encoders, spec.training, preset.without(dataset=name.params, run=said), design.modalities
        ),
    )


def choose_task(schema: Schema, wanted: str | None) -> str:
    """The task asked for, or the dataset's first."""
    if wanted is not None and wanted not in schema.tasks:
        raise SpecError(f"no task {wanted!r}", where="--task", remedy=did_you_mean(wanted, schema.tasks))
    return wanted or next(iter(schema.tasks))


def examine(asked: Asked, recipes: Sequence[Recipe]) -> Findings:
    """Build every part of the methods once: what cannot be built raises UserError, what looks wrong is told."""
    machine = find_machine(torch.device(asked.device), n_jobs(asked.spec))
    plugins = asked.spec.plugins
    arguments = recipes, asked.schema, asked.n_classes, plugins, machine
    if any(needs_isolation(recipe, plugins) for recipe in recipes):
        # What a component does to this process while it is looked at must not reach the others.
        return run_isolated(_examine, *arguments, listen=ignore, forks=is_forkable("cpu"))
    return lint(*arguments)


def _examine(
    _: object, recipes: Sequence[Recipe], schema: Schema, n_classes: int, plugins: tuple[str, ...], machine: Machine
) -> Findings:
    return lint(recipes, schema, n_classes, plugins, machine)


def find_files(asked: Asked) -> Preparation:
    """Where the dataset's files are and which units of them are wanted; raises UserError for what is missing."""
    spec, units = asked.spec, asked.design.units
    root = find_dataset_folder(asked.registry, asked.name, spec.data, spec.cache)
    check_dataset_files(asked.dataset, root, units, spec.bad)
    source = "--units" if spec.units is not None else f"preset {asked.wishes.preset.name} [run] units"
    chosen = choose_units(asked.dataset, root, units, source)
    units = tuple(chosen) if chosen != choose_units(asked.dataset, root) else None
    return Preparation(asked.name, root, spec.cache, spec.plugins, spec.bad, units)
