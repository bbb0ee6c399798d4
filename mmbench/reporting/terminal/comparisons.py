"""The table of a comparison for the terminal, 80 columns wide, readable without colour."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.registry import HOST_TRAINER, Spec, parse_spec
from mmbench.reporting.metric_names import direction_note, metric_column
from mmbench.reporting.number_format import format_difference, format_interval, format_p, format_score, format_signed
from mmbench.reporting.pair_matrix import comparison_matrix, matrix_note
from mmbench.reporting.terminal.costs import COST, calibration_cells, calibration_columns, cost_cells, cost_lines
from mmbench.reporting.terminal.elsewhere import elsewhere_lines, pretrained_lines
from mmbench.reporting.terminal.layout import fitted_tables, number_table, path_line, plain_table
from mmbench.reporting.terminal.limits import join_names, limit_lines
from mmbench.reporting.terminal.modality_effects import effects_lines, effects_table
from mmbench.reporting.terminal.pairs import matrix_table
from mmbench.reporting.terminal.run_description import describe_data, describe_settings, headline
from mmbench.reporting.terminal.verdicts import MARKS, best_set_line, describe_verdict, mark, single_note
from mmbench.results import Comparison, MethodResult, describe_missing, described_trainer
from mmbench.storage import counted, plural_of

_WIDTH = 80  # columns of a terminal
_LEAST_NAME = 12  # columns of names, the longer of which are folded
_HALF_VERDICT = len("significantly")  # the longest line of a verdict on two
_TRAINER = "trainer."  # of the names of its tuned parameters
_LEAST_SHOWN = 0.0005  # what is printed as +.001


def comparison_table(comparison: Comparison, details: bool = False) -> RenderableType:
    """The verdict, the methods as rows, and footnotes; with ``details`` also other scores, calibration and cost.

    Methods are compared with each other where none is the reference, and with ``details``.
    """
    tables: list[RenderableType] = [_table(comparison)]
    if (details or not comparison.verdicts) and (matrix := comparison_matrix(comparison)):
        tables += [Text(), matrix_table(matrix, matrix_note(comparison, len(comparison.pairs)))]
    if effects := effects_table(comparison, None if details else 1):
        tables += [Text(), effects]
    if details:
        tables += [Text(), _scores(comparison), Text(), _costs(comparison)]
    first = Text("\n").join([headline(comparison), Text(describe_verdict(comparison), style="bold")])
    return Group(first, Text(), *tables, Text(), _footnotes(comparison, details), path_line("records", comparison.path))


def _table(comparison: Comparison) -> Table:
    """Each method, and the difference of the first to it; marks of the best methods where there is no verdict."""
    longest = max(len(_name(comparison, method)) for method in comparison.methods)
    room = _room(comparison)
    # What verdicts on two lines leave for names; longer ones are folded.
    name_width = min(longest, max(room - _HALF_VERDICT, _LEAST_NAME))
    verdicts = {verdict.against: verdict for verdict in comparison.verdicts}
    table = plain_table("method" if verdicts else "")
    if not verdicts:
        table.add_column("method", overflow="fold")
    table.columns[-1].min_width = name_width
    for heading in (metric_column(comparison), *(("difference", "p", "verdict") if verdicts else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for method in comparison.methods:
        name = _name(comparison, method)
        cells = [] if verdicts else [mark(comparison, method.name)]
        cells += [
            name if len(name) <= name_width else name.replace(" ²", "²"),
            format_interval(method.scores[comparison.metric]),
        ]
        if verdict := verdicts.get(method.name):
            word = verdict.word if len(verdict.word) <= room - name_width else verdict.word.replace(" ", "\n")
            cells += [format_difference(verdict.difference), format_p(verdict.p), word]
        is_best = method.name in comparison.leaders[:1]
        table.add_row(*map(Text, cells), style="bold" if is_best else "")
    return table


def _room(comparison: Comparison) -> int:
    """The columns that marks and numbers leave for a name and a verdict."""
    scores = [format_interval(method.scores[comparison.metric]) for method in comparison.methods]
    columns = [[metric_column(comparison), *scores]]
    if comparison.verdicts:
        columns.append(["difference", *(format_difference(verdict.difference) for verdict in comparison.verdicts)])
        columns.append(["p", *(format_p(verdict.p) for verdict in comparison.verdicts)])
    numbers = sum(1 + max(map(len, column)) for column in columns)
    return _WIDTH - numbers - (1 if comparison.verdicts else 3)  # the blank before a verdict, or before name and mark


def _name(comparison: Comparison, method: MethodResult) -> str:
    own = " ¹" if method.run["own_encoders"] else ""
    single = " ²" if method.name == comparison.best_single else ""
    return f"{method.name}{own}{single}"


def _scores(comparison: Comparison) -> RenderableType:
    """Other scores of the chosen epoch, differences of the last and the oracle epoch to it, and calibration."""
    others, methods = comparison.other_metrics, comparison.methods
    titles = (*(metric_column(comparison, name) for name in others), "last", "oracle")
    scores = {
        method.name: (
            *(format_score(method.score_by(name)) for name in others),
            *(format_signed(method.gap(which)) for which in ("last", "oracle")),
        )
        for method in methods
    }
    calibration = {method.name: calibration_cells(method) for method in methods}
    return fitted_tables(
        {"scores": (titles, scores), "calibration": (calibration_columns(comparison), calibration)}, _WIDTH
    )


def _costs(comparison: Comparison) -> Table:
    table = number_table("cost", *COST)
    for method in comparison.methods:
        table.add_row(*map(Text, (method.name, *cost_cells(method))))
    return table


def _footnotes(comparison: Comparison, details: bool) -> Text:
    lines = [
        *describe_data(comparison),
        f"[95 % interval] over {counted(len(comparison.methods[0].units), comparison.run['unit'])}",
        *_verdict_lines(comparison),
        *effects_lines(comparison, details),
        *(_detail_lines(comparison) if details else _oracle_lines(comparison)),
        *describe_settings(comparison),
        *_method_lines(comparison),
    ]
    if not details:
        lines.append("other scores, calibration and cost: mmbench show RECORDS --details")
    return Text("\n".join(lines), style="dim")


def _verdict_lines(comparison: Comparison) -> Iterator[str]:
    if not comparison.verdicts:
        yield from filter(None, [direction_note(comparison)])
        yield from [MARKS] if len(comparison.methods) > 1 and comparison.leaders else []
    if comparison.verdicts:
        first, units = comparison.methods[0].name, plural_of(comparison.run["unit"])
        note = direction_note(comparison)
        yield f"difference: {first} minus the method of the row, paired{f'; {note}' if note else ''}"
        yield f"p: t test over {units} and trainings; {adjusted_line(comparison)}"
        yield "a non-significant difference does not show equivalence"
        yield best_set_line(comparison)
    yield from limit_lines(comparison)
    if comparison.best_single:
        yield single_note(comparison)


def _oracle_lines(comparison: Comparison) -> Iterator[str]:
    """The bias of choosing the epoch on test data, which papers are seen to do."""
    gains = [(method.gap("oracle"), method.name) for method in comparison.methods]
    listed = [f"{name} {format_signed(gain)}" for gain, name in gains if abs(gain) >= _LEAST_SHOWN]
    if listed:
        yield f"bias of choosing the epoch on test data (oracle epoch): {join_names(listed)}"


def _detail_lines(comparison: Comparison) -> Iterator[str]:
    yield (
        f"last, oracle: change of {comparison.metric_title} at the last epoch, and at the best epoch on test data "
        "(oracle epoch), relative to the chosen epoch"
    )
    methods = comparison.methods
    if "accuracy" in comparison.other_metrics and not any(method.stops_early for method in methods):
        trained = [method for method in methods if not method.is_elsewhere]
        oracles = [f"{method.name} {method.mean_score('oracle', 'accuracy'):.3f}" for method in trained]
        yield f"accuracy at the oracle epoch, as some papers report it: {join_names(oracles)}"
    yield from cost_lines(comparison)


def adjusted_line(comparison: Comparison) -> str:
    """The number of comparisons for which p and interval are adjusted."""
    n = len(comparison.verdicts)
    return "p and interval are not adjusted" if n == 1 else f"p and interval: adjusted for {n} comparisons"


def _trainer_lines(comparison: Comparison) -> Iterator[str]:
    """The trainers of networks, unless all were trained by that of the host."""
    trainers = {method.name: trainer for method in comparison.methods if (trainer := _describe_trainer(method))}
    if {*trainers.values()} <= {HOST_TRAINER}:
        return
    for trainer in dict.fromkeys(trainers.values()):
        who = [name for name, each in trainers.items() if each == trainer]
        yield f"trainer of {join_names(who) if len(who) < len(comparison.methods) else 'all methods'}: {trainer}"


def _describe_trainer(method: MethodResult) -> str | None:
    """The trainer of a method with its parameters, those that were tuned with their range over the folds.

    None where nothing is trained by one.
    """
    described = described_trainer(method.run)
    if described is None or not method.varies:
        return None
    chosen = [record.tuning["chosen"] for record in method.records if record.tuning]
    tuned = {name for params in chosen for name in params if name.startswith(_TRAINER)}
    if not tuned:
        return described
    spec = parse_spec(described)
    held = {name: value for name, value in spec.params.items() if _TRAINER + name not in tuned}
    ranges = [f"{name[len(_TRAINER) :]} {_range([each[name] for each in chosen if name in each])}" for name in tuned]
    return f"{Spec(spec.name, held)}, tuned: {', '.join(sorted(ranges))}"


def _range(values: Sequence[Any]) -> str:
    """The values of a tuned parameter: from the least to the largest number, or each."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return " to ".join(dict.fromkeys(f"{each:.3g}" for each in (min(values), max(values))))
    return " or ".join(sorted(dict.fromkeys(map(str, values))))


def _method_lines(comparison: Comparison) -> Iterator[str]:
    """Footnotes on single methods: own encoders, modalities that they do not use, missing folds."""
    methods = comparison.methods
    if any(method.run["own_encoders"] for method in methods):
        yield "¹ has its own encoders and training"
    yield from _trainer_lines(comparison)
    offered = tuple(comparison.run["offered"])
    known = [method for method in methods if not method.is_elsewhere]
    used = [tuple(method.run["modalities"]) for method in known]
    for names in dict.fromkeys(names for names in used if names != offered):
        who = [method.name for method, modalities in zip(known, used, strict=True) if modalities == names]
        subject = join_names(who) if len(who) < len(methods) else "all methods"
        verb = "uses" if len(who) == 1 < len(methods) else "use"
        yield f"{subject}: {verb} {len(names)} of {counted(len(offered), 'modality')}: {', '.join(names)}"
    yield from elsewhere_lines(comparison)
    yield from pretrained_lines(comparison)
    yield from describe_missing(comparison)
