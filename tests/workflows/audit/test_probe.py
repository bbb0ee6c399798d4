"""The probe learns many labellings at once, from the training part alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmbench.contract.types import Standardize
from mmbench.data.splits.fold import Fold
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.training.metrics import confusion_matrix
from mmbench.workflows.audit.probe import MAX_TRAINING, ProbeTask, confusion_matrices, probe_fold

Simulate = Callable[..., Any]


def a_bench(samples: Any, features: dict[str, Any], labellings: Any = None, how: Standardize = "train") -> ProbeTask:
    subjects = np.unique(samples.groups["subject"], return_inverse=True)[1]
    labels = samples.labels[:, None] if labellings is None else labellings
    return ProbeTask(features, labels, 4, how, subjects)


def a_fold(samples: Any, protocol: str = "subject") -> Fold:
    return make_folds(samples.ids, samples.groups, PROTOCOLS[protocol])[0]


def score(bench: ProbeTask, fold: Fold) -> float:
    return float((probe_fold(bench, fold).chosen[:, 0] == bench.labellings[fold.test, 0]).mean())


def test_it_learns_classes_of_unseen_people(simulated: Simulate) -> None:
    samples, x = simulated(0)
    assert score(a_bench(samples, {"x": x}), a_fold(samples)) > 0.9


def test_labellings_are_learnt_apart(simulated: Simulate) -> None:
    samples, x = simulated(0)
    other = np.random.default_rng(0).integers(0, 4, len(x))
    both = np.stack([samples.labels, other], axis=1)
    together = probe_fold(a_bench(samples, {"x": x}, both), a_fold(samples)).chosen
    for at in range(2):
        alone = probe_fold(a_bench(samples, {"x": x}, both[:, [at]]), a_fold(samples)).chosen
        assert np.array_equal(together[:, [at]], alone)


def test_labels_of_the_test_part_change_no_choice(simulated: Simulate) -> None:
    samples, x = simulated(0, of_class=0.5)
    fold = a_fold(samples)
    changed = samples.labels.copy()
    changed[fold.test] = (changed[fold.test] + 1) % 4
    one = probe_fold(a_bench(samples, {"x": x}), fold)
    other = probe_fold(a_bench(samples, {"x": x}, changed[:, None]), fold)
    assert np.array_equal(one.chosen, other.chosen)
    assert not np.array_equal(one.oracle, other.oracle)


def test_hindsight_is_never_worse(simulated: Simulate) -> None:
    samples, x = simulated(3, of_class=0.4)
    for fold in make_folds(samples.ids, samples.groups, PROTOCOLS["subject"]):
        probed, labels = probe_fold(a_bench(samples, {"x": x}), fold), samples.labels[fold.test]
        assert (probed.oracle == labels).mean() >= (probed.chosen[:, 0] == labels).mean() - 1e-9


def test_a_source_of_noise_does_not_drown_the_other(simulated: Simulate) -> None:
    samples, x = simulated(0)
    noise = 1000 * np.random.default_rng(0).normal(size=(len(x), 300)).astype(np.float32)
    assert score(a_bench(samples, {"noise": noise, "x": x}), a_fold(samples)) > 0.9


def test_a_missing_modality_lies_at_the_mean(simulated: Simulate) -> None:
    samples, x = simulated(0)
    x[::3] = np.nan
    assert 0.6 < score(a_bench(samples, {"x": x}), a_fold(samples)) < 0.85


def test_scaling_each_person_takes_the_person_away(simulated: Simulate) -> None:
    samples, x = simulated(0, of_person=30.0)
    assert score(a_bench(samples, {"x": x}, how="subject"), a_fold(samples)) > 0.9
    assert score(a_bench(samples, {"x": x}), a_fold(samples)) < 0.8


def test_no_more_is_learnt_from_than_fits(simulated: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, x = simulated(0)
    fold = a_fold(samples)
    assert len(fold.train) < MAX_TRAINING
    monkeypatch.setattr("mmbench.workflows.audit.probe.MAX_TRAINING", 60)
    thinned = probe_fold(a_bench(samples, {"x": x}), fold)
    assert np.array_equal(thinned.chosen, probe_fold(a_bench(samples, {"x": x}), fold).chosen)
    assert (thinned.chosen[:, 0] == samples.labels[fold.test]).mean() > 0.5


def test_counts_are_confusions_of_each_labelling() -> None:
    random = np.random.default_rng(0)
    labels, predictions = random.integers(0, 3, (2, 50, 4))
    counts = confusion_matrices(labels, predictions, 3)
    for at in range(4):
        assert np.array_equal(counts[at], confusion_matrix(labels[:, at], predictions[:, at], 3))
