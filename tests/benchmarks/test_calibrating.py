"""The calibration of statistics: its networks learn nothing of each other, and its tables are made at all."""

from dataclasses import replace

import calibration
import numpy as np
import pytest
from calibrating.networks import Settings, Training, train
from calibrating.people import Design, draw_people
from calibrating.rates import exchanging_people
from calibrating.runs import Methods, linear, run_datasets
from calibrating.trials import (
    TrialDesign,
    draw_trials,
    fit,
    is_above,
    is_above_by_difference,
    rate_cell,
    rate_trials,
    trial_cells,
)


@pytest.fixture(scope="module")
def people():
    return draw_people(Design(8, "subject", "uneven"), 2.0, np.random.default_rng(0))


def test_no_network_learns_of_another(people):
    trainings = [Training(fold, (0, 1)) for fold in people.folds[:2]]
    found = train(people.x, people.labels, trainings, 1, Settings())
    own = np.concatenate([people.folds[1].train, people.folds[1].validation])
    foreign = np.setdiff1d(
        own, np.concatenate([people.folds[0].train, people.folds[0].validation, people.folds[0].test])
    )
    labels = people.labels.copy()
    labels[people.folds[0].test] = 1 - labels[people.folds[0].test]  # trained on by the second network alone
    again = train(people.x, labels, trainings, 1, Settings())
    assert not len(foreign)
    np.testing.assert_array_equal(found[0], again[0])
    assert (found[1] != again[1]).any()


def test_networks_learn_and_see_their_modalities_alone(people):
    fold = people.folds[0]
    (found,) = train(people.x, people.labels, [Training(fold, (0,))], 1, Settings(hidden=16, epochs=12))
    assert np.mean(found == people.labels[fold.test]) > 0.7
    blind = people.x.copy()
    blind[:, 1] = 0
    (again,) = train(blind, people.labels, [Training(fold, (0,))], 1, Settings(hidden=16, epochs=12))
    np.testing.assert_array_equal(found, again)


def test_exchange_of_people_is_the_test_of_mmbench_0_1():
    (methods,) = run_datasets(Design(6, "loso", "even"), Methods(twins=2), 1, 1, seed=0)
    one, other = methods["twin0"], methods["twin1"]
    assert exchanging_people(one, one) == 1
    right, wrong = (replace(other, predictions=each[None]) for each in (other.labels, 1 - other.labels))
    assert exchanging_people(right, wrong) == pytest.approx(2 / 2**6, abs=0.02)
    assert one.ratios("balanced_accuracy").score > 0.55


@pytest.mark.parametrize("name", list(calibration.TABLES))
def test_a_row_of_each_table(name):
    heads, cells = calibration.TABLES[name](3, 2)
    design, rate = next((design, rate) for design, rate in cells if design.protocol == "subject")
    row = rate(replace(design, n_people=6))
    assert len(row) == len(heads) - 3
    assert all(part == "–" or 0 <= float(part) <= 1 for cell in row for part in cell.split(" / "))


def test_a_row_of_trials():
    row = rate_cell(trial_cells()[3], 2)
    assert len(row) == 10
    assert all(0 <= rate <= 1 for rate in row)


def test_a_guesser_of_whole_trials_is_seldom_above_chance_unless_windows_count_as_independent():
    rates = rate_trials(TrialDesign(4, 8, 5), 120)
    assert max(rates["guesser, 1"], rates["guesser, 3"], rates["linear"], rates["network, 3"]) <= 0.1
    assert rates["windows"] > 0.15


def test_what_is_learnt_of_noise_is_seldom_above_chance():
    """Training sets overlap: with the variance of a difference, more of these classifiers are above chance."""
    random, design = np.random.default_rng(3), Design(36, "subject", "single")
    found = [linear(draw_people(design, 0.0, random), 0) for _ in range(300)]
    now = np.mean([is_above(each, within_units=False) for each in found])
    before = np.mean([is_above_by_difference(each, within_units=False) for each in found])
    assert now <= 0.06
    assert before > now


def test_folds_and_labels_of_trials():
    design = TrialDesign(3, 8, 5, n_classes=4)
    data = draw_trials(design, 4.0, np.random.default_rng(1))
    for fold in data.folds:
        assert not np.intersect1d(data.trial[fold.test], data.trial[np.concatenate([fold.train, fold.validation])]).size
        assert len(np.unique(data.person[np.concatenate([fold.train, fold.validation, fold.test])])) == 1
    assert np.mean(fit(data, 4) == data.labels) > 0.5
