"""Metrics by name, and the metrics of a task."""

from mmbench.contract import Metric, Task
from mmbench.errors import PluginError, SpecError
from mmbench.registry.plugins import Registry, load_registry, loaded_registries
from mmbench.registry.specs import parse_spec


def find_metric(name: str, plugins: tuple[str, ...] = ()) -> Metric:
    """The metric ``name`` or ``name[param=value,...]``; SpecError if it is unknown."""
    return _build(load_registry(plugins), name)


def find_recorded_metric(name: str) -> Metric:
    """The metric that a record names; SpecError if no plugin has it that is installed or was loaded by this process.

    Records name metrics, and not the plugin files that these are from.
    """
    wanted = parse_spec(name).name
    for registry in (load_registry(), *loaded_registries()):
        try:
            known = wanted in registry.metrics
        except PluginError:  # of a plugin file whose metrics are broken, which was an error where they were asked for
            continue
        if known:
            return _build(registry, name)
    raise SpecError(f"no metric {wanted!r}, which the records name", remedy="give the file of its plugin with --plugin")


def _build(registry: Registry, name: str) -> Metric:
    spec = parse_spec(name)
    metric: Metric = registry.find("metrics", spec.name).component(**registry.bound("metrics", spec))
    return metric


def choose_metric(task: Task, wanted: str | None, plugins: tuple[str, ...] = ()) -> str:
    """The metric ``wanted``, else that of the task; SpecError if it, or another of the task, does not apply to it."""
    for name in task.shown_metrics:
        _check_kind(name, task, plugins, "Task.metrics")
    if wanted is not None:
        _check_kind(wanted, task, plugins, "--metric")
    return wanted or task.default_metric


def _check_kind(name: str, task: Task, plugins: tuple[str, ...], where: str) -> None:
    if task.kind in find_metric(name, plugins).kinds:
        return
    known = load_registry(plugins).metrics
    fitting = sorted(each for each, entry in known.items() if task.kind in entry.component.kinds)
    raise SpecError(
        f"{name} does not apply to a task of the kind {task.kind!r}",
        where=where,
        remedy=f"choose from {', '.join(fitting)}",
    )


def orient(metric: Metric, score: float) -> float:
    """The score, negated where lower is better, so that the largest is the best."""
    return score if metric.higher_is_better else -score
