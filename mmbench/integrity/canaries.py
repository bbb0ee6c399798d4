"""Canaries: checks that no component keeps state between folds or learns during evaluation.

They run on a few samples with their own random numbers and discarded models, so that no result depends on them. A
component that fails raises a PluginError that names it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from mmbench.contract import Training
from mmbench.data import Fold, Inputs, Labels, Rows
from mmbench.errors import PluginError
from mmbench.integrity.behaviour import (
    FUSION,
    Observation,
    ProbedSamples,
    find_differing_part,
    find_first_difference,
    find_parts,
    observe_behaviour,
    observe_weights,
    predict_parts,
    rounding_tolerance,
)
from mmbench.integrity.file_guard import name_component
from mmbench.registry import isolated_random_state
from mmbench.training import EstimatorModel, FitResult, Model, deterministic, predict

_N_PROBED = 4  # samples of a check
_N_ADAPTED = 32  # samples that encoders adapt to: some need more instances than dimensions

_REMEDY_STATE = "keep state in the instance: nothing in a class, a module or a file may outlive a fold"
_BATCH_DEPENDENT = "depends on the other samples of the batch"
_REMEDY_EVALUATION = (
    "in evaluation, outputs may depend only on weights and on each sample alone, and nothing may change"
)


class Canaries:
    """Checks of one training, before and after it.

    ``build`` makes a new model under ``seed``. ``labels`` are hidden outside of the training and validation parts.
    ``is_own``: all components are part of mmbench, so that test samples are not all predicted again in other batches,
    nor by a model that is restored from the weights. ``trainer`` names a plugin's trainer, for errors.
    """

    def __init__(
        self,
        build: Callable[[], Model],
        inputs: Inputs,
        fold: Fold,
        labels: Labels,
        training: Training,
        *,
        seed: int,
        device: torch.device,
        plugins: tuple[str, ...],
        is_own: bool = True,
        trainer: str | None = None,
    ) -> None:
        few, many = (_spread(fold.train, n) for n in (_N_PROBED, _N_ADAPTED))
        self._probed = ProbedSamples(inputs, few, many, fold.train, labels, training, device, seed)
        self._build, self._fold, self._is_own, self._trainer = build, fold, is_own, trainer
        self._tolerance = rounding_tolerance(device)
        model = build()
        self._names = {part: name_component(module, plugins) for part, module in find_parts(model).items()}
        self._before = observe_behaviour(model, self._probed)

    def build(self) -> Model:
        """The model to train; raises PluginError if its weights differ from those of the probed model."""
        model = self._build()
        self._check_kept(observe_weights(model))
        return model

    def check_rebuilt(self) -> None:
        """Build the model again; raises PluginError if a part behaves differently than before the training."""
        self._check_kept(observe_behaviour(self._build(), self._probed))

    def check_predictions(self, model: Model, fitted: FitResult) -> None:
        """Predict some test samples in several orders and batches with a trained model.

        Raises PluginError if that changes the model, if logits depend on other samples, or if they differ from those of
        the chosen epoch, or of a model that is built again and gets the same weights.
        """
        at = _spread(np.arange(len(self._fold.test)), _N_PROBED)
        if not len(at):
            return
        rows = self._fold.test[at]
        others = _spread(np.setdiff1d(np.concatenate([self._fold.test, self._fold.validation]), rows), _N_PROBED)
        probed = self._probed
        with isolated_random_state(probed.seed), deterministic(probed.device):
            before = observe_weights(model)
            first, _, again, mixed = (
                predict_parts(model, probed.inputs, part, probed.device)
                for part in (rows, others, rows, np.concatenate([others, rows[::-1]]))
            )
            changed = find_first_difference(before, observe_weights(model))
        mixed_outputs = {part: values[len(others) :].flip(0) for part, values in mixed.items()}
        left = {FUSION: torch.from_numpy(fitted.test_outputs[fitted.chosen][at])}
        self._raise_for(changed and changed.part, "changes its weights or buffers while it predicts")
        other = find_first_difference(_make_observations(first), _make_observations(again), self._tolerance.again)
        self._raise_for(other and other.part, "gives other outputs for the same samples when it sees them again")
        self._raise_for(find_differing_part(first, mixed_outputs, self._tolerance.in_batch), _BATCH_DEPENDENT)
        if find_differing_part(first, left, self._tolerance.in_batch):
            raise PluginError(
                "the weights of the chosen epoch no longer give its logits",
                where=", ".join(self._names.values()),
                remedy=_REMEDY_EVALUATION,
            )
        if not self._is_own:
            self._check_batches(model, fitted)
            self._check_restored(model, rows, first)

    def _check_restored(self, model: Model, rows: Rows, expected: Mapping[str, Tensor]) -> None:
        """Predict with the weights of the model in one that is built again; an estimator is not in the weights."""
        if isinstance(model, EstimatorModel):
            return
        probed = self._probed
        with isolated_random_state(probed.seed), deterministic(probed.device):
            restored = self._build().to(probed.device)
            try:
                restored.load_state_dict(model.state_dict())
            except RuntimeError:
                self._refuse_other_network("adds or removes weights of the network")
            found = predict_parts(restored, probed.inputs, rows, probed.device)
        if find_differing_part(expected, found, self._tolerance.again):
            self._refuse_other_network("leaves a network that gives other outputs when its weights are restored")

    def _refuse_other_network(self, problem: str) -> NoReturn:
        who = self._trainer or ", ".join(self._names.values())
        raise PluginError(
            problem, where=who, remedy="what is learnt may only be the weights and buffers of the network"
        )

    def _check_batches(self, model: Model, fitted: FitResult) -> None:
        """Predict the test part again in full batches, mixed with validation samples."""
        fold, probed = self._fold, self._probed
        rows = np.concatenate([fold.test, fold.validation])
        order = np.random.default_rng(probed.seed).permutation(len(rows))
        with isolated_random_state(probed.seed), deterministic(probed.device):
            logits = predict(model, probed.inputs, rows[order], probed.device)
        again = torch.from_numpy(logits[np.argsort(order)[: len(fold.test)]])
        left = torch.from_numpy(fitted.test_outputs[fitted.chosen])
        if find_differing_part({FUSION: left}, {FUSION: again}, self._tolerance.in_batch):
            raise PluginError(_BATCH_DEPENDENT, where=", ".join(self._names.values()), remedy=_REMEDY_EVALUATION)

    def _check_kept(self, now: Sequence[Observation]) -> None:
        other = find_first_difference(self._before, now, self._tolerance.again)
        if other is not None:
            message = f"built again under the same seed it has other {other.what}"
            raise PluginError(message, where=self._names[other.part], remedy=_REMEDY_STATE)

    def _raise_for(self, part: str | None, what: str) -> None:
        if part is not None:
            raise PluginError(what, where=self._names[part], remedy=_REMEDY_EVALUATION)


def _make_observations(values: Mapping[str, Tensor]) -> list[Observation]:
    return [Observation(part, "values", value) for part, value in values.items()]


def _spread(rows: Rows, n: int) -> Rows:
    """Up to ``n`` of ``rows``, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(np.int64))]
