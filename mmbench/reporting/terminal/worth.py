"""What each modality is worth to the methods of a comparison: the block under its table."""

import shlex
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from mmbench.reporting.terminal.layout import from_here, plain_table, show_difference
from mmbench.results import Comparison, MethodResult, ModalityScores

WORDS = (
    "needed: taken away, the score falls; used: it falls when shuffled alone;",
    "in the way: taken away, it rises; each by an interval that leaves out 0",
)


def worth_table(comparison: Comparison, most: int | None = None) -> Table | None:
    """A row for each modality of each method that was diagnosed, or of the first few; None where none was."""
    found = {method.name: method.diagnosis for method in comparison.methods if method.diagnosis}
    if not found:
        return None
    found = dict(list(found.items())[:most])
    table = table_of("method", "Shapley value", "alone", "without", "shuffled", "it is", names=("modality",))
    for name, diagnosis in found.items():
        for at, row in enumerate(_worth_rows(diagnosis)):
            table.add_row(*map(Text, ("" if at else name, *row)))
    return table


def _worth_rows(diagnosis: ModalityScores) -> Iterator[tuple[str, ...]]:
    for name in diagnosis.modalities:
        yield (
            name,
            show_difference(diagnosis.shapley[name]) if diagnosis.shapley else "–",
            f"{diagnosis.subsets[name,].mean:.3f}",
            f"{diagnosis.without[name].score.mean:.3f}",
            f"{diagnosis.shuffled[name].score.mean:.3f}",
            word_on(diagnosis, name),
        )


def worth_lines(comparison: Comparison, details: bool = True) -> Iterator[str]:
    """What the numbers of `worth_table` mean, in a line or with ``details``, and what is missing of them."""
    diagnosed = any(method.diagnosis for method in comparison.methods)
    if diagnosed and not details:
        yield "Shapley value: a modality's share in what the model as it was trained scores;"
    elif diagnosed:
        yield "Shapley value: a modality's share in what all score over none; alone, without,"
        yield "shuffled (among test samples): balanced accuracy of the model as it was trained,"
        yield "not of one trained so (mmbench ablate --only modalities)"
    if diagnosed:
        yield from WORDS
    undone = [method for method in comparison.methods if is_undiagnosed(method)]
    if undone:
        names = ", ".join(method.name for method in undone)
        yield f"not diagnosed: {names}; mmbench diagnose {shlex.quote(str(from_here(comparison.path)))}"
    for why in find_reasons(comparison.methods):
        yield f"{why}; mmbench diagnose does"


def is_undiagnosed(method: MethodResult) -> bool:
    """Whether there is something to diagnose that was not, or not in every fold."""
    return method.diagnosis is None and len(method.run["encoders"]) > 1


def find_reasons(methods: Sequence[MethodResult]) -> dict[str, None]:
    """Noise that was left out, each reason once."""
    found = [method.diagnosis for method in methods if method.diagnosis]
    return dict.fromkeys(f"noise on {name}: not tried, {why}" for each in found for name, why in each.left_out.items())


def word_on(diagnosis: ModalityScores, name: str) -> str:
    """What its scores say of a modality, as `WORDS` tells."""
    without, shuffled = diagnosis.without[name].change, diagnosis.shuffled[name].change
    if without.low > 0:
        return "in the way"
    if without.high < 0:
        return "needed"
    return "used" if shuffled.high < 0 else "no evidence"


def table_of(heading: str, *numbers: str, names: Sequence[str] = ()) -> Table:
    """A table with columns of ``names`` first, and of numbers then."""
    table = plain_table(heading)
    for column in names:
        table.add_column(column, no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table
