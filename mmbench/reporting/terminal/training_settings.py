"""Footnotes on training settings that differ from the defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mmbench.contract import Training
from mmbench.results import Comparison, changed_settings


def training_lines(comparison: Comparison) -> Iterator[str]:
    """The training settings that differ from the defaults of mmbench, with the methods that use them."""
    methods = [method for method in comparison.methods if not method.is_elsewhere]
    by_method = {method.name: format_settings(changed_settings(method.run)) for method in methods}
    for settings in dict.fromkeys(filter(None, by_method.values())):
        names = [name for name, mine in by_method.items() if mine == settings]
        who = "" if len(names) == len(methods) else f" of {', '.join(names)}"
        yield f"training{who}: {settings}"


def format_settings(settings: Mapping[str, Any]) -> str:
    """Settings with the defaults of mmbench, as ``lr 1e-07 (default 0.001)``."""
    defaults = asdict(Training())
    return ", ".join(
        f"{name} {_format_value(value)} (default {_format_value(defaults[name])})" for name, value in settings.items()
    )


def _format_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
