"""The randomised control finds leaks, without false alarms, on simulated samples."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.training.metrics import balanced_accuracy
from mmbench.workflows.audit.findings import Control
from mmbench.workflows.audit.probe import ProbeTask, confusion_matrices, probe_fold
from mmbench.workflows.audit.random_labels import draw_random_labels, find_label_units
from mmbench.workflows.audit.randomised_control import make_control

Simulate = Callable[..., Any]
SEEDS = 20
DRAWS = 20
HONEST = ("trial", "subject", "loso", "pooled-trial")
SHUFFLED = ("segment", "pooled-segment")


def controls(samples: Any, x: Any, n_classes: int) -> Mapping[str, Control]:
    drawn = draw_random_labels(find_label_units(samples, n_classes), n_classes, DRAWS)
    labellings = np.concatenate([drawn.whole, drawn.permuted], axis=1)
    subjects = np.unique(samples.groups["subject"], return_inverse=True)[1]
    bench = ProbeTask({"x": x}, labellings, n_classes, "train", subjects)
    found = {}
    for name in (*HONEST, *SHUFFLED):
        predicted = np.zeros_like(labellings)
        for fold in make_folds(samples.ids, samples.groups, PROTOCOLS[name]):
            predicted[fold.test] = probe_fold(bench, fold).chosen
        scores = balanced_accuracy(confusion_matrices(labellings, predicted, n_classes))
        found[name] = make_control(scores[:DRAWS], scores[DRAWS:], len(x))
    return found


@pytest.mark.parametrize(
    "design",
    [
        {"subjects": 3, "trials": 12, "n_classes": 4},
        {"subjects": 4, "trials": 4, "n_classes": 2},
        {"subjects": 3, "trials": 8, "n_classes": 2, "of_class": 4.0},
    ],
    ids=["four classes", "two trials a class", "loud classes"],
)
def test_windows_of_a_trial_that_leave_no_trace_raise_no_alarm(simulated: Simulate, design: dict[str, Any]) -> None:
    """It looks leaky, since windows of a trial are in training and test; and class and person are plain to see."""
    lowest = 1.0
    for seed in range(SEEDS):
        samples, x = simulated(seed, **design)
        found = controls(samples, x, design["n_classes"])
        assert [name for name, control in found.items() if control.leaks] == []
        lowest = min(lowest, *(control.p_value or 0.0 for control in found.values()))
    assert lowest > 0.001


def test_a_trace_of_the_trial_is_found_at_every_seed(simulated: Simulate) -> None:
    for seed in range(SEEDS):
        samples, x = simulated(seed, subjects=3, of_trial=1.0)
        found = controls(samples, x, 4)
        assert [name for name in SHUFFLED if not found[name].leaks] == []
        assert [name for name in HONEST if found[name].leaks] == []


def test_judgement_is_that_of_the_formula() -> None:
    whole, permuted = np.array([0.9, 0.8, 0.85]), np.array([0.2, 0.3, 0.25])
    control = make_control(whole, permuted, n_samples=100_000)
    spread = 0.05 * np.sqrt(1 + 1 / 3)
    assert control.excess == pytest.approx(0.6)
    assert control.p_value == pytest.approx(t.sf(0.6 / spread, 2))


def test_equal_draws_do_not_imply_a_leak() -> None:
    """Two draws of the very same score would otherwise spread nothing."""
    control = make_control(np.array([0.27, 0.27]), np.array([0.25, 0.25]), n_samples=200)
    assert control.p_value is not None
    assert control.p_value > 0.2
    assert not control.leaks


def test_one_draw_gives_no_p_value() -> None:
    control = make_control(np.array([0.9]), np.array([0.2]), n_samples=100)
    assert (control.p_value, control.leaks) == (None, False)


def test_a_difference_too_small_to_matter_is_no_leak() -> None:
    permuted = 0.5 + 1e-4 * np.array([-1.0, 0.0, 1.0])
    control = make_control(permuted + 0.005, permuted, n_samples=10**9)
    assert control.p_value is not None
    assert control.p_value < 0.001
    assert not control.leaks
