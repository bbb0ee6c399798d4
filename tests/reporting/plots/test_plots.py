"""Plots show the numbers of the records: values of artists are compared, for any methods and classes."""

import io
import warnings
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from mmbench.errors import SpecError
from mmbench.reporting.comparison_plots import plot as plot_comparison
from mmbench.reporting.plots.confusion import FAINTEST, confusion_shares
from mmbench.reporting.plots.learning import epochs_of
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import NARROW, WIDTH
from mmbench.reporting.plots.subjects import unit_scores
from mmbench.reporting.plots.tuning import budget_curve
from mmbench.results.loading import load_comparison
from mmbench.training.metrics import balanced_accuracy

ALONE = ("ranking", "subjects", "confusion", "learning", "modalities", "missing", "calibration", "cost", "tuning")
NAMES = (*ALONE, "ranks")


@pytest.fixture(scope="module")
def comparison(write_comparison, tmp_path_factory):
    home = tmp_path_factory.mktemp("plots")
    return load_comparison(write_comparison(home, ("second", "first", "third")))


def draw(name, comparison, width=WIDTH):
    return getattr(import_module(f"mmbench.reporting.plots.{name}"), name)(comparison, width)


def marked(plot):
    """The artists with a label, by their label."""
    artists = {artist.get_gid(): artist for artist in plot.figure.findobj(lambda each: each.get_gid() is not None)}
    assert set(artists) == set(plot.marks)
    return {text: artists[gid] for gid, text in plot.marks.items()}


def places(plot):
    return [
        (float(np.ravel(each.get_xdata())[0]), float(np.ravel(each.get_ydata())[0])) for each in marked(plot).values()
    ]


def check(plot):
    """What holds for every plot."""
    assert plot.title
    assert plot.description.endswith(".")
    assert plot.rows
    assert {len(row) for row in plot.rows} == {len(plot.columns)}
    assert "nan" not in repr((plot.rows, plot.marks)).lower()
    assert len(set(plot.marks)) == len(plot.marks) > 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        for kind in ("svg", "pdf"):
            out = io.BytesIO()
            plot.figure.savefig(out, format=kind)
            assert len(out.getvalue()) > 2000


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_is_whole_at_both_widths(comparison, name):
    for width in (WIDTH, NARROW):
        plot = draw(name, comparison, width)
        check(plot)
        assert plot.figure.get_figwidth() == width


@pytest.mark.parametrize("name", ALONE)
def test_one_method_of_which_a_class_never_occurs(write_comparison, tmp_path, name):
    path = write_comparison(tmp_path, ("alone",), classes=("no", "yes", "never"), absent=(2,))
    check(draw(name, load_comparison(path)))


@pytest.mark.parametrize("name", ["ranking", "ranks", "confusion", "cost", "tuning"])
def test_many_methods_with_unusual_names(write_comparison, tmp_path, name):
    names = ["$x_1$ & <b>", "方法", *(f"method number {at} of those with long names" for at in range(8))]
    plot = draw(name, load_comparison(write_comparison(tmp_path, names)), NARROW)
    check(plot)
    assert {row[0] for row in plot.rows} == set(names)


def test_the_ranking_has_the_scores_of_the_table(comparison):
    best = ranked(comparison)
    expected = [(method.scores["balanced_accuracy"].mean, float(at)) for at, method in enumerate(best)]
    assert places(draw("ranking", comparison)) == expected
    assert [score for score, _ in expected] == sorted((score for score, _ in expected), reverse=True)


def test_subjects_have_the_scores_of_their_own_samples(comparison):
    plot = draw("subjects", comparison)
    first = ranked(comparison)[0]
    records = first.records
    labels, predictions, units = (
        np.concatenate([np.asarray(getattr(r, name)) for r in records]) for name in ("labels", "predictions", "units")
    )
    mine = units == "s3"
    recalls = [(predictions[mine & (labels == label)] == label).mean() for label in (0, 1)]
    assert unit_scores(first)[first.units.index("s3")] == pytest.approx(np.mean(recalls))
    assert len(plot.marks) == len(first.units) * 3
    shown = np.reshape([x for x, _ in places(plot)], (3, -1))
    assert np.allclose(shown, [unit_scores(method) for method in ranked(comparison)])


def test_samples_that_are_their_own_units_are_not_joined(write_comparison, tmp_path):
    single = load_comparison(write_comparison(tmp_path, unit="sample"))
    with pytest.raises(SpecError, match="plot subjects: the records hold nothing for it"):
        plot_comparison(single, "subjects")


