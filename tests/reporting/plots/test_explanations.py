"""Plots of explanations and their section of the page, from made-up explanations."""

from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup

from mmbench.contract.types import Modality
from mmbench.reporting.pages.report import render_report
from mmbench.reporting.pages.report_inputs import MethodExplanation, ReportInputs, add_explanations
from mmbench.reporting.plots.explanation_images import draw_explanation
from mmbench.reporting.plots.explanations import attention, explanation_plot, modality_weights_plot
from mmbench.reporting.plots.style import NARROW, WIDTH
from mmbench.results.loading import load_comparison
from mmbench.workflows.explanations import ExplainedSample, Explanation

SCALP = ("Fp1", "Fp2", "C3", "C4", "O1", "O2", "nowhere")


def tokens_of(channels):
    values = np.arange(1, 2 * len(channels) + 1, dtype=np.float32).reshape(2, -1)
    modality = Modality("signal", "timeseries", (len(channels), 8), rate=4.0, channels=channels)
    return Explanation(modality, "tokens", ("a", "b"), values, (), False)


@pytest.fixture
def undrawn(monkeypatch):
    """Drawing is what takes time, and these tests are about the texts."""
    monkeypatch.setattr("mmbench.reporting.pages.plot_embedding.to_svg", lambda *_: Markup(""))


@pytest.fixture
def frames():
    weights = np.array([[0.7, 0.3, 0.0], [0.0, 1.0, 0.0]], dtype=np.float32)
    x = np.zeros((3, 3, 8, 8), dtype=np.uint8)
    shown = ExplainedSample("s1-<0>", "no", "yes", x, np.array([True, True, False]), weights[0])
    return Explanation(
        Modality("film", "image", (3, 8, 8), instances=3), "instances", ("a", "b"), weights, (shown,), True
    )


@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_channels_with_a_place_are_on_the_head_and_all_are_in_the_table(width):
    explanation = tokens_of(SCALP)
    plot = explanation_plot(explanation, "method", width)
    assert len(plot.marks) == 6
    assert [row[0] for row in plot.rows] == list(SCALP)
    assert [float(row[1]) for row in plot.rows] == pytest.approx(attention(explanation), abs=1e-3)
    marks = {each.get_gid(): each for each in plot.figure.findobj(lambda each: each.get_gid() is not None)}
    at = {plot.marks[gid].split(":")[0]: (mark.get_xdata()[0], mark.get_ydata()[0]) for gid, mark in marks.items()}
    assert at["C3"][0] < 0 < at["C4"][0]
    assert at["O1"][1] < 0 < at["Fp1"][1]


def test_tokens_without_a_place_are_rows():
    plot = explanation_plot(tokens_of(("left", "right")), "method")
    assert [row[0] for row in plot.rows] == ["left", "right"]
    assert attention(tokens_of(("left", "right"))).mean() == pytest.approx(1)
    assert next(iter(plot.marks.values())) == "left: attention 0.80"


@pytest.mark.usefixtures("undrawn")
def test_weights_of_whole_modalities_share_a_plot(write_comparison, tmp_path):
    def weighed(name, values):
        modality = Modality(name, "vector", (4,))
        return Explanation(modality, "modality", tuple("abc"), np.array(values, dtype=np.float32), (), False)

    found = [weighed("left", [0.2, 0.3, 0.4]), weighed("right", [0.8, 0.7, 0.6])]
    assert [row[:2] for row in modality_weights_plot(found, "method").rows] == [("left", "0.300"), ("right", "0.700")]
    comparison = load_comparison(write_comparison(tmp_path, ("first",)))
    html = render_report(
        ReportInputs(comparison, explanations=tuple(MethodExplanation("first", each) for each in found))
    )
    assert html.count("<h3") - render_report(ReportInputs(comparison)).count("<h3") == 1
    single = replace(tokens_of(("left",)), values=np.ones((2, 1), dtype=np.float32))
    nothing = render_report(ReportInputs(comparison, explanations=(MethodExplanation("first", single),)))
    assert "attention" not in nothing
    (path, _) = draw_explanation(found[0], tmp_path)
    assert path.stat().st_size > 2000


def test_instances_have_their_mean_share(frames):
    plot = explanation_plot(frames, "method")
    assert plot.rows == (("1", "0.350", "50%"), ("2", "0.650", "100%"), ("3", "0.000", "0%"))
    bars = plot.figure.findobj(lambda each: each.get_gid() is not None)
    assert sorted(bar.get_height() for bar in bars) == pytest.approx([0, 0.35, 0.65])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("access", ["simulated", "gated", "yours"])
def test_pictures_are_only_shown_where_they_may_be(write_comparison, tmp_path, frames, access):
    comparison = load_comparison(write_comparison(tmp_path, ("first",), card={"access": access}))
    html = render_report(ReportInputs(comparison, explanations=(MethodExplanation("first", frames),)))
    assert html.count("<img ") == (2 if access == "simulated" else 0)
    assert ("SIMULATED, s1-&lt;0&gt;: true no, predicted yes" in html) == (access == "simulated")
    assert (f"No images are shown, since access to the data is {access}" in html) == (access != "simulated")
    assert "first: weights of the instances of film" in html


@pytest.mark.usefixtures("undrawn")
def test_images_have_alternative_texts(write_comparison, tmp_path, frames):
    comparison = load_comparison(write_comparison(tmp_path, ("first",)))
    floats = replace(frames, shown=(replace(frames.shown[0], x=np.ones((3, 1, 8, 8), dtype=np.float32)),))
    html = render_report(ReportInputs(comparison, explanations=(MethodExplanation("first", floats),)))
    assert 'alt="film 1, weight 0.70"' in html
    assert 'src="data:image/jpeg;base64,' in html


@pytest.mark.usefixtures("undrawn")
def test_reason_without_explanation_has_no_paths(write_comparison, tmp_path):
    fusion = {"fusion": {"name": "milmer", "params": {}}}
    found = add_explanations(ReportInputs(load_comparison(write_comparison(tmp_path, ("first",), **fusion))), tmp_path)
    assert found.unexplained == {"first": "has no kept weights"}
    html = render_report(found)
    assert "first: no explanation: has no kept weights" in html
    assert str(tmp_path) not in html
    silent = add_explanations(ReportInputs(load_comparison(write_comparison(tmp_path / "b", ("first",)))), tmp_path)
    assert not silent.unexplained
    assert 'id="looks"' not in render_report(silent)
