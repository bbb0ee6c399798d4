"""Random labels: their units, balance and permutation within class and person."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mmbench.workflows.audit.random_labels import draw_random_labels, find_label_units

Simulate = Callable[..., Any]


def test_trials_carry_the_label(simulated: Simulate) -> None:
    samples, _ = simulated(0)
    units = find_label_units(samples, 4)
    assert (units.name, units.n_units, units.per_cell, units.is_decidable) == ("trial", 6 * 12, 3, True)
    # The same name in two people is two trials.
    assert len({(group, unit) for group, unit in zip(samples.recordings, units.of, strict=True)}) == 6 * 12


def test_people_carry_a_label_that_is_theirs(simulated: Simulate) -> None:
    samples, _ = simulated(0, subjects=8)
    diagnosed = replace(samples, labels=np.array([int(name[1:]) % 2 for name in samples.groups["subject"]]))
    units = find_label_units(diagnosed, 2)
    assert (units.name, units.n_units) == ("subject", 8)
    assert len(np.unique(units.cells)) == 2, "a subject may not explain itself"
    assert len(np.unique(units.scopes)) == 1


def test_stretches_of_one_label_carry_it_where_no_group_does(simulated: Simulate) -> None:
    samples, _ = simulated(0, subjects=2, trials=1, windows=8, n_classes=1)
    labels = np.tile([0, 0, 1, 1, 0, 0, 1, 1], 2)
    units = find_label_units(replace(samples, labels=labels), 2)
    assert (units.name, units.n_units) == ("stretch of one label", 8)
    assert units.of.tolist() == [number for number in range(8) for _ in range(2)]


def test_samples_stand_alone_where_nothing_groups_them(simulated: Simulate) -> None:
    samples, _ = simulated(0)
    units = find_label_units(replace(samples, groups={}, spans=samples.spans * np.nan), 4)
    assert (units.name, units.n_units) == ("sample", len(samples.ids))


def test_the_one_recording_of_a_class_is_cut_in_order_of_time(simulated: Simulate) -> None:
    samples, _ = simulated(0, trials=2, windows=12, n_classes=2)
    mixed = np.random.default_rng(0).permutation(len(samples.ids))
    units = find_label_units(
        replace(
            samples,
            ids=samples.ids[mixed],
            labels=samples.labels[mixed],
            groups={name: values[mixed] for name, values in samples.groups.items()},
            spans=samples.spans[mixed],
        ),
        2,
    )
    assert (units.name, units.n_units, units.is_decidable) == ("part of a trial", 6 * 2 * 4, False)
    starts = [np.sort(samples.spans[mixed][units.of == unit, 0]) for unit in range(units.n_units)]
    assert all(np.diff(start).tolist() == [3.0, 3.0] for start in starts), "parts are stretches of three windows"
    assert all(len(set(samples.recordings[mixed][units.of == unit])) == 1 for unit in range(units.n_units))


def test_too_few_samples_to_split_are_undecidable(simulated: Simulate) -> None:
    samples, _ = simulated(0, trials=2, windows=1, n_classes=2)
    units = find_label_units(samples, 2)
    assert (units.per_cell, units.is_decidable) == (1, False)


@pytest.mark.parametrize("trials", [8, 10, 13])
def test_random_labels_are_balanced(simulated: Simulate, trials: int) -> None:
    samples, _ = simulated(1, trials=trials)
    units = find_label_units(samples, 4)
    labels = draw_random_labels(units, 4, draws=5)
    _, first = np.unique(units.of, return_index=True)
    for draw in range(5):
        assert all(len(set(labels.whole[units.of == unit, draw])) == 1 for unit in range(units.n_units))
        for groups in (units.cells, units.scopes):
            shares = [np.bincount(labels.whole[first[groups[first] == one], draw], minlength=4) for one in set(groups)]
            assert max(np.ptp(share) for share in shares) <= 1


def test_permuted_labels_stay_in_their_cells(simulated: Simulate) -> None:
    samples, _ = simulated(1)
    units = find_label_units(samples, 4)
    labels = draw_random_labels(units, 4, draws=3)
    for draw in range(3):
        for cell in np.unique(units.cells):
            mine = units.cells == cell
            assert np.array_equal(np.sort(labels.whole[mine, draw]), np.sort(labels.permuted[mine, draw]))
        straddled = [len(set(labels.permuted[units.of == unit, draw])) > 1 for unit in range(units.n_units)]
        assert np.mean(straddled) > 0.8


def test_more_draws_change_none_of_the_first(simulated: Simulate) -> None:
    samples, _ = simulated(2)
    units = find_label_units(samples, 4)
    few, many = draw_random_labels(units, 4, draws=2), draw_random_labels(units, 4, draws=6)
    assert np.array_equal(few.whole, many.whole[:, :2])
    assert np.array_equal(few.permuted, many.permuted[:, :2])
    assert not np.array_equal(many.whole[:, 0], many.whole[:, 1])
