"""What is said of training settings in the table of a comparison: those that differ, and what they did to baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mmbench.contract import Training
from mmbench.results import Comparison, changed_settings


def training_lines(comparison: Comparison) -> Iterator[str]:
    """The settings of training that differ from the host's defaults, and whose they are; nothing where none does."""
    methods = comparison.methods
    told = {method.name: say_settings(changed_settings(method.run)) for method in methods}
    for settings in dict.fromkeys(filter(None, told.values())):
        names = [name for name, mine in told.items() if mine == settings]
        who = "" if len(names) == len(methods) else f" of {', '.join(names)}"
        yield f"training{who}: {settings}"


def say_settings(settings: Mapping[str, Any]) -> str:
    """Settings beside the host's defaults, as ``lr 1e-07 (default 0.001)``."""
    defaults = asdict(Training())
    return ", ".join(f"{name} {_say(value)} (default {_say(defaults[name])})" for name, value in settings.items())


def _say(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
