"""Descriptions of a run for headlines and footnotes: data, chance level, splits, preset, training and tuning."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from mmbench.data import dropped_line, missingness_lines
from mmbench.registry import Spec
from mmbench.reporting.metric_names import describe_targets, describe_targets_of_mean, kind_of
from mmbench.reporting.number_format import format_score
from mmbench.reporting.terminal.limits import above_chance_line
from mmbench.reporting.terminal.training_settings import training_lines
from mmbench.reporting.terminal.tuning_budget import tuning_lines
from mmbench.reporting.terminal.warnings import find_warnings, warning_text
from mmbench.results import Comparison, data_name
from mmbench.storage import counted


def headline(comparison: Comparison, subject: str = "") -> Text:
    """Dataset, task and protocol, and the warnings about the comparison."""
    run = comparison.run
    parts = [subject] if subject else []
    parts += [
        data_name(run),
        f"{run['task']} ({describe_targets(run)})",
        f"protocol {run['protocol']}",
    ]
    text = Text(" · ".join(parts), style="bold")
    return text.append_text(warning_text(find_warnings(comparison)))


def chance_line(comparison: Comparison) -> str:
    """The chance level, and for classes the accuracy of always predicting the majority class; empty without one."""
    parts = [*describe_chance(comparison)]
    if kind_of(comparison.run) == "class":
        parts.append(f"accuracy of the majority class {comparison.majority:.3f}")
    return ", ".join(parts)


def describe_chance(comparison: Comparison) -> Iterator[str]:
    """The chance level, if there is one, and why it is not that of any guess where models may know the subjects."""
    chance, of_strangers = comparison.chance, comparison.chance_of_strangers
    if chance is not None and of_strangers is not None:
        differs = format_score(chance) != format_score(of_strangers)
        known = f" from knowing each subject's classes, {format_score(of_strangers)} without" if differs else ""
        yield f"chance level {format_score(chance)}{known}"


def describe_data(comparison: Comparison) -> Iterator[str]:
    """Chance level, numbers of samples, folds and seeds, and the samples that were left out."""
    run, first = comparison.run, comparison.methods[0]
    yield from filter(None, [chance_line(comparison)])
    yield from above_chance_line(comparison)
    counts = counted(len(first.labels), "sample"), counted(first.outcomes.n_folds, "fold"), _seeds(comparison)
    yield ", ".join(counts)
    yield from filter(None, [describe_targets_of_mean(comparison)])
    yield from run.get("split_notes", ())
    if run["units"]:
        yield f"only {', '.join(run['units'])}"
    if losses := dropped_line(run["dropped"], run.get("lost", ())):
        yield losses
    yield from missingness_lines(run.get("gaps", {}))


def _seeds(comparison: Comparison) -> str:
    """The number of seeds that have all folds; from the least to the most where methods differ."""
    counts = sorted({method.outcomes.n_seeds for method in comparison.methods})
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds, by method"
    return counted(counts[0], "seed")


def describe_settings(comparison: Comparison) -> Iterator[str]:
    """Encoders, standardisation, splits, the preset, training settings and the tuning budget.

    Those of methods that were trained here.
    """
    run = comparison.reference.run
    encoders = ", ".join(f"{name}: {encoder['name']}" for name, encoder in run["encoders"].items())
    trained = [method for method in comparison.methods if not method.is_elsewhere]
    if not trained:
        yield f"splits {run['fingerprint']}{', stratified' if run.get('stratify') else ''}"
        return
    settings = sorted({str(method.run["standardize"]) for method in trained})
    yield (
        f"encoders {encoders or 'none'}; standardized by {' and '.join(settings)}; "
        f"splits {run['fingerprint']}{', stratified' if run.get('stratify') else ''}"
    )
    if preset := run["preset"]:
        yield f"preset {preset['name']}: {', '.join(_preset_tables(preset)) or 'all overridden'}"
    yield from training_lines(comparison)
    yield from tuning_lines(trained)


def _preset_tables(preset: Mapping[str, Any]) -> Iterator[str]:
    """What a preset set, a table as ``run[folds=5, units=s01+s02]``: with blanks, since it may be long."""
    for table, values in preset.items():
        if table != "name":
            listed = {
                name: "+".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()
            }
            yield f"{table}[{', '.join(str(Spec('', {key: value}))[1:-1] for key, value in listed.items())}]"
