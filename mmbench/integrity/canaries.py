"""Canaries: small trials that a component does not survive which keeps anything between folds, or learns in evaluation.

They are made on a few samples, with random numbers of their own, by models that are thrown away: no result depends on
them. A component that fails is told as a PluginError that names it, and ends the run.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.contract import Training
from mmbench.data import Fold, Inputs, Rows
from mmbench.errors import PluginError
from mmbench.integrity.behaviour import (
    FUSION,
    Observation,
    ProbedSamples,
    find_differing_part,
    find_first_difference,
    find_parts,
    isolated_random_state,
    observe_behaviour,
    observe_weights,
    predict_parts,
    rounding_tolerance,
)
from mmbench.integrity.file_guard import name_component
from mmbench.training import FitResult, Model, deterministic, predict

_N_PROBED = 4  # samples of a trial
_N_ADAPTED = 32  # samples that encoders adapt to: some need more instances than they have dimensions

_REMEDY_STATE = "keep what is learnt in the instance: nothing in a class, a module or a file may outlive a fold"
_BATCH_DEPENDENT = "tells of a sample by the others in its batch"
_REMEDY_EVALUATION = "in evaluation it may depend on its weights and on each sample alone, and change nothing"


class Canaries:
    """The trials of one training: begun before it, and looked after when it is done.

    ``build`` gives a new model under ``seed``. ``labels`` holds -1 outside of the training and the validation part.
    ``is_own``: all components are the host's own, and not every test sample is predicted again in other batches.
    """

    def __init__(
        self,
        build: Callable[[], Model],
        inputs: Inputs,
        fold: Fold,
        labels: NDArray[np.int64],
        training: Training,
        *,
        seed: int,
        device: torch.device,
        plugins: tuple[str, ...],
        is_own: bool = True,
    ) -> None:
        few, many = (_spread(fold.train, n) for n in (_N_PROBED, _N_ADAPTED))
        self._shown = ProbedSamples(inputs, few, many, fold.train, labels, training, device, seed)
        self._build, self._fold, self._is_own = build, fold, is_own
        self._room = rounding_tolerance(device)
        model = build()
        self._names = {part: name_component(module, plugins) for part, module in find_parts(model).items()}
        self._before = observe_behaviour(model, self._shown)

    def build(self) -> Model:
        """The model to be trained; PluginError where it has other weights than the one of the trial."""
        model = self._build()
        self._check_kept(observe_weights(model))
        return model

    def check_rebuilt(self) -> None:
        """Build the model once more: PluginError where a part is no longer what it was before the training."""
        self._check_kept(observe_behaviour(self._build(), self._shown))

    def check_predictions(self, model: Model, fitted: FitResult) -> None:
        """Let a trained model predict some test samples in several ways.

        Raises PluginError where that changes it, where logits hang on what else it is shown or was shown, and where
        they are not those that the chosen epoch left.
        """
        at = _spread(np.arange(len(self._fold.test)), _N_PROBED)
        if not len(at):
            return
        rows = self._fold.test[at]
        others = _spread(np.setdiff1d(np.concatenate([self._fold.test, self._fold.validation]), rows), _N_PROBED)
        shown = self._shown
        with isolated_random_state(shown.seed), deterministic(shown.device):
            before = observe_weights(model)
            first, _, again, mixed = (
                predict_parts(model, shown.inputs, part, shown.device)
                for part in (rows, others, rows, np.concatenate([others, rows[::-1]]))
            )
            changed = find_first_difference(before, observe_weights(model))
        apart = {part: values[len(others) :].flip(0) for part, values in mixed.items()}
        left = {FUSION: torch.from_numpy(fitted.test_logits[fitted.chosen][at])}
        self._refuse(changed and changed.part, "changes its weights or buffers while it predicts")
        other = find_first_difference(_make_observations(first), _make_observations(again), self._room.again)
        self._refuse(other and other.part, "sees the same samples again and tells something else")
        self._refuse(find_differing_part(first, apart, self._room.in_batch), _BATCH_DEPENDENT)
        if find_differing_part(first, left, self._room.in_batch):
            raise PluginError(
                "the weights of the chosen epoch no longer give the logits that they gave then",
                where=", ".join(self._names.values()),
                remedy=_REMEDY_EVALUATION,
            )
        if not self._is_own:
            self._check_batches(model, fitted)

    def _check_batches(self, model: Model, fitted: FitResult) -> None:
        """Predict the test part again in full batches, with samples of the validation part among them."""
        fold, shown = self._fold, self._shown
        rows = np.concatenate([fold.test, fold.validation])
        order = np.random.default_rng(shown.seed).permutation(len(rows))
        with isolated_random_state(shown.seed), deterministic(shown.device):
            logits = predict(model, shown.inputs, rows[order], shown.device)
        again = torch.from_numpy(logits[np.argsort(order)[: len(fold.test)]])
        left = torch.from_numpy(fitted.test_logits[fitted.chosen])
        if find_differing_part({FUSION: left}, {FUSION: again}, self._room.in_batch):
            raise PluginError(_BATCH_DEPENDENT, where=", ".join(self._names.values()), remedy=_REMEDY_EVALUATION)

    def _check_kept(self, now: Sequence[Observation]) -> None:
        other = find_first_difference(self._before, now, self._room.again)
        if other is not None:
            told = f"built again under the same seed it has other {other.what}"
            raise PluginError(told, where=self._names[other.part], remedy=_REMEDY_STATE)

    def _refuse(self, part: str | None, what: str) -> None:
        if part is not None:
            raise PluginError(what, where=self._names[part], remedy=_REMEDY_EVALUATION)


def _make_observations(values: Mapping[str, Tensor]) -> list[Observation]:
    return [Observation(part, "values", value) for part, value in values.items()]


def _spread(rows: Rows, n: int) -> Rows:
    """Up to ``n`` of some rows, from the first to the last."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(np.int64))]
