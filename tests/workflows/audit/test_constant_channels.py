"""Constant and label-like channels are found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.workflows.audit.constant_channels import find_suspect_channels
from mmbench.workflows.audit.probe_features import ProbeFeatures

Simulate = Callable[..., Any]


def look(samples: Any, x: Any) -> list[Any]:
    channels = {f"c{at}": np.array([at]) for at in range(x.shape[1])}
    folds = make_folds(samples.ids, samples.groups, PROTOCOLS["subject"])
    return find_suspect_channels({"view": ProbeFeatures("raw", Path("none"), x, channels)}, samples.labels, folds, 4)


def test_plain_features_are_nothing_odd(simulated: Simulate) -> None:
    samples, x = simulated(0)
    assert look(samples, x) == []


def test_a_constant_feature_is_reported(simulated: Simulate) -> None:
    samples, x = simulated(0)
    x[:, 3] = 7.5
    (oddity,) = look(samples, x)
    assert (oddity.channel, oddity.what, oddity.score) == ("c3", "constant", None)


def test_a_marker_that_codes_the_label_is_reported(simulated: Simulate) -> None:
    samples, x = simulated(0)
    codes = np.array([3.0, 0.0, 9.0, 1.0])
    x[:, 5] = codes[samples.labels] + np.random.default_rng(0).normal(0, 0.05, len(x))
    (oddity,) = look(samples, x)
    assert (oddity.modality, oddity.channel, oddity.what) == ("view", "c5", "label-like")
    assert oddity.score == pytest.approx(1.0)


def test_samples_without_the_modality_do_not_count(simulated: Simulate) -> None:
    samples, x = simulated(0)
    x[:, 5] = samples.labels
    x[::2] = np.nan
    (oddity,) = look(samples, x)
    assert oddity.channel == "c5"
    x[:] = np.nan
    assert look(samples, x) == []
