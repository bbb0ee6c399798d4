"""Tables of ``mmbench diagnose``: subsets, Shapley values and curves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.terminal.layout import path_line, show_difference, show_gap, show_interval
from mmbench.reporting.terminal.tables import describe_data, describe_setting, headline
from mmbench.reporting.terminal.worth import WORDS, find_reasons, is_undiagnosed, table_of, word_on
from mmbench.results import N_SHUFFLES, Comparison, ConditionScore, ModalityScores

_MANY = 4  # modalities above which only the smallest and the largest subsets are printed


def diagnosis_tables(comparison: Comparison) -> RenderableType:
    """Everything known of each method: subsets, Shapley values, and the curves."""
    parts: list[RenderableType] = [headline(comparison, "diagnosis")]
    for method in comparison.methods:
        if method.diagnosis:
            parts += [Text(f"\n{method.name}", style="bold"), *_tables(method.diagnosis)]
    return Group(*parts, _footnotes(comparison), path_line("records", comparison.path))


def _tables(diagnosis: ModalityScores) -> Iterator[RenderableType]:
    yield _worth(diagnosis)
    yield Text()
    yield _subsets(diagnosis)
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


def _worth(diagnosis: ModalityScores) -> Table:
    table = table_of("modality", "Shapley value", "without", "shuffled", "it is")
    for name in diagnosis.modalities:
        shapley = show_difference(diagnosis.shapley[name]) if diagnosis.shapley else "–"
        changes = (show_difference(each[name].change) for each in (diagnosis.without, diagnosis.shuffled))
        table.add_row(*map(Text, (name, shapley, *changes, word_on(diagnosis, name))))
    return table


def _subsets(diagnosis: ModalityScores) -> Table:
    table = table_of("only these left", "bal. accuracy")
    n_modalities = len(diagnosis.modalities)
    for left, score in sorted(diagnosis.subsets.items(), key=lambda item: -len(item[0])):
        if n_modalities <= _MANY or len(left) in (0, 1, n_modalities - 1, n_modalities):
            table.add_row(Text(_name(left, diagnosis.modalities)), Text(show_interval(score)))
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
        curves["each of them"] = diagnosis.missing_all
    shares = next(iter(curves.values()))
    return _curves("missing in", [f"{share:.0%}" for share in shares], curves)


def _noise(diagnosis: ModalityScores) -> Table:
    levels = [f"{snr} dB" for snr in next(iter(diagnosis.noise.values()))]
    return _curves("noise at", levels, diagnosis.noise)


def _curves(heading: str, levels: Sequence[str], curves: Mapping[str, Mapping[Any, ConditionScore]]) -> Table:
    table = table_of(heading, *levels)
    for name, curve in curves.items():
        table.add_row(*map(Text, (name, *(f"{loss.score.mean:.3f}{_mark(loss)}" for loss in curve.values()))))
    return table


def _shift(diagnosis: ModalityScores) -> Table:
    """By how much a score changes, since each is over the samples that have such a window."""
    first = max(diagnosis.shift.values(), key=len)
    table = table_of("taken later by", *(f"{shift.seconds:+g} s" for shift in first))
    for name, curve in diagnosis.shift.items():
        cells = {shift.windows: f"{show_gap(shift.loss.change.mean)}{_mark(shift.loss)}" for shift in curve}
        table.add_row(*map(Text, (name, *(cells.get(shift.windows, "–") for shift in first))))
    return table


def _mark(loss: ConditionScore) -> str:
    """A star where the interval of the change leaves out 0; a blank keeps the columns straight."""
    return "*" if loss.change.low > 0 or loss.change.high < 0 else " "


def _footnotes(comparison: Comparison) -> Text:
    lines = [
        "",
        *describe_data(comparison),
        f"[95 % interval] over {len(comparison.methods[0].units)} {comparison.run['unit']}s, paired;",
        "*: that of the change leaves out 0",
        "scores: balanced accuracy of the trained model, its test samples being without",
        "some modality; one never trained with gaps may suffer from the gap itself",
        "(--training modality_dropout=0.3), and what a model trained without a modality",
        "scores is told by mmbench ablate --only modalities",
        "Shapley value: what a modality adds, mean over all orders of adding them; all of",
        "them: what all score over none; without, shuffled: change of the score",
        *WORDS,
        f"shuffled: exchanged among the test samples of a fold, mean of {N_SHUFFLES} draws;",
        "missing: in so many of the samples, mean over all choices of them",
    ]
    found = [method.diagnosis for method in comparison.methods if method.diagnosis]
    if any(diagnosis.noise for diagnosis in found):
        lines.append("noise: white, on the raw data, so many dB below each instance's own power")
    if any(diagnosis.shift for diagnosis in found):
        lines.append("later by: it alone, from another window of the same recording; change of the")
        lines.append("score over the samples that have one")
    lines += [*find_reasons(comparison.methods)]
    lines += [
        f"{method.name}: not, or not in all folds, diagnosed" for method in comparison.methods if is_undiagnosed(method)
    ]
    return Text("\n".join([*lines, *describe_setting(comparison)]), "dim")
