"""Missingness as a predictor of the label, against permuted labels."""

import numpy as np
import pytest

from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.workflows.audit.missingness import probe_missingness
from mmbench.workflows.audit.random_labels import Samples, find_label_units

PEOPLE, EACH = 20, 15


def probe(present, labels, per_person: bool = False):
    people = np.repeat([f"s{at:02d}" for at in range(PEOPLE)], EACH)
    ids = np.array([f"{at:04d}" for at in range(len(people))])
    samples = Samples(ids, labels, {"subject": people}, np.full((len(ids), 2), np.nan))
    folds = make_folds(ids, samples.groups, PROTOCOLS["subject"])
    return probe_missingness(
        {"one": present, "other": np.ones_like(present)}, labels, find_label_units(samples, 2), folds, 2
    )


def coins(seed: int):
    random = np.random.default_rng(seed)
    return random, random.integers(0, 2, PEOPLE * EACH)


def test_a_modality_missing_in_one_class_predicts_it() -> None:
    random, labels = coins(0)
    found = probe((random.random(len(labels)) < np.where(labels == 0, 0.95, 0.05))[:, None], labels)
    assert found.predicts_label
    assert found.score == pytest.approx(0.95, abs=0.03)
    assert found.expected == pytest.approx(0.5, abs=0.05)


def test_the_number_of_instances_predicts_it_too() -> None:
    random, labels = coins(0)
    present = np.arange(6)[None] < (2 + labels + random.integers(0, 2, len(labels)))[:, None]
    assert probe(present, labels).predicts_label


@pytest.mark.parametrize("seed", range(20))
def test_people_of_one_label_who_lack_a_modality_by_chance_raise_no_alarm(seed: int) -> None:
    """Twenty people, not three hundred samples, are what is permuted."""
    random = np.random.default_rng(seed)
    labels = np.repeat(random.permutation(np.arange(PEOPLE) % 2), EACH)
    present = np.repeat(random.random(PEOPLE) < 0.5, EACH)[:, None]
    assert not probe(present, labels).predicts_label


@pytest.mark.parametrize("seed", range(20))
def test_what_lacks_at_random_raises_no_alarm(seed: int) -> None:
    random, labels = coins(seed)
    assert not probe(random.random((len(labels), 4)) < 0.7, labels).predicts_label


def test_where_nothing_lacks_there_is_nothing_to_say() -> None:
    _, labels = coins(0)
    assert probe(np.ones((len(labels), 3), dtype=bool), labels) is None
