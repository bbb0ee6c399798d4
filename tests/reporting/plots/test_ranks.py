"""Mean ranks and bars of the critical-difference diagram: by hand, and against the matrix of pairwise comparisons."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from mmbench.errors import SpecError
from mmbench.reporting.comparison_plots import plot
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pages.sections.pairs import pair_sections
from mmbench.reporting.plots.ranks import can_show, rank_methods, ranks
from mmbench.reporting.plots.style import NARROW, WIDTH
from mmbench.results.comparison import Comparison
from mmbench.results.loading import load_comparison

NAMES = ("first", "second", "third", "fourth", "fifth")


@pytest.fixture(params=["class", "labels", "values"])
def comparison(write_task: Callable[..., Path], tmp_path: Path, request: pytest.FixtureRequest) -> Comparison:
    return load_comparison(write_task(tmp_path, request.param, NAMES, n_units=30, folds=6))


def test_ranks_are_means_over_units_and_the_best_is_first(comparison: Comparison) -> None:
    found = rank_methods(comparison)
    by_name = {method.name: method for method in comparison.methods}
    scores = np.stack([by_name[name].outcomes.unit_scores for name in found.names])
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    worse = -scores if comparison.higher_is_better else scores
    assert found.values == pytest.approx(rankdata(worse, axis=0).mean(axis=1))
    assert found.n_units == scores.shape[1]
    assert list(found.values) == sorted(found.values)
    assert found.names[0] == "first"


def test_bars_join_exactly_what_the_matrix_does_not_tell_apart(comparison: Comparison) -> None:
    found = rank_methods(comparison)
    joined = {frozenset(found.names[at] for at in pair) for each in found.joined for pair in combinations(each, 2)}
    even = {frozenset((pair.first, pair.second)) for pair in comparison.pairs if not pair.is_significant}
    assert joined == even
    assert len(comparison.pairs) > len(even) > 0, "the example has both"
    assert not any(set(one) < set(other) for one in found.joined for other in found.joined)


@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_marks_lie_at_their_ranks_and_the_table_has_them(comparison: Comparison, width: float) -> None:
    drawn, found = ranks(comparison, width), rank_methods(comparison)
    artists = {each.get_gid(): each for each in drawn.figure.findobj(lambda each: each.get_gid() is not None)}
    places = {text.partition(":")[0]: artists[gid].get_xdata()[0] for gid, text in drawn.marks.items()}
    x = [places[name] for name in found.names]
    steps = np.diff(found.values)
    assert np.diff(x) / np.diff(x).sum() == pytest.approx(steps / steps.sum())
    bars = [
        text.partition(": ")[2].split(", ")
        for text in drawn.marks.values()
        if ", not significantly different: " in text
    ]
    assert bars == [[found.names[at] for at in each] for each in found.joined]
    on_bar = {row[0]: [int(each) for each in row[2].split(", ") if each != "none"] for row in drawn.rows}
    assert on_bar == {name: [at for at, bar in enumerate(bars, start=1) if name in bar] for name in on_bar}
    assert [row[:2] for row in drawn.rows] == [
        (name, f"{rank:.2f}") for name, rank in zip(found.names, found.values, strict=True)
    ]


def test_the_caption_names_the_test_that_joins(comparison: Comparison) -> None:
    text = ranks(comparison).description
    assert "t test of scores over subjects and trainings, adjusted for 10 pairs, not a test of ranks" in text
    (section,) = pair_sections(comparison, PlotEmbedder())
    assert [block.kind for block in section.blocks] == ["plot", "matrix"]


@pytest.mark.parametrize(("names", "n_units"), [(NAMES[:2], 8), (NAMES, 4)])
def test_two_methods_or_four_units_have_no_diagram(
    write_task: Callable[..., Path], tmp_path: Path, names: tuple[str, ...], n_units: int
) -> None:
    few = load_comparison(write_task(tmp_path, "class", names, n_units=n_units))
    assert not can_show(few)
    with pytest.raises(SpecError, match="plot ranks: the records hold nothing for it"):
        plot(few, "ranks")


def test_samples_are_no_units_to_rank_on(write_task: Callable[..., Path], tmp_path: Path) -> None:
    assert not can_show(load_comparison(write_task(tmp_path, "class", NAMES, unit="sample")))
