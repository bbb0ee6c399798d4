"""Trainers of plugins get batches, criterion and budget from the host, and cannot exceed the budget."""

import contextlib
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench import Batches, Network, PluginError, Tokens, Trainer, TrainerContext, Training, TrainingStep
from mmbench.contract import LabelledBatch
from mmbench.training.loop import FitResult, fit
from mmbench.training.model import Model
from tests.training.test_loop import CPU, FOLD, SHORT, Arrays, Inputs, N, Stream, bits, make_model, problem
from tests.training.test_loop import train as train_by_host


def train(trainer: Trainer, training: Training = SHORT) -> tuple[Model, FitResult]:
    x, labels = problem()
    inputs, model = Inputs({"facts": Stream(Arrays(x), None, N)}), make_model()
    hidden = np.where(np.isin(np.arange(N), FOLD.test), -1, labels)
    return model, fit(model, inputs, FOLD, hidden, training, seed=0, device=CPU, trainer=trainer)


class Own(Trainer):
    """A loop of its own: plain gradient descent."""

    name = "own"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        goes_on = True
        while goes_on:
            losses = [self.step(model, batch, context) for batch in train]
            goes_on = context.end_epoch(sum(losses) / len(losses))

    def step(self, model: Network, batch: LabelledBatch, context: TrainerContext) -> float:
        loss = context.criterion(model.fusion(model.tokens(batch.inputs)), batch.target)
        parameters = list(model.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.data -= 0.1 * gradient
        return float(loss.detach())


class Same(Trainer):
    """The trainer of the host under another name."""

    name = "same"


class Stopping(Trainer):
    """Sets the gradients of the encoder of one modality to zero."""

    name = "stopping"

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        for parameter in step.by_modality["facts"]:
            assert parameter.grad is not None
            parameter.grad.zero_()


def test_a_subclass_that_changes_nothing_gives_the_bits_of_the_host() -> None:
    (one, first), (two, second) = train_by_host(), train(Same())
    assert bits(one) == bits(two)
    assert first.history == second.history


def test_a_loop_of_its_own_learns_and_spends_the_budget() -> None:
    _, fitted = train(Own(), Training(epochs=6, batch_size=8, patience=6))
    assert len(fitted.history) == len(fitted.test_outputs) == 6
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss


def test_patience_ends_a_loop_of_its_own() -> None:
    class Still(Own):
        def step(self, model: Network, batch: LabelledBatch, context: TrainerContext) -> float:
            return 1.0

    _, fitted = train(Still(), Training(epochs=20, patience=3))
    assert len(fitted.history) == 4
    assert fitted.chosen == 0


def test_gradients_by_modality_can_be_changed() -> None:
    class Undecayed(Stopping):
        def parameter_groups(self, model: Network) -> list[dict[str, object]]:
            return [{"params": list(model.parameters()), "weight_decay": 0.0}]

    before = make_model()
    after, _ = train(Undecayed())
    assert bits(before.encoder("facts")) == bits(after.encoder("facts"))
    assert bits(before.fusion) != bits(after.fusion)


def test_losses_and_learning_rates_can_be_changed() -> None:
    factors: list[float] = []

    class Zero(Trainer):
        name = "zero"

        def schedule(self, step: int, context: TrainerContext) -> float:
            factors.append(step / context.n_steps)
            return 0.0

        def losses(
            self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
        ) -> Mapping[str, Tensor]:
            loss = context.criterion(model.fusion(tokens), target)
            return {"a": loss, "b": 2 * loss}

        def combine(self, losses: Mapping[str, Tensor]) -> Tensor:
            assert list(losses) == ["a", "b"]
            return 10 * losses["a"]

    before = make_model()
    after, fitted = train(Zero(), Training(epochs=2, batch_size=8, clip=0.0))
    assert bits(before) == bits(after)
    assert fitted.history[0].train_loss > 3
    assert factors == [step / 14 for step in range(15)]


@pytest.mark.parametrize("suppresses", [False, True])
def test_no_trainer_goes_on_after_the_end(suppresses: bool) -> None:
    class Greedy(Own):
        name = "greedy"

        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            super().fit(model, train, validation, context)
            try:
                context.end_epoch(0.0)
            except PluginError:
                if not suppresses:
                    raise

    with pytest.raises(PluginError, match="ends another epoch after"):
        train(Greedy())


def test_passes_of_an_earlier_stage_count_towards_the_budget() -> None:
    class Staged(Own):
        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            list(train)
            super().fit(model, train, validation, context)

    _, fitted = train(Staged(), Training(epochs=6, batch_size=8, patience=6))
    assert len(fitted.history) == 5


def test_each_pass_is_announced() -> None:
    epochs: list[int] = []

    class Announced(Trainer):
        name = "announced"

        def before_epoch(self, model: Network, epoch: int, context: TrainerContext) -> None:
            epochs.append(epoch)

    _, fitted = train(Announced())
    assert epochs == list(range(len(fitted.history)))


def test_a_network_without_trained_parameters_is_fitted_by_the_host() -> None:
    class Refusing(Trainer):
        name = "refusing"

        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            raise AssertionError("there is nothing to train")

    x, labels = problem()
    inputs, model = Inputs({"facts": Stream(Arrays(x), None, N)}), make_model()
    model.requires_grad_(False)
    fitted = fit(model, inputs, FOLD, labels, SHORT, seed=0, device=CPU, trainer=Refusing())
    assert len(fitted.history) == 1


def test_no_trainer_exceeds_the_passes_of_the_budget() -> None:
    class Endless(Own):
        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            while True:
                for _ in train:
                    pass

    with pytest.raises(PluginError, match="pass 5 over the training part, of 4"):
        train(Endless())


def test_a_pass_beyond_the_patience_is_refused_even_if_suppressed() -> None:
    class Impatient(Own):
        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            super().fit(model, train, validation, context)
            with contextlib.suppress(PluginError):
                list(train)

    with pytest.raises(PluginError, match="begins a pass after"):
        train(Impatient(), Training(epochs=50, batch_size=8, patience=1))


def test_an_epoch_needs_a_pass() -> None:
    class Idle(Own):
        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            context.end_epoch(0.0)

    with pytest.raises(PluginError, match="without a pass"):
        train(Idle())


def test_a_trainer_that_ends_no_epoch_is_refused() -> None:
    class Silent(Own):
        name = "silent"

        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            list(train)

    with pytest.raises(PluginError, match="trainer silent: ends no epoch"):
        train(Silent())


def test_validation_batches_hold_the_validation_part_in_order() -> None:
    targets: list[Tensor] = []

    class Reading(Own):
        def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
            targets.extend(target for _, target in validation)
            assert len(validation) == len(targets)
            super().fit(model, train, validation, context)

    train(Reading())
    assert np.array_equal(torch.cat(targets).numpy(), problem()[1][FOLD.validation])


def test_unimodal_outputs_leave_the_mode_of_the_fusion() -> None:
    shapes: list[tuple[int, ...]] = []

    class Alone(Stopping):
        def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
            outputs = context.unimodal_outputs(step.tokens)
            shapes.extend(tuple(each.shape) for each in outputs.values())
            assert list(outputs) == ["facts"]
            assert model.fusion.training

    train(Alone(), Training(epochs=1, batch_size=25))
    assert shapes == [(25, 2), (25, 2)]
