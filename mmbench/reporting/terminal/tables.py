"""Tables for the terminal, 80 columns wide, readable without colour."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.data import dropped_line, missingness_lines
from mmbench.registry import Spec
from mmbench.reporting.terminal.budgets import tuning_lines
from mmbench.reporting.terminal.costs import CALIBRATION, COST, calibration_cells, cost_cells, cost_lines
from mmbench.reporting.terminal.layout import path_line, plain_table, show_difference, show_gap, show_interval, show_p
from mmbench.reporting.terminal.limits import above_chance_line, limit_lines
from mmbench.reporting.terminal.trainings import training_lines
from mmbench.reporting.terminal.verdicts import MARKS, mark, say_verdict
from mmbench.reporting.terminal.warnings import find_warnings
from mmbench.reporting.terminal.worth import worth_lines, worth_table
from mmbench.results import Comparison, MethodResult, describe_missing

_WORTH_SAYING = 0.0005  # of balanced accuracy: what would be printed as +.001


def comparison_table(comparison: Comparison, details: bool = False) -> RenderableType:
    """Who won, then the methods as rows, and what the numbers mean; with ``details``, all that is known of them."""
    tables: list[RenderableType] = [_table(comparison)]
    if worth := worth_table(comparison, None if details else 1):
        tables += [Text(), worth]
    if details:
        tables += [Text(), _scores(comparison), Text(), _costs(comparison)]
    first = Text("\n").join([headline(comparison), Text(say_verdict(comparison), style="bold")])
    return Group(first, Text(), *tables, Text(), _footnotes(comparison, details), path_line("records", comparison.path))


def headline(comparison: Comparison, subject: str = "") -> Text:
    """What was done, and what to beware of."""
    run = comparison.run
    parts = [subject] if subject else []
    parts += [run["dataset"], f"{run['task']} ({len(run['classes'])} classes)", f"protocol {run['protocol']}"]
    text = Text(" · ".join(parts), style="bold")
    for warning in find_warnings(comparison):
        text.append(f"\n{warning.line}", style="bold red" if warning.is_fault else "bold yellow")
    return text


def _table(comparison: Comparison) -> Table:
    """The first method and each of the others, with what the first has over it."""
    table = plain_table("")  # the marks
    table.add_column("method", overflow="fold")
    verdicts = {verdict.against: verdict for verdict in comparison.verdicts}
    headings = ("difference", "p", "verdict") if verdicts else ()
    for heading in ("bal. accuracy", *headings):
        table.add_column(heading, justify="right", no_wrap=True)
    for method in comparison.methods:
        cells = [
            mark(comparison, method.name),
            _name(comparison, method),
            show_interval(method.scores["balanced_accuracy"]),
        ]
        if verdict := verdicts.get(method.name):
            cells += [show_difference(verdict.difference), show_p(verdict.p), verdict.word]
        is_best = method.name in comparison.leaders[:1]
        table.add_row(*map(Text, cells), style="bold" if is_best else "")
    return table


def _name(comparison: Comparison, method: MethodResult) -> str:
    own = " ¹" if method.run["own_encoders"] else ""
    single = " ²" if method.name == comparison.best_single else ""
    return f"{method.name}{own}{single}"


def _scores(comparison: Comparison) -> Table:
    """Other scores of the chosen epoch, what other epochs gain, and how far probabilities can be believed."""
    table = plain_table("scores")
    for heading in ("acc.", "macro F1", "last", "oracle", *CALIBRATION):
        table.add_column(heading, justify="right", no_wrap=True)
    for method in comparison.methods:
        scores = (f"{method.scores[name].mean:.3f}" for name in ("accuracy", "macro_f1"))
        gaps = (show_gap(method.gap(which)) for which in ("last", "oracle"))
        table.add_row(*map(Text, (method.name, *scores, *gaps, *calibration_cells(method))))
    return table


def _costs(comparison: Comparison) -> Table:
    """What the methods took."""
    table = plain_table("cost")
    for heading in COST:
        table.add_column(heading, justify="right", no_wrap=True)
    for method in comparison.methods:
        table.add_row(*map(Text, (method.name, *cost_cells(method))))
    return table


def _footnotes(comparison: Comparison, details: bool) -> Text:
    lines = [
        *describe_data(comparison),
        f"[95 % interval] over {len(comparison.methods[0].units)} {comparison.run['unit']}s",
        *_on_verdicts(comparison),
        *worth_lines(comparison, details),
        *(_on_details(comparison) if details else _on_oracle(comparison)),
        *describe_setting(comparison),
        *_marks(comparison),
    ]
    if not details:
        lines.append("other scores, calibration and cost: mmbench show RECORDS --details")
    return Text("\n".join(lines), style="dim")


def _on_verdicts(comparison: Comparison) -> Iterator[str]:
    if len(comparison.methods) > 1 and comparison.leaders:
        yield MARKS
    if comparison.verdicts:
        first, unit = comparison.methods[0].name, comparison.run["unit"]
        yield f"difference: of {first} to it, paired; p: t test over {unit}s and trainings;"
        yield adjusted_line(comparison)
        yield "a non-significant difference does not show equivalence"
    yield from limit_lines(comparison)
    if comparison.best_single:
        yield "² the best single modality"


def _on_oracle(comparison: Comparison) -> Iterator[str]:
    """What picking the epoch by test labels would have gained, which papers are seen to do."""
    gains = [(method.gap("oracle"), method.name) for method in comparison.methods]
    if any(gain >= _WORTH_SAYING for gain, _ in gains):
        told = ", ".join(f"{name} {show_gap(gain)}" for gain, name in gains if gain >= _WORTH_SAYING)
        yield f"the best epoch by test labels would gain: {told}"


def _on_details(comparison: Comparison) -> Iterator[str]:
    yield "last, oracle: balanced accuracy gained by taking the last epoch, or the best one"
    yield "on test labels, for the one chosen"
    methods = comparison.methods
    if not any(method.stops_early for method in methods):
        oracles = (f"{method.name} {method.mean_score('oracle', 'accuracy'):.3f}" for method in methods)
        yield f"accuracy at the oracle epoch, as papers report it that pick it on the test part: {', '.join(oracles)}"
    yield from cost_lines(comparison)


def chance_line(comparison: Comparison) -> str:
    """What guessing scores, and what always naming one class does."""
    return f"chance level {comparison.chance:.3f}, accuracy of the majority class {comparison.majority:.3f}"


def adjusted_line(comparison: Comparison) -> str:
    """For how many comparisons p and interval are adjusted, so that they agree."""
    n = len(comparison.verdicts)
    return "p and interval are of this one comparison" if n == 1 else f"p and interval: adjusted for {n} comparisons"


def describe_data(comparison: Comparison) -> Iterator[str]:
    """What to hold the scores against, and what they were taken over."""
    run, first = comparison.run, comparison.methods[0]
    yield chance_line(comparison)
    yield from above_chance_line(comparison)
    yield f"{len(first.labels)} samples, {first.outcomes.n_folds} folds, {_seeds(comparison)}"
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
    return f"{counts[0]} seed" + ("" if counts[0] == 1 else "s")


def describe_setting(comparison: Comparison) -> Iterator[str]:
    """Encoders, standardisation, splits, what the preset set, how it was trained and what tuning was allowed."""
    run = comparison.run
    encoders = ", ".join(f"{name}: {encoder['name']}" for name, encoder in run["encoders"].items())
    settings = sorted({str(method.run["standardize"]) for method in comparison.methods})
    yield f"encoders {encoders or 'none'}; standardized by {' and '.join(settings)}; splits {run['fingerprint']}"
    if preset := run["preset"]:
        yield f"preset {preset['name']}: {', '.join(_tables(preset)) or 'all overridden'}"
    yield from training_lines(comparison)
    yield from tuning_lines(comparison.methods)


def _tables(preset: Mapping[str, Any]) -> Iterator[str]:
    """What a preset set, a table as ``run[folds=5, units=s01+s02]``: with blanks, since it may be long."""
    for table, values in preset.items():
        if table != "name":
            listed = {
                name: "+".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()
            }
            yield f"{table}[{', '.join(str(Spec('', {key: value}))[1:-1] for key, value in listed.items())}]"


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
    yield from describe_missing(comparison)
