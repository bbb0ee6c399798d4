"""Observing an estimator fits it to a few samples, which is no reason to warn the user."""

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import mmbench.integrity.behaviour as behaviour
from mmbench.training import EstimatorModel


class Warned(EstimatorModel):
    """An estimator that is fitted with a warning, as scikit-learn's are where half of the samples have a class each."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def fit_estimator(self, *_: Any, **__: Any) -> None:
        warnings.warn("more than half of the samples have a class of their own", UserWarning, stacklevel=1)


def test_warnings_of_a_trial_fit_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behaviour, "predict_parts", lambda *_: {behaviour.FUSION: torch.zeros(1)})
    probed: Any = SimpleNamespace(**dict.fromkeys(("inputs", "few", "many", "labels", "training", "seed", "device")))
    with warnings.catch_warnings(record=True, action="always") as shown:
        (outputs,) = behaviour._observe_parts(Warned(), probed)
    assert outputs.what == "outputs"
    assert not shown
