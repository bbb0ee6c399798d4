"""Pairwise comparisons as a matrix: a row and a column for each method, the best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmbench.reporting.metric_names import direction_note
from mmbench.reporting.number_format import format_difference, format_p, format_signed
from mmbench.results import Comparison, Pair
from mmbench.storage import counted, plural_of

BETTER, WORSE, EVEN = "B", "W", "\N{MIDDLE DOT}"
LEAST = 3
"""Fewer methods are compared in the verdict or in one line."""
MARKS = (
    f"{BETTER} the method of the row is significantly better than that of the column, {WORSE} significantly worse, "
    f"{EVEN} not significantly different"
)


@dataclass(frozen=True)
class MatrixCell:
    """The method of a row compared with that of a column; ``hint`` is the comparison in words."""

    mark: str
    difference: str
    hint: str

    @property
    def word(self) -> str:
        """The mark in a word."""
        return {BETTER: "better", WORSE: "worse", EVEN: "even"}[self.mark]


@dataclass(frozen=True)
class PairMatrix:
    """Methods in the order of rows and columns, and the cells of each row; None on the diagonal."""

    names: Sequence[str]
    rows: Sequence[Sequence[MatrixCell | None]]


def make_matrix(pairs: Sequence[Pair], names: Mapping[str, str]) -> PairMatrix:
    """The matrix of pairs whose first method is the better one; ``names`` of methods, the best first."""
    cells: dict[tuple[str, str], MatrixCell] = {}
    for pair in pairs:
        signs = (BETTER, WORSE) if pair.is_significant else (EVEN, EVEN)
        hint = (
            f"{names[pair.first]} minus {names[pair.second]}: {format_difference(pair.difference)}, "
            f"p {format_p(pair.p)}"
        )
        cells[pair.first, pair.second] = MatrixCell(signs[0], format_signed(pair.difference.mean), hint)
        cells[pair.second, pair.first] = MatrixCell(signs[1], format_signed(-pair.difference.mean), hint)
    return PairMatrix(
        tuple(names.values()), tuple(tuple(cells.get((row, column)) for column in names) for row in names)
    )


def comparison_matrix(comparison: Comparison) -> PairMatrix | None:
    """The matrix of the methods of a comparison without missing folds; None for fewer than three."""
    names = list(dict.fromkeys(name for pair in comparison.pairs for name in (pair.first, pair.second)))
    return make_matrix(comparison.pairs, {name: name for name in names}) if len(names) >= LEAST else None


def matrix_note(comparison: Comparison, n_pairs: int) -> str:
    """What was compared and how it was adjusted."""
    direction = direction_note(comparison)
    return (
        f"difference of {comparison.metric_title}, paired{f'; {direction}' if direction else ''}; t test over "
        f"{plural_of(comparison.run['unit'])} and trainings, adjusted for {counted(n_pairs, 'pair')}"
    )