def test_rows_of_confusion_are_shares_and_the_diagonal_is_the_recall(comparison):
    for method in comparison.methods:
        shares = confusion_shares(method)
        assert np.allclose(shares.sum(axis=1), 1)
        assert np.diagonal(shares).mean() == pytest.approx(balanced_accuracy(method.outcomes.confusion))
    cells = marked(draw("confusion", comparison))
    drawn = sorted(cell.get_alpha() for cell in cells.values())
    shares = np.concatenate([confusion_shares(method).ravel() for method in comparison.methods])
    assert drawn == pytest.approx(sorted(np.maximum(shares, FAINTEST)))


def test_epochs_are_counted_from_one_and_scored_on_the_test_part(comparison):
    best = ranked(comparison)[0]
    assert epochs_of(best, "balanced_accuracy")["chosen"] == (
        2.0,
        pytest.approx(best.mean_score("chosen", "balanced_accuracy")),
    )
    assert epochs_of(best, "balanced_accuracy")["last"].score == pytest.approx(
        epochs_of(best, "balanced_accuracy")["chosen"].score - 1 / 48
    )
    assert places(draw("learning", comparison))[:3] == [
        tuple(epoch) for epoch in epochs_of(best, "balanced_accuracy").values()
    ]


def test_shapley_values_are_those_of_the_table(comparison):
    expected = [
        method.diagnosis.shapley[name].mean for method in ranked(comparison) for name in method.diagnosis.modalities
    ]
    assert [x for x, _ in places(draw("modalities", comparison))] == expected


def test_missingness_curves_end_at_the_remaining_modality(comparison):
    found = marked(draw("missing", comparison))
    diagnosis = ranked(comparison)[0].diagnosis
    (whole,) = (each for text, each in found.items() if text.startswith("second, left missing in 100%"))
    assert whole.get_ydata()[0] == diagnosis.subsets["right",].mean


def test_reliability_has_the_bins_of_the_calibration(comparison):
    bins = [
        (each.confidence, each.accuracy) for method in ranked(comparison) for each in method.calibration.reliability
    ]
    assert places(draw("calibration", comparison)) == [each for each in bins if each[0] is not None]


def test_costs_that_were_not_measured_are_not_drawn(comparison):
    assert len(draw("cost", comparison).marks) == 9
    free = replace(
        comparison.methods[0],
        records=tuple(replace(r, cost={"flops": 0, "train_seconds": 0.1}) for r in comparison.methods[0].records),
    )
    plot = draw("cost", replace(comparison, methods=(free, *comparison.methods[1:])))
    check(plot)
    assert len(plot.marks) == 7
    nothing = tuple(replace(m, records=tuple(replace(r, cost={}) for r in m.records)) for m in comparison.methods)
    with pytest.raises(SpecError, match="measured costs"):
        plot_comparison(replace(comparison, methods=nothing), "cost")


def test_the_budget_curve_never_falls(comparison):
    curve = budget_curve(ranked(comparison)[0])
    assert curve == pytest.approx([0.8, 0.8, 0.9])
    marks = places(draw("tuning", comparison))
    assert marks[:2] == [(1.0, pytest.approx(0.8)), (3.0, pytest.approx(0.9))]


@pytest.mark.parametrize("name", NAMES)
def test_a_result_draws_itself_for_papers(comparison, name, tmp_path):
    figure = plot_comparison(comparison, name)
    figure.savefig(tmp_path / "plot.pdf")
    assert (tmp_path / "plot.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_the_first_drawing_has_the_layout_of_all_later_ones(comparison, name, width):
    # Where it has not, titles are cut off: a figure is drawn once.
    figure, places_of_axes = draw(name, comparison, width).figure, []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        for _ in range(2):
            figure.draw_without_rendering()
            places_of_axes.append([axes.get_position().bounds for axes in figure.axes])
    assert np.abs(np.subtract(*places_of_axes)).max(initial=0) < 0.005


@pytest.mark.parametrize("name", NAMES)
def test_only_a_figure_of_simulated_data_says_so(comparison, name):
    real = replace(comparison, methods=tuple(map(_as_real, comparison.methods)))
    assert ("SIMULATED data" in _texts(plot_comparison(comparison, name))) is comparison.simulated is True
    assert "SIMULATED data" not in _texts(plot_comparison(real, name))


def _as_real(method):
    card = {**method.run["card"], "access": "open"}
    return replace(method, run={**method.run, "card": card})


def _texts(figure):
    return [text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))]


def test_without_matplotlib_the_extra_is_named(comparison, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SpecError, match=r'matplotlib is not installed — pip install "mmbench\[pictures\]"'):
        plot_comparison(comparison, "ranking")


def test_what_was_not_tuned_or_diagnosed_has_no_plot_of_it(write_comparison, tmp_path):
    plain = load_comparison(write_comparison(tmp_path, tuned=False, diagnosed=False))
    for name in ("tuning", "modalities", "missing"):
        with pytest.raises(SpecError, match=f"plot {name}: the records hold nothing for it"):
            plot_comparison(plain, name)
