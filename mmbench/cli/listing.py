"""``mmbench list``."""

from collections.abc import Iterator
from typing import Any

from mmbench.cli.options import Json, Plugins
from mmbench.cli.output.console import note, show, show_json

_KINDS = ("methods", "fusions", "encoders", "datasets", "metrics")


def list_components(plugin: Plugins = None, as_json: Json = False) -> None:
    """List all components, and plugins that failed to load."""
    from mmbench.registry import Registry

    registry = Registry(plugin or ())
    found = {kind: [_describe(registry, kind, name) for name in sorted(getattr(registry, kind))] for kind in _KINDS}
    failures = [{"plugin": failure.plugin, "error": failure.error} for failure in registry.failures]
    if as_json:
        show_json({**found, "failures": failures})
        return
    for kind, entries in found.items():
        show(_listing(kind, entries))
    for failure in failures:
        note(f"plugin {failure['plugin']} was not loaded: {failure['error']}")


def _describe(registry: Any, kind: str, name: str) -> dict[str, Any]:
    from mmbench.registry import bind_parameters
    from mmbench.workflows import find_cards

    entry = getattr(registry, kind)[name]
    component = entry.component
    if kind == "methods":
        params = {"fusion": component.fusion, **component.encoders}
        return {
            "name": name,
            "plugin": entry.plugin,
            "params": params,
            "summary": "",
            "claims": [*find_cards(component)],
        }
    summary = (component.__doc__ or "").strip().split("\n")[0]
    return {"name": name, "plugin": entry.plugin, "params": bind_parameters(component, {}), "summary": summary}


def _listing(kind: str, entries: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(title=kind, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column("name", no_wrap=True)
    table.add_column("plugin", style="dim", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    for entry in entries:
        claims = f"; claims: {', '.join(entry['claims'])}" if entry.get("claims") else ""
        table.add_row(entry["name"], entry["plugin"], ", ".join(_pairs(entry["params"])) + claims)
    return table


def _pairs(params: dict[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        yield f"{name}={'none' if value is None else str(value).lower() if isinstance(value, bool) else value}"
