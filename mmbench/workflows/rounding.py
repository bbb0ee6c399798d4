"""Effect of rounding on a training, from trainings with random perturbations of the size of rounding errors.

Other processors, numbers of threads and builds sum in another order. Outputs of layers then differ by a few units in
the last place, which training may amplify. Trainings with every module's output perturbed by that much (Monte Carlo
arithmetic, Parker 1997) measure by how much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.data import Fold, Store
from mmbench.execution import Plan, build_model, make_inputs, mask_test_labels
from mmbench.registry import training_seed
from mmbench.results import Record
from mmbench.storage import counted
from mmbench.training import FitResult, fit, score_all

NOISE = 2.0**-20
"""Standard deviation of the relative error of a module's output: sixteen times that of rounding one number to float32;
a sum of many is off by more than one."""

REPEATS = 3
MARGIN_FACTOR = 2.0
"""Factor by which the difference of a record may exceed the largest of the repeats."""
_FLOOR = 1e-5  # of the largest value: always allowed


@dataclass(frozen=True)
class RoundingCheck:
    """Differences of a record from a training on this machine, compared with the effect of rounding.

    ``excess`` are the quantities that differ more than rounding explains, in words. ``difference`` is the largest of
    the logits, ``bound`` the allowed one. ``flips`` is the largest number of predictions changed in the repeats,
    ``changed`` the number that differ in the record.
    """

    excess: tuple[str, ...]
    difference: float
    bound: float
    flips: int
    changed: int

    @property
    def is_within(self) -> bool:
        """Whether rounding explains all differences."""
        return not self.excess


def measure_rounding(plan: Plan, fold: Fold, recorded: Record) -> RoundingCheck:
    """Train a fold without and with perturbations on this machine, and compare the record with their effect."""
    store = Store(plan.store)
    draw = training_seed(recorded.seed, fold.name, recorded.run.get("seeding"))
    base, *repeats = (_train(plan, store, fold, draw, at) for at in range(REPEATS + 1))
    labels = np.array(recorded.labels, dtype=np.int64)
    epoch = recorded.epochs["chosen"]
    if epoch >= len(base.test_outputs):
        return RoundingCheck(
            (f"its chosen epoch is {epoch + 1}, the repetition has {counted(len(base.test_outputs), 'epoch')}",),
            np.inf,
            0.0,
            0,
            0,
        )
    measured = partial(_quantities, labels=labels, epoch=epoch)
    here = measured(base)
    spread = {name: max(_largest_difference(measured(each)[name], here[name]) for each in repeats) for name in here}
    bounds = {name: MARGIN_FACTOR * spread[name] + _floor(name, here[name], labels) for name in here}
    theirs = _recorded(recorded)
    apart = {name: _largest_difference(theirs[name], here[name]) for name in here}
    wrong = [
        f"{name} differ by {apart[name]:.2g}, rounding by at most {bounds[name]:.2g}"
        for name in here
        if apart[name] > bounds[name]
    ]
    found = _at(base, epoch).argmax(axis=1)
    flips = max(int((_at(each, epoch).argmax(axis=1) != found).sum()) for each in repeats)
    return RoundingCheck(
        tuple(wrong), apart["logits"], bounds["logits"], flips, int((recorded.predictions != found).sum())
    )


def _train(plan: Plan, store: Store, fold: Fold, seed: int, repeat: int) -> FitResult:
    """One training; the first (``repeat`` 0) is without perturbations."""
    model = build_model(plan, store, seed)
    labels = mask_test_labels(store.labels(plan.task), fold)
    device, generator = torch.device(plan.device), torch.Generator().manual_seed(repeat)
    with _add_noise(model, generator if repeat else None):
        inputs, training = make_inputs(plan, store, fold), plan.recipe.training
        return fit(
            model,
            inputs,
            fold,
            labels,
            training,
            seed=seed,
            device=device,
            metric=plan.metric,
            trainer=plan.trainer(),
        )


@contextmanager
def _add_noise(model: nn.Module, generator: torch.Generator | None) -> Iterator[None]:
    """Perturb the outputs of all modules; does nothing without a generator."""

    def hook(module: nn.Module, arguments: Any, output: Any) -> Any:
        return _noisy(output, generator)

    hooks = [module.register_forward_hook(hook) for module in model.modules()] if generator else []
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def _noisy(output: Any, generator: torch.Generator | None) -> Any:
    if isinstance(output, tuple) and type(output) is tuple:
        return tuple(_noisy(item, generator) for item in output)
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return output
    noise = torch.randn(output.shape, generator=generator, dtype=torch.float32).to(output)
    return output * (1 + NOISE * noise)


def _at(fitted: FitResult, epoch: int) -> NDArray[np.float64]:
    """Logits ``(n, C)`` of an epoch, or of the last one if training stopped before it."""
    logits: NDArray[np.float64] = fitted.test_outputs[min(epoch, len(fitted.test_outputs) - 1)].astype(np.float64)
    return logits


def _quantities(fitted: FitResult, labels: NDArray[np.int64], epoch: int) -> dict[str, NDArray[np.float64]]:
    """Quantities of a training as in a record: logits of the chosen epoch, losses, scores of last and oracle epoch."""
    scores = [
        score_all(labels, each.argmax(axis=1), each.shape[1])["balanced_accuracy"] for each in fitted.test_outputs
    ]
    history = [(each.train_loss, each.validation_loss, each.validation_score) for each in fitted.history]
    losses, standings = np.array(history)[:, :2], np.array(history)[:, 2]
    return {
        "logits": _at(fitted, epoch),
        "losses": losses,
        "validation scores": standings,
        "scores of the last and the oracle epoch": np.array([scores[-1], max(scores)]),
    }


def _recorded(record: Record) -> dict[str, NDArray[np.float64]]:
    history = record.history
    return {
        "logits": np.array(record.logits, dtype=np.float64),
        "losses": np.array([(each["train_loss"], each["validation_loss"]) for each in history]),
        "validation scores": np.array([each["validation_score"] for each in history]),
        "scores of the last and the oracle epoch": np.array(
            [record.scores[name]["balanced_accuracy"] for name in ("last", "oracle")]
        ),
    }


def _largest_difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The largest difference, over the epochs that both have."""
    length = min(len(one), len(other))
    return float(np.abs(one[:length] - other[:length]).max())


def _floor(name: str, values: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Differences that are always allowed: a few units in the last place, or two samples of the smallest class."""
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    return 2.0 / (len(counts) * counts.min()) if "score" in name else _FLOOR * float(np.abs(values).max())
