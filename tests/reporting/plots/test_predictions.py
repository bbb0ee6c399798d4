"""Plots of predictions: points are the outputs of records, and F1 is that of scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mmbench.reporting.plots.calibration import calibration, can_show
from mmbench.reporting.plots.confusion import can_show as can_show_confusion
from mmbench.reporting.plots.predictions import label_scores, predictions
from mmbench.reporting.plots.style import NARROW
from mmbench.results.loading import load_comparison


@pytest.fixture(scope="module")
def values(write_task, tmp_path_factory):
    return load_comparison(write_task(tmp_path_factory.mktemp("values"), "values"))


@pytest.fixture(scope="module")
def labels(write_task, tmp_path_factory):
    return load_comparison(write_task(tmp_path_factory.mktemp("labels"), "labels"))


def test_points_are_predictions_over_targets(values):
    axes = predictions(values).figure.axes[1]  # of the second target under the best method
    observed, predicted = axes.lines[1].get_data()
    best = values.methods[0]
    assert axes.get_title(loc="left") == "first · breath"
    assert np.array_equal(observed, [row[1] for record in best.records for row in record.labels])
    assert np.array_equal(predicted, [row[1] for record in best.records for row in record.logits])


def test_a_long_name_leaves_the_target_readable(write_task, tmp_path):
    comparison = load_comparison(write_task(tmp_path, "values", ("a-method-with-a-name-of-many-letters", "second")))
    titles = [axes.get_title(loc="left") for axes in predictions(comparison, NARROW).figure.axes]
    assert [title.split(" · ")[1] for title in titles if title] == ["heart", "breath"] * 2


def test_f1_of_labels(labels):
    method = labels.methods[0]
    true = np.array([row for record in method.records for row in record.labels])
    logits = np.array([row for record in method.records for row in record.logits])
    assert label_scores(method) == pytest.approx(f1_score(true, logits > 0, average=None, zero_division=0))
    assert {row[0] for row in predictions(labels).rows} == {"red", "round", "small"}


def test_coverage_of_values(values):
    plot = calibration(values)
    assert can_show(values)
    assert [row[:2] for row in plot.rows] == [(m, t) for m in ("first", "second") for t in ("heart", "breath")]
    method = values.methods[0]
    within = [
        abs(predicted[0] - true[0]) <= 1.96 * record.spread[0]
        for record in method.records
        for predicted, true in zip(record.logits, record.labels, strict=True)
    ]
    assert plot.rows[0][2].startswith(f"{np.mean(within):.3f} ")


def test_no_confusion_matrix_without_classes(values, labels):
    assert not can_show_confusion(values)
    assert not can_show_confusion(labels)
