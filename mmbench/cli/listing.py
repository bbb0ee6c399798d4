"""``mmbench list``."""

from pathlib import Path
from typing import Any

from mmbench.cli.options import Json, Plugins
from mmbench.cli.output.console import note, show, show_json

_KINDS = ("methods", "fusions", "estimators", "encoders", "trainers", "metrics", "datasets")
_TASKS = ("class", "labels", "values")
_PLUGIN = 24  # widest column of plugins


def list_components(plugin: Plugins = None, as_json: Json = False) -> None:
    """List components with kinds and tasks, and failed plugins."""
    from mmbench.registry import describe_missing_distributions, load_registry

    registry = load_registry(tuple(plugin or ()))
    found = {kind: [_describe(registry, kind, name) for name in sorted(getattr(registry, kind))] for kind in _KINDS}
    failures = [{"plugin": failure.plugin, "error": failure.error} for failure in registry.failures]
    if as_json:
        show_json({**found, "failures": failures})
        return
    for kind, entries in found.items():
        show(_listing(kind, entries))
    for failure in failures:
        note(f"plugin {failure['plugin']} was not loaded: {failure['error']}")
    if missing := describe_missing_distributions():
        note(missing)


def _describe(registry: Any, kind: str, name: str) -> dict[str, Any]:
    from mmbench.registry import bind_parameters, predictor_kind, predictor_of
    from mmbench.workflows import find_cards

    entry = getattr(registry, kind)[name]
    component = entry.component
    described = {"name": name, "plugin": entry.plugin, **_accepted(registry, kind, component)}
    if kind == "methods":
        params = {predictor_kind(component): predictor_of(component), **component.encoders}
        params |= {"trainer": component.trainer} if component.trainer else {}
        return {**described, "params": params, "summary": "", "claims": [*find_cards(component)]}
    summary = (component.__doc__ or "").strip().split("\n")[0]
    return {**described, "params": bind_parameters(component, {}), "summary": summary}


def _accepted(registry: Any, kind: str, component: Any) -> dict[str, Any]:
    """The kinds of modalities and of tasks that a component takes, or that a dataset has."""
    from mmbench.errors import UserError
    from mmbench.registry import parse_spec, predictor_kind, predictor_of

    if kind == "encoders":
        return {"kinds": [*component.kinds], "open_lengths": component.kinds == ("text",) or component.takes_lengths()}
    if kind == "methods":
        name = parse_spec(predictor_of(component)).name
        component = registry.find(f"{predictor_kind(component)}s", name).component
    if kind in ("methods", "fusions", "estimators", "trainers"):
        return {"tasks": [*component.tasks]}
    if kind == "metrics":
        return {"tasks": [*component.kinds]}
    try:
        schema = component().schema()
    except UserError:  # such as one that needs a parameter
        return {}
    return {
        "kinds": [*dict.fromkeys(modality.kind for modality in schema.modalities)],
        "unequal_lengths": any(modality.is_open and modality.kind != "text" for modality in schema.modalities),
        "tasks": [*dict.fromkeys(task.kind for task in schema.tasks.values())],
    }


def _listing(kind: str, entries: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    from mmbench.registry import Spec

    table = Table(title=kind, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column("name", no_wrap=True)
    table.add_column("plugin", style="dim", no_wrap=True, overflow="ellipsis", max_width=_PLUGIN)
    table.add_column("takes and parameters", overflow="fold")
    for entry in entries:
        claims = f"; claims: {', '.join(entry['claims'])}" if entry.get("claims") else ""
        params = ", ".join(Spec(entry["name"], entry["params"]).pairs) + claims
        # Of a file the name alone: a long path would leave no room for what follows.
        plugin = Path(entry["plugin"]).name
        table.add_row(entry["name"], plugin, "\n".join(line for line in (_takes(entry), params) if line))
    return table


def _takes(entry: dict[str, Any]) -> str:
    """The kinds and tasks of a component in words, such as ``text, image; class, labels``."""
    kinds = ", ".join(entry.get("kinds", ()))
    if entry.get("open_lengths") and entry["kinds"] != ["text"]:
        kinds += " of any length"
    if entry.get("unequal_lengths"):
        kinds += " of unequal length"
    tasks = entry.get("tasks", [])
    return "; ".join(part for part in (kinds, "any task" if set(tasks) == set(_TASKS) else ", ".join(tasks)) if part)
