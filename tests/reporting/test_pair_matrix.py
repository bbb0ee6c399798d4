"""The matrix of pairwise comparisons in terminal and page: marks agree with the tests, both halves with each other."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pages.sections.pairs import pair_sections
from mmbench.reporting.pair_matrix import BETTER, EVEN, MARKS, WORSE, comparison_matrix
from mmbench.reporting.terminal.comparisons import comparison_table
from mmbench.reporting.terminal.layout import render
from mmbench.results.comparison import Comparison
from mmbench.results.loading import load_comparison

NAMES = ("first", "second", "third", "fourth")


@pytest.fixture(params=["class", "values"])
def comparison(write_task: Callable[..., Path], tmp_path: Path, request: pytest.FixtureRequest) -> Comparison:
    return load_comparison(write_task(tmp_path, request.param, NAMES, n_units=30, folds=6))


def test_every_two_methods_are_compared_once_the_better_one_first(comparison: Comparison) -> None:
    pairs, score = comparison.pairs, {method.name: method.orient(method.score.mean) for method in comparison.methods}
    assert len({frozenset((pair.first, pair.second)) for pair in pairs}) == len(pairs) == 6
    assert all(score[pair.first] >= score[pair.second] for pair in pairs)
    for pair in pairs:
        excludes_zero = pair.difference.low > 0 or pair.difference.high < 0
        assert excludes_zero is pair.is_significant


def test_marks_are_those_of_the_tests_and_the_halves_are_mirrored(comparison: Comparison) -> None:
    matrix = comparison_matrix(comparison)
    assert matrix is not None
    significant = {frozenset((pair.first, pair.second)) for pair in comparison.pairs if pair.is_significant}
    assert significant, "the example has a significant difference"
    opposite = {BETTER: WORSE, WORSE: BETTER, EVEN: EVEN}
    for row, name in enumerate(matrix.names):
        for column, other in enumerate(matrix.names):
            cell, mirrored = matrix.rows[row][column], matrix.rows[column][row]
            if cell is None or mirrored is None:
                assert row == column
                continue
            assert (cell.mark != EVEN) is (frozenset((name, other)) in significant)
            assert mirrored.mark == opposite[cell.mark]
            assert cell.mark != WORSE or row > column, "the best come first"


def test_fewer_than_three_methods_have_no_matrix(write_task: Callable[..., Path], tmp_path: Path) -> None:
    comparison = load_comparison(write_task(tmp_path, "class", NAMES[:2]))
    assert len(comparison.pairs) == 1
    assert comparison_matrix(comparison) is None
    assert list(pair_sections(comparison, PlotEmbedder())) == []
    assert "pairwise" not in render(comparison_table(comparison, details=True))


def test_the_terminal_shows_the_matrix_with_details_and_where_nothing_is_the_reference(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_task(tmp_path, "class", NAMES, n_units=30, folds=6)
    assert "pairwise" not in render(comparison_table(load_comparison(path)))
    with_details = render(comparison_table(load_comparison(path), details=True))
    path.unlink()  # the runs alone, of which none was named as the first
    for text in (with_details, render(comparison_table(load_comparison(path.parent)))):
        lines = text.splitlines()
        start = next(at for at, line in enumerate(lines) if line.startswith("pairwise"))
        assert lines[start].split() == ["pairwise", "1", "2", "3", "4"]
        assert [line.split()[:2] for line in lines[start + 1 : start + 5]] == [
            [str(at), name] for at, name in enumerate(NAMES, start=1)
        ]
        assert " ".join(MARKS.split()) in " ".join(text.split())
        assert "adjusted for 6 pairs" in " ".join(text.split())


def test_many_methods_with_long_names_fit_into_80_columns(write_task: Callable[..., Path], tmp_path: Path) -> None:
    names = tuple(f"milmer[selector=attention_weighted_topk,k={at},dim=256]" for at in range(15))
    path = write_task(tmp_path, "class", names)
    text = render(comparison_table(load_comparison(path), details=True))
    start = text.index("pairwise")
    matrix = text[start : text.index(BETTER + " the method", start)].rstrip().splitlines()
    assert max(map(len, matrix)) <= 80
    assert len({line.split()[0] for line in matrix if re.match(r"\d+ ", line)}) == 15


def test_the_section_has_every_pair_with_its_interval(comparison: Comparison) -> None:
    (section,) = pair_sections(comparison, PlotEmbedder())
    *_, block = section.blocks
    assert block.kind == "matrix"
    assert [row[:2] for row in block.table.rows] == [(pair.first, pair.second) for pair in comparison.pairs]
    assert "adjusted for 6 pairs" in block.note
    assert ("lower MAE is better" in block.note) is (comparison.metric == "mae")
