"""The calibration of statistics: its networks learn nothing of each other, and its tables are made at all."""

from dataclasses import replace

import calibration
import numpy as np
import pytest
from calibrating.networks import Settings, Training, train
from calibrating.people import Design, draw_people
from calibrating.rates import exchanging_people
from calibrating.runs import Methods, run_datasets


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
