"""Tables of ``mmbench diagnose``: subsets, Shapley values and curves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.metric_names import direction_note, metric_column
from mmbench.reporting.number_format import format_difference, format_interval, format_score, format_signed
from mmbench.reporting.terminal.layout import number_table, path_line
from mmbench.reporting.terminal.modality_effects import find_reasons, is_undiagnosed
from mmbench.reporting.terminal.run_description import describe_data, describe_settings, headline
from mmbench.results import N_SHUFFLES, Comparison, ConditionScore, ModalityScores
from mmbench.storage import counted

_MANY = 4  # modalities above which only the smallest and the largest subsets are printed


def diagnosis_tables(comparison: Comparison) -> RenderableType:
    """The tables of each diagnosed method: Shapley values, subsets, missing modalities, noise and shifts."""
    parts: list[RenderableType] = [headline(comparison, "diagnosis")]
    for method in comparison.methods:
        if method.diagnosis:
            parts += [Text(f"\n{method.name}", style="bold"), *_tables(method.diagnosis, metric_column(comparison))]
    return Group(*parts, _footnotes(comparison), path_line("records", comparison.path))


def _tables(diagnosis: ModalityScores, column: str) -> Iterator[RenderableType]:
    yield _effects(diagnosis)
    yield Text()
    yield _subsets(diagnosis, column)
    yield Text()
    yield _missing(diagnosis)
    if diagnosis.noise:
        yield Text()
        yield _noise(diagnosis)
    if diagnosis.shift:
        yield Text()
        yield _shift(diagnosis)
    if diagnosis.shapley is None:
        yield Text(f"{len(diagnosis.modalities)} modalities have too many subsets for Shapley values", style="dim")


def _effects(diagnosis: ModalityScores) -> Table:
    """Shapley values, and the change of the score by removing and by shuffling each modality."""
    table = number_table("modality", "Shapley value", "removed", "shuffled")
    for name in diagnosis.modalities:
        shapley = format_difference(diagnosis.shapley[name]) if diagnosis.shapley else "–"
        losses = (diagnosis.without[name], diagnosis.shuffled[name])
        table.add_row(
            *map(Text, (name, shapley, *(f"{format_difference(loss.change)}{_mark(loss)}" for loss in losses)))
        )
    return table


def _subsets(diagnosis: ModalityScores, column: str) -> Table:
    table = number_table("modalities kept", column)
    n_modalities = len(diagnosis.modalities)
    for left, score in sorted(diagnosis.subsets.items(), key=lambda item: -len(item[0])):
        if n_modalities <= _MANY or len(left) in (0, 1, n_modalities - 1, n_modalities):
            table.add_row(Text(_name(left, diagnosis.modalities)), Text(format_interval(score)))
    return table


def _name(left: Sequence[str], modalities: Sequence[str]) -> str:
    if len(left) == len(modalities):
        return "all"
    if len(left) > len(modalities) / 2 and len(modalities) > _MANY:
        return f"all but {', '.join(name for name in modalities if name not in left)}"
    return ", ".join(left) or "none"


def _missing(diagnosis: ModalityScores) -> Table:
    curves = dict(diagnosis.missing)
    if diagnosis.missing_all:
        curves["each modality"] = diagnosis.missing_all
    shares = next(iter(curves.values()))
    return _curves("missing in", [f"{share:.0%}" for share in shares], curves)


def _noise(diagnosis: ModalityScores) -> Table:
    levels = [f"{snr} dB" for snr in next(iter(diagnosis.noise.values()))]
    return _curves("noise at", levels, diagnosis.noise)


def _curves(heading: str, levels: Sequence[str], curves: Mapping[str, Mapping[Any, ConditionScore]]) -> Table:
    table = number_table(heading, *levels)
    for name, curve in curves.items():
        table.add_row(*map(Text, (name, *(f"{format_score(loss.score.mean)}{_mark(loss)}" for loss in curve.values()))))
    return table


def _shift(diagnosis: ModalityScores) -> Table:
    """Changes of the score, since each is over the samples that have such a window."""
    first = max(diagnosis.shift.values(), key=len)
    table = number_table("shifted by", *(f"{shift.seconds:+g} s" for shift in first))
    for name, curve in diagnosis.shift.items():
        cells = {shift.windows: f"{format_signed(shift.loss.change.mean)}{_mark(shift.loss)}" for shift in curve}
        table.add_row(*map(Text, (name, *(cells.get(shift.windows, "–") for shift in first))))
    return table


def _mark(loss: ConditionScore) -> str:
    """A star where the interval of the change excludes 0; a blank keeps the columns aligned."""
    return "*" if loss.change.low > 0 or loss.change.high < 0 else " "


def _footnotes(comparison: Comparison) -> Text:
    lines = [
        "",
        *describe_data(comparison),
        f"[95 % interval] over {counted(len(comparison.methods[0].units), comparison.run['unit'])}, paired;",
        "*: the 95 % interval of the change excludes 0",
        f"scores: {comparison.metric_title} of the trained model on test samples that lack a modality; a model that "
        "saw no missing modality in training may score low for that reason (--training modality_dropout=0.3); mmbench "
        "ablate --only modalities trains models without a modality",
        *filter(None, [direction_note(comparison)]),
        "Shapley value: mean change of the score by adding the modality, over all orders; the values add up to the "
        "score with all modalities minus that with none",
        "removed: change of the score without the modality; shuffled: change with it permuted among the test samples "
        f"of a fold, mean of {counted(N_SHUFFLES, 'draw')}",
        "missing in: share of the samples that lack it, mean over all choices of samples",
    ]
    found = [method.diagnosis for method in comparison.methods if method.diagnosis]
    if any(diagnosis.noise for diagnosis in found):
        lines.append("noise at: white noise on the raw data, signal-to-noise ratio of each instance")
    if any(diagnosis.shift for diagnosis in found):
        lines.append(
            "shifted by: this modality from a later window of the same recording; change of the score over the samples "
            "that have such a window"
        )
    lines += find_reasons(comparison.methods)
    lines += [f"{method.name}: not diagnosed in all folds" for method in comparison.methods if is_undiagnosed(method)]
    return Text("\n".join([*lines, *describe_settings(comparison)]), "dim")
