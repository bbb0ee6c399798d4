"""Section of a report on pairwise comparisons: critical-difference diagram, matrix and pairs."""

from collections.abc import Iterator

from mmbench.reporting.number_format import format_difference, format_p
from mmbench.reporting.pages.page_model import Block, MatrixBlock, Section, Table
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pair_matrix import MARKS, comparison_matrix, matrix_note
from mmbench.reporting.plots.ranks import can_show, ranks
from mmbench.results import Comparison
from mmbench.storage import counted


def pair_sections(comparison: Comparison, embedder: PlotEmbedder) -> Iterator[Section]:
    """Mean ranks and the matrix of all methods, and pairs with intervals; nothing for fewer than three methods."""
    matrix = comparison_matrix(comparison)
    if matrix is None:
        return
    pairs = comparison.pairs
    table = Table(
        f"{counted(len(pairs), 'pair')} with intervals",
        ("method", "compared with", "difference", "p"),
        [(pair.first, pair.second, format_difference(pair.difference), format_p(pair.p)) for pair in pairs],
        2,
        frozenset(at for at, pair in enumerate(pairs) if pair.is_significant),
    )
    note = matrix_note(comparison, len(pairs))
    verdicts = " Verdicts are adjusted for their own number, and may differ." if comparison.verdicts else ""
    text = f"{MARKS}; {note}. Numbers are the score of the method of the row minus that of the column.{verdicts}"
    block = MatrixBlock("Each method compared with each other, the best first", matrix, text, table)
    blocks: list[Block] = [embedder.embed(lambda width: ranks(comparison, width))] if can_show(comparison) else []
    yield Section("pairs", "Pairwise comparisons", [*blocks, block])
