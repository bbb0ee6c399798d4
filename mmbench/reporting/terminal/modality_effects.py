"""Effect of each modality on the score of trained methods: the table under a comparison, and its footnotes."""

import shlex
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from mmbench.data import NOISE_OBSTACLES
from mmbench.reporting.metric_names import direction_note, direction_sentence
from mmbench.reporting.number_format import format_difference, format_score
from mmbench.reporting.terminal.layout import number_table, relative_path
from mmbench.results import Comparison, ConditionScore, MethodResult, ModalityScores


def effects_table(comparison: Comparison, most: int | None = None) -> Table | None:
    """A row for each modality of each diagnosed method, at most ``most`` methods; None if none was."""
    found = {method.name: method.diagnosis for method in comparison.methods if method.diagnosis}
    if not found:
        return None
    found = dict(list(found.items())[:most])
    table = number_table("method", "Shapley value", "alone", names=("modality",))
    for heading in ("removed", "shuffled"):
        table.add_column(heading, no_wrap=True)
    for name, diagnosis in found.items():
        for at, row in enumerate(_effect_rows(diagnosis)):
            table.add_row(*map(Text, ("" if at else name, *row)))
    return table


def _effect_rows(diagnosis: ModalityScores) -> Iterator[tuple[str, ...]]:
    for name in diagnosis.modalities:
        yield (
            name,
            format_difference(diagnosis.shapley[name]) if diagnosis.shapley else "–",
            format_score(diagnosis.subsets[name,].mean),
            *(f"{format_score(loss.score.mean)} {effect_of(loss)}" for loss in _losses(diagnosis, name)),
        )


def _losses(diagnosis: ModalityScores, name: str) -> tuple[ConditionScore, ConditionScore]:
    return diagnosis.without[name], diagnosis.shuffled[name]


def effect_of(loss: ConditionScore) -> str:
    """Whether the change ``lowers`` or ``raises`` the score; ``none shown`` where its 95 % interval includes 0."""
    if loss.change.high < 0:
        return "lowers"
    return "raises" if loss.change.low > 0 else "none shown"


def effects_of(diagnosis: ModalityScores, name: str) -> tuple[str, str]:
    """The effect of removing a modality, and that of shuffling it among the test samples."""
    removed, shuffled = _losses(diagnosis, name)
    return effect_of(removed), effect_of(shuffled)


def effects_lines(comparison: Comparison, details: bool = True) -> Iterator[str]:
    """Footnotes of `effects_table`, more of them with ``details``, and which methods were not diagnosed."""
    if any(method.diagnosis for method in comparison.methods):
        yield from _meanings(comparison, details)
    yield from _undone(comparison)


def _undone(comparison: Comparison) -> Iterator[str]:
    """The methods that were not diagnosed and the noise that was not tested, with the command that does."""
    undone = [method for method in comparison.methods if is_undiagnosed(method)]
    if undone:
        names = ", ".join(method.name for method in undone)
        yield f"not diagnosed: {names}; mmbench diagnose {shlex.quote(str(relative_path(comparison.path)))}"
    for line, is_final in find_reasons(comparison.methods).items():
        yield line if is_final else f"{line}; mmbench diagnose tests it"


def _meanings(comparison: Comparison, details: bool) -> Iterator[str]:
    note = direction_note(comparison)
    yield (
        "Shapley value: contribution of the modality to the score of the trained model; alone: score with it only; "
        "removed: score without it; shuffled: score with it permuted among test samples; lowers, raises: the 95 % "
        f"interval of the change excludes 0{f'; {note}' if note else ''}"
    )
    if details:
        yield (
            "all of these are scores of the model trained with all modalities; mmbench ablate --only modalities trains "
            "models without a modality"
        )


def effects_paragraphs(comparison: Comparison) -> Iterator[str]:
    """The footnotes for a page, which wraps lines itself."""
    yield (
        "Alone: score with one modality only. Removing, shuffling: whether removing the modality, or permuting it "
        "among test samples, lowers or raises the score; none shown: the 95 % interval of the change includes 0. "
        f"{direction_sentence(comparison)}These are scores of models trained with all modalities; mmbench ablate "
        "--only modalities trains models without one."
    )
    yield from _undone(comparison)


def is_undiagnosed(method: MethodResult) -> bool:
    """Whether a method of several modalities was not diagnosed in every fold."""
    return method.diagnosis is None and len(method.run["encoders"]) > 1


def find_reasons(methods: Sequence[MethodResult]) -> dict[str, bool]:
    """Why noise was not tested, each reason once, and whether it cannot be tested at all."""
    found = [method.diagnosis for method in methods if method.diagnosis]
    return {
        f"noise on {name}: not tested, {why}": why in NOISE_OBSTACLES.values()
        for each in found
        for name, why in each.left_out.items()
    }
