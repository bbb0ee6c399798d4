"""Tables for the terminal, 80 columns wide, readable without colour."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.comparison import Comparison, MethodResult, missing_lines
from mmbench.gaps import gap_lines
from mmbench.report.budgets import tuning_lines
from mmbench.report.costs import COLUMNS, cost_cells, cost_lines
from mmbench.report.layout import (
    from_here,
    plain_table,
    show_difference,
    show_gap,
    show_interval,
    show_p,
)
from mmbench.report.quantities import short_count, short_time
from mmbench.report.worth import worth_lines, worth_table
from mmbench.specs import Spec


def comparison_table(comparison: Comparison) -> RenderableType:
    """Methods as rows, best balanced accuracy in bold; what the numbers mean around them."""
    tables: list[RenderableType] = [_table(comparison)]
    if comparison.verdicts:
        tables += [Text(), _verdicts(comparison)]
    if worth := worth_table(comparison):  # what each modality is worth, where it was asked
        tables += [Text(), worth]
    return Group(headline(comparison), *tables, Text(), _costs(comparison), Text(), _footnotes(comparison))


def headline(comparison: Comparison, subject: str = "") -> Text:
    """What was done, and what to beware of."""
    run = comparison.run
    parts = [subject] if subject else []
    parts += [run["dataset"], f"{run['task']} ({len(run['classes'])} classes)", f"protocol {run['protocol']}"]
    text = Text(" · ".join(parts), style="bold")
    for group, share in run["straddling"].items():
        if share > 0:
            warning = f"\nLEAK: {share:.0%} of the test samples share their {group} with the training part."
            text.append(warning, style="bold red")
    if comparison.simulated:
        text.append("\nSIMULATED data: these scores say nothing about people.", style="bold yellow")
    return text


def _table(comparison: Comparison) -> Table:
    table = plain_table("method")
    for heading in ("bal. accuracy", "acc.", "macro F1", "last", "oracle", "params", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    best = max(method.scores["balanced_accuracy"].mean for method in comparison.methods)
    for method in comparison.methods:
        is_best = method.scores["balanced_accuracy"].mean == best
        table.add_row(*map(Text, _row(method)), style="bold" if is_best else "")
    return table


def _verdicts(comparison: Comparison) -> Table:
    """The first method against each of the others, in a word."""
    table = plain_table(f"{comparison.methods[0].name} against")
    for heading in ("verdict", "difference", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for verdict in comparison.verdicts:
        mark = " ²" if verdict.against == comparison.best_single else ""
        cells = (verdict.against + mark, verdict.word, show_difference(verdict.difference), show_p(verdict.p))
        table.add_row(*map(Text, cells), style="" if verdict.word in ("no evidence", "tie") else "bold")
    return table


def _costs(comparison: Comparison) -> Table:
    """How far probabilities can be believed, and what they took."""
    table = plain_table("calibration and cost")
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for method in comparison.methods:
        table.add_row(*map(Text, (method.name, *cost_cells(method))))
    return table


def _row(method: MethodResult) -> tuple[str, ...]:
    scores = method.scores
    return (
        method.name + (" ¹" if method.run["own_encoders"] else ""),
        show_interval(scores["balanced_accuracy"]),
        f"{scores['accuracy'].mean:.3f}",
        f"{scores['macro_f1'].mean:.3f}",
        show_gap(method.gap("last")),
        show_gap(method.gap("oracle")),
        short_count(method.parameters["total"]),
        short_time(method.seconds),
    )


def _footnotes(comparison: Comparison) -> Text:
    lines = [
        *describe_data(comparison),
        f"[95 % interval] over {len(comparison.methods[0].units)} {comparison.run['unit']}s; "
        "last, oracle: balanced accuracy gained by",
        "taking the last epoch, or the best one on test labels, for the one chosen",
        *_on_verdicts(comparison),
        *worth_lines(comparison),
        *cost_lines(comparison),
        *describe_setting(comparison),
        *_marks(comparison),
        f"records: {from_here(comparison.path)}",
    ]
    return Text("\n".join(lines), style="dim")


def _on_verdicts(comparison: Comparison) -> Iterator[str]:
    if comparison.verdicts:
        n = len(comparison.verdicts)
        yield f"difference: of balanced accuracy, paired; p: by exchanging {comparison.run['unit']}s,"
        yield f"adjusted for {n} comparison(s) (Holm); no evidence is no proof of equality"
    if comparison.best_single:
        yield "² the best single modality"


def describe_data(comparison: Comparison) -> Iterator[str]:
    """What to hold the scores against, and what they were taken over."""
    run, first = comparison.run, comparison.methods[0]
    seeds = len({record.seed for record in first.records})
    yield (
        f"chance {comparison.chance:.3f} (guesses stay below {comparison.chance_bound:.3f}), "
        f"majority class {comparison.majority:.3f}"
    )
    yield f"{len(first.labels)} samples, {len(first.records) // seeds} folds, {seeds} seed(s)"
    if run["units"]:
        yield f"only {', '.join(run['units'])}"
    if run["dropped"]:
        yield f"{run['dropped']} unusable samples were left out"
    yield from gap_lines(run.get("gaps", {}))


def describe_setting(comparison: Comparison) -> Iterator[str]:
    """Encoders, standardisation, splits, what the preset set and what tuning was allowed."""
    run = comparison.run
    encoders = ", ".join(f"{name}: {encoder['name']}" for name, encoder in run["encoders"].items())
    settings = sorted({str(method.run["standardize"]) for method in comparison.methods})
    yield f"encoders {encoders or 'none'}; standardized by {' and '.join(settings)}; splits {run['fingerprint']}"
    if preset := run["preset"]:
        yield f"preset {preset['name']}: {', '.join(_tables(preset)) or 'all overridden'}"
    yield from tuning_lines(comparison.methods)


def _tables(preset: Mapping[str, Any]) -> Iterator[str]:
    """What a preset set, a table as ``run[folds=5, units=s01+s02]``: with blanks, since it may be long."""
    for table, values in preset.items():
        if table != "name":
            listed = {
                name: "+".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()
            }
            yield str(Spec(table, listed)).replace(",", ", ")


def _marks(comparison: Comparison) -> Iterator[str]:
    """What is to be said of single methods."""
    methods = comparison.methods
    if any(method.run["own_encoders"] for method in methods):
        yield "¹ brings its own encoders and training"
    whole = tuple(comparison.run["offered"])
    seen = [tuple(method.run["modalities"]) for method in methods]
    for names in dict.fromkeys(names for names in seen if names != whole):
        who = [method.name for method, modalities in zip(methods, seen, strict=True) if modalities == names]
        subject = ", ".join(who) if len(who) < len(methods) else "all methods"
        yield f"{subject}: shown only {', '.join(names)} of {', '.join(whole)}"
    if not any(method.stops_early for method in methods):
        oracles = (f"{method.name} {method.mean_score('oracle', 'accuracy'):.3f}" for method in methods)
        yield f"accuracy at the oracle epoch, as papers report it that pick it on the test part: {', '.join(oracles)}"
    yield from missing_lines(comparison)
