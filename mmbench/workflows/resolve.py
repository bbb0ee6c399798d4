"""Resolves the options of a comparison to components, methods and files, before any data are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from mmbench.contract import Dataset, Schema, Task
from mmbench.data import (
    Preparation,
    Protocol,
    check_files,
    choose_units,
    default_protocol,
    find_dataset,
    find_dataset_folder,
    find_protocol,
    find_schema,
)
from mmbench.errors import ProtocolError, SpecError
from mmbench.execution import needs_isolation
from mmbench.integrity import Findings, Machine, find_machine, ignore_messages, is_forkable, lint, run_isolated
from mmbench.registry import (
    MethodOptions,
    Recipe,
    Registry,
    RunSettings,
    Spec,
    check_tasks,
    check_trainer,
    choose_metric,
    choose_modalities,
    did_you_mean,
    find_preset,
    load_registry,
    make_run_settings,
    parse_spec,
    resolve_methods,
)
from mmbench.training import check_modality_names, choose_device
from mmbench.tuning import check_study_storage
from mmbench.workflows.request import RunSpec, check_spec, explicit_settings, n_jobs, with_absolute_paths
from mmbench.workflows.save_encoder import check_saving


@dataclass(frozen=True)
class Request:
    """A comparison with its preset applied and every name found; no file of the dataset was read.

    ``dataset_spec`` names the dataset with the preset's parameters; ``recipes`` are the method and its baselines,
    resolved with ``method_options``. ``metric`` is the one that decides.
    """

    spec: RunSpec
    settings: RunSettings
    dataset_spec: Spec
    dataset: Dataset
    schema: Schema
    protocol: Protocol
    task: str
    metric: str
    device: str
    method_options: MethodOptions
    recipes: tuple[Recipe, ...]

    @property
    def registry(self) -> Registry:
        """The installed components."""
        return load_registry(self.spec.plugins)

    @property
    def n_classes(self) -> int:
        """Number of classes of the task."""
        return len(self.schema.tasks[self.task].names)


@dataclass(frozen=True)
class CheckedRequest(Request):
    """A request whose ``files`` are there and whose methods were built once; ``findings`` are those of model lint."""

    files: Preparation
    findings: Findings


def resolve_request(spec: RunSpec) -> Request:
    """Apply the preset of the first method and find every name; UserError for an unknown or an invalid one."""
    check_spec(spec)
    spec = with_absolute_paths(spec)
    if spec.tune_storage:
        check_study_storage(spec.tune_storage)
    registry = load_registry(spec.plugins)
    registry.collect()
    text, data = find_dataset(registry, str(spec.dataset), spec.data)
    spec = replace(spec, dataset=text, data=data)
    name = parse_spec(spec.dataset)
    registry.find("datasets", name.name)
    method = registry.find("methods", parse_spec(spec.method).name).component
    preset = find_preset(method, name.name, spec.preset)
    explicit = explicit_settings(spec)
    settings = make_run_settings(explicit, preset.run, f"preset {preset.name}")
    dataset_spec = Spec(name.name, {**preset.dataset, **name.params})
    dataset = registry.dataset(dataset_spec)
    schema = find_schema(dataset, lambda: find_dataset_folder(registry, dataset_spec, spec.data, spec.cache), spec.bad)
    check_modality_names((modality.name for modality in schema.modalities), name.name)
    choose_modalities(schema, settings.modalities)
    if settings.standardize == "subject" and "subject" not in schema.groups:
        raise ProtocolError(f"{name.name} has no subjects", where="--standardize subject", remedy="choose train")
    protocol = find_protocol(settings.protocol or dataset.protocol or default_protocol(schema), schema, spec.dataset)
    task = choose_task(schema, settings.task)
    metric = choose_metric(schema.tasks[task], settings.metric, spec.plugins)
    _check_training(spec, schema.tasks[task])
    device = str(choose_device(spec.device))
    left = preset.without(dataset=name.params, run=explicit)
    method_options = MethodOptions(spec.encoders, spec.training, left, settings.modalities, spec.trainer)
    recipes = resolve_methods(registry, spec.method, spec.against, name.name, schema, method_options)
    check_tasks(registry, recipes, task, schema.tasks[task])
    check_trainer(recipes, spec.trainer)
    return Request(
        spec, settings, dataset_spec, dataset, schema, protocol, task, metric, device, method_options, tuple(recipes)
    )


def _check_training(spec: RunSpec, task: Task) -> None:
    """Refuse settings of classes and labels for a task of values, where they would change nothing."""
    for name in ("class_weights", "label_smoothing"):
        if task.kind == "values" and name in spec.training:
            raise SpecError(
                "does not apply to a task of values",
                where=f"--training {name}={spec.training[name]}",
                remedy="leave it out",
            )


def choose_task(schema: Schema, wanted: str | None) -> str:
    """The task ``wanted``, or the dataset's first; SpecError for one it lacks or nobody can learn."""
    if wanted is not None and wanted not in schema.tasks:
        raise SpecError(f"no task {wanted!r}", where="--task", remedy=did_you_mean(wanted, schema.tasks))
    if not schema.tasks:
        raise SpecError("the dataset has no task", where="--task", remedy="add one to its schema")
    name = wanted or next(iter(schema.tasks))
    task, needed = schema.tasks[name], {"class": "two classes", "labels": "one label", "values": "one target"}
    if task.n_outputs < (2 if task.kind == "class" else 1):
        raise SpecError(
            f"task {name} has fewer than {needed[task.kind]}",
            where="--task",
            remedy="choose another task, or change the schema of the dataset",
        )
    return name


def check_request(request: Request) -> CheckedRequest:
    """Find the files and build every part of the methods once, so that errors come before hours of preparing.

    Raises UserError for files that are missing, methods that cannot be built, and encoders that cannot be saved.
    """
    files = find_files(request)
    findings = check_methods(request, request.recipes)
    spec = request.spec
    check_saving(spec.save_encoders, request.recipes[0], request.schema.modalities, spec.plugins)
    return CheckedRequest(**vars(request), files=files, findings=findings)


def check_methods(request: Request, recipes: Sequence[Recipe]) -> Findings:
    """The findings of model lint, by method; UserError for a part that cannot be built."""
    machine = find_machine(torch.device(request.device), n_jobs(request.spec))
    plugins = request.spec.plugins
    arguments = recipes, request.schema, request.schema.tasks[request.task], plugins, machine
    if any(needs_isolation(recipe, plugins) for recipe in recipes):
        # Side effects of a plugin's component must not reach the other methods.
        return run_isolated(_lint, *arguments, listen=ignore_messages, forks=is_forkable("cpu"))
    return lint(*arguments)


def _lint(
    _: object, recipes: Sequence[Recipe], schema: Schema, task: Task, plugins: tuple[str, ...], machine: Machine
) -> Findings:
    return lint(recipes, schema, task, plugins, machine)


def find_files(request: Request) -> Preparation:
    """Where the dataset's files are, and which units are used; UserError for files that are missing or damaged."""
    spec, units = request.spec, request.settings.units
    root = find_dataset_folder(request.registry, request.dataset_spec, spec.data, spec.cache)
    wanted = None if units is None else tuple(units)
    files = Preparation(request.dataset_spec, root, spec.cache, spec.plugins, spec.bad, wanted)
    check_files(files)
    source = "--units" if spec.units is not None else f"preset {request.method_options.preset.name} [run] units"
    chosen = choose_units(request.dataset, root, units, source)
    units = tuple(chosen) if chosen != choose_units(request.dataset, root) else None
    return replace(files, units=units)
