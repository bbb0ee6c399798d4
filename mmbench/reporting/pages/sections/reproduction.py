"""Section of a report on reproduction: command, settings, methods and versions."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mmbench.reporting.metric_names import targets_word
from mmbench.reporting.pages.page_model import Block, Code, Definitions, Lines, Section, Text
from mmbench.reporting.terminal.run_description import describe_settings
from mmbench.results import Comparison, MethodResult, find_pretrained
from mmbench.storage import load_object, plural_of

_SHORT = 12  # characters of a digest that are shown


def reproduction_section(comparison: Comparison) -> Section:
    """The command, the settings, the specification of every method and the versions."""
    return Section("reproduce", "Reproduction", list(_blocks(comparison)))


def _blocks(comparison: Comparison) -> Iterator[Block]:
    command = find_command(comparison)
    if command:
        yield Code(command, "The command")
        yield Text(_on_command(command), quiet=True)
    else:
        yield Text("The records do not hold the command, since they are of several runs; their settings are below.")
    yield Lines([*_data(comparison), *describe_settings(comparison)])
    yield Definitions(
        "Specification of each method", [(method.name, list(_spec(method))) for method in comparison.methods]
    )
    packages = comparison.methods[0].records[0].environment
    yield Lines(list(_versions(packages)))


def find_command(comparison: Comparison) -> str | None:
    """The command of a comparison; None if its file holds none, as for several runs compared afterwards."""
    try:
        command = load_object(comparison.path).get("command")
    except (OSError, ValueError):
        return None
    return command if isinstance(command, str) else None


def _on_command(command: str) -> str:
    placeholder = " DIR is the folder of the dataset's files." if "DIR" in _words(command) else ""
    return (
        "The command reuses finished folds and runs only missing ones. With the versions below, on a machine of the "
        f"same kind, it gives bitwise identical results.{placeholder}"
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # the file was edited: the command is shown unchanged
        return []


def _data(comparison: Comparison) -> Iterator[str]:
    run = comparison.run
    card = run["card"]
    facts = [str(card[name]) for name in ("title", "licence", "url", "citation") if card.get(name)]
    yield f"dataset {run['dataset']}: {'; '.join(facts) or card['access']}"
    targets = f"{plural_of(targets_word(run))} {', '.join(run['classes'])}"
    metric = f"metric {comparison.metric_title}"
    yield f"prepared data {str(run['prepared'])[:_SHORT]}; task {run['task']}; {targets}; {metric}"


def _spec(method: MethodResult) -> Iterator[tuple[str, str]]:
    run = method.run
    if method.is_elsewhere:
        yield from _origin(run["elsewhere"])
        return
    yield from ((kind, _component(run[kind])) for kind in ("fusion", "estimator") if kind in run)
    yield "encoders", ", ".join(f"{name}: {_component(each)}" for name, each in run["encoders"].items()) or "none"
    yield "training", _params(run["training"])
    if "trainer" in run:
        yield "trainer", _component(run["trainer"])
    for weights in find_pretrained(run):
        yield "pretrained", weights.line
    yield "key", str(run.get("key", "–"))[:_SHORT]


def _origin(elsewhere: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The file of predictions that were made elsewhere."""
    yield "not trained here", f"{elsewhere['outputs']} of {elsewhere['file']}"
    yield "SHA-256", str(elsewhere["sha256"])
    if elsewhere.get("source"):
        yield "source", str(elsewhere["source"])


def _component(described: Mapping[str, Any]) -> str:
    inside = _params(described.get("params", {}))
    return f"{described.get('name', '–')}[{inside}]" if inside else str(described.get("name", "–"))


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in params.items()
    )


def _versions(environment: Mapping[str, Any]) -> Iterator[str]:
    yield f"Python {environment.get('python', '–')} on {environment.get('platform', '–')}"
    packages = environment.get("packages", {})
    if isinstance(packages, Mapping):
        yield ", ".join(f"{name} {version}" for name, version in packages.items())
