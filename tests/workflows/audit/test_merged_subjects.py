"""Subject ids of one person are found, similar people are not."""

import numpy as np
import pytest

from mmbench.workflows.audit.merged_subjects import find_merged_subjects

PEOPLE, EACH = 12, 80


def made(seed: int, of_person: float):
    random = np.random.default_rng(seed)
    people = np.repeat(np.arange(PEOPLE), EACH)
    x = random.normal(size=(len(people), 10)) + of_person * random.normal(size=(PEOPLE, 10))[people]
    return x.astype(np.float32), people


@pytest.mark.parametrize("seed", range(5))
def test_a_person_under_two_names_is_found(seed: int) -> None:
    x, people = made(seed, 2.0)
    names = np.array([f"p{person}/{at % 2}" if person == 3 else f"p{person}" for at, person in enumerate(people)])
    assert find_merged_subjects(x, names) == [("p3/0", "p3/1")]


@pytest.mark.parametrize("of_person", [0.0, 1.0, 2.0, 4.0])
def test_different_people_are_not_doubted(of_person: float) -> None:
    for seed in range(5):
        x, people = made(seed, of_person)
        assert find_merged_subjects(x, people.astype(str)) == []


def test_people_of_few_samples_are_not_doubted() -> None:
    x, people = made(0, 3.0)
    rows = np.arange(len(people)) % EACH < 2
    assert find_merged_subjects(x[rows], people[rows].astype(str)) == []
