"""Training settings that baselines inherit from the first method, and detection of methods that did not learn.

A method counts as untrained where the loss of most of its trainings stayed near that of guessing. Detection rates are
measured by `benchmarks/inherited.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any, Protocol

from mmbench.contract import Training
from mmbench.results.records import Record
from mmbench.results.scoring import scoring_of

_UNTRAINED_LOSS = 0.9  # fraction of the way from the lowest possible loss to that at chance level
_LEARNT_VALIDATION_LOSS = (
    0.7  # fraction of the loss at chance level on the validation part: below it, training had an effect
)


class MethodRecords(Protocol):
    """A method with its records."""

    @property
    def name(self) -> str:
        """The method as given on the command line."""

    @property
    def run(self) -> Mapping[str, Any]:
        """The description of the run in its records."""

    @property
    def records(self) -> Sequence[Record]:
        """One per fold and seed."""


@dataclass(frozen=True)
class UntrainedMethod:
    """A method whose training loss stayed near that of guessing under settings of the first method.

    ``settings`` are those that differ from the defaults of mmbench; this happened in ``trainings`` of ``of`` trainings.
    """

    method: str
    settings: Mapping[str, Any]
    trainings: int
    of: int


def changed_settings(run: Mapping[str, Any]) -> dict[str, Any]:
    """The training settings of a run that differ from the defaults of mmbench."""
    defaults = asdict(Training())
    return {name: value for name, value in run["training"].items() if value != defaults.get(name, value)}


def find_untrained(methods: Sequence[MethodRecords]) -> list[UntrainedMethod]:
    """Methods that did not learn under settings of the first of ``methods``, which others inherit.

    Excludes methods with training settings of their own, and those without trainable parameters. Empty for tasks of
    labels and values, for whose losses no limit has been measured.
    """
    found: list[UntrainedMethod] = []
    if scoring_of(methods[0].run).kind != "class":
        return found
    for method in methods:
        settings = changed_settings(method.run)
        if settings and not method.run["own_encoders"]:
            records = [record for record in method.records if record.parameters.get("trainable")]
            failed = sum(not has_learnt(record.history, *_bounds(method)) for record in records)
            if 2 * failed > len(records):
                found.append(UntrainedMethod(method.name, settings, failed, len(records)))
    return found


def has_learnt(history: Sequence[Mapping[str, float]], lowest: float, guessing: float) -> bool:
    """Whether the training loss of any epoch fell clearly below ``guessing``; ``lowest`` is the least possible loss.

    All are in nats. A fusion may train with a loss of its own, so a validation loss well below ``guessing``
    counts, too.
    """
    train = [epoch["train_loss"] for epoch in history if "train_loss" in epoch]
    validation = [epoch["validation_loss"] for epoch in history if "validation_loss" in epoch]
    if not train or not validation:
        return True  # without losses nothing is known
    return (
        min(train) - lowest < _UNTRAINED_LOSS * (guessing - lowest)
        or min(validation) < _LEARNT_VALIDATION_LOSS * guessing
    )


def _bounds(method: MethodRecords) -> tuple[float, float]:
    """Cross-entropies of a perfect model and of the best constant, with the label smoothing and weights of training."""
    n_classes = len(method.run["classes"])
    training = method.run["training"]
    smoothing = float(training.get("label_smoothing", 0.0))
    labels = [label for record in method.records for label in record.labels]
    even = [1 / n_classes] * n_classes
    shares = (
        even if training.get("class_weights", True) else [labels.count(each) / len(labels) for each in range(n_classes)]
    )
    right = [1 - smoothing + smoothing / n_classes, *[smoothing / n_classes] * (n_classes - 1)]
    return _entropy(right), _entropy([(1 - smoothing) * share + smoothing / n_classes for share in shares])


def _entropy(shares: Sequence[float]) -> float:
    return -sum(share * log(share) for share in shares if share > 0)
