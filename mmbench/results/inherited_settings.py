"""Training settings that baselines take over from another method, and whether they learnt anything by them.

A baseline counts as untrained where the loss of most of its trainings stayed near that of guessing. What the rule finds
and misses is measured by `benchmarks/inherited.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any, Protocol

from mmbench.contract import Training
from mmbench.results.records import Record

_UNTRAINED_LOSS = 0.9  # of the way from the lowest loss that there can be to that of guessing
_LEARNT_VALIDATION_LOSS = (
    0.7  # of the loss of guessing on the validation part: below it, something was learnt whatever a fusion's own loss
)


class TrainedModel(Protocol):
    """A method with its records."""

    @property
    def name(self) -> str:
        """What it was called on the shell line."""

    @property
    def run(self) -> Mapping[str, Any]:
        """What its records say of the run."""

    @property
    def records(self) -> Sequence[Record]:
        """One a fold and seed."""


@dataclass(frozen=True)
class UntrainedBaseline:
    """A baseline whose training loss stayed near that of guessing, under settings of the first method.

    ``settings`` are those that differ from the host's defaults; ``trainings`` says in how many ``of`` its trainings.
    """

    method: str
    settings: Mapping[str, Any]
    trainings: int
    of: int


def changed_settings(run: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run's training loop that differ from the host's defaults."""
    defaults = asdict(Training())
    return {name: value for name, value in run["training"].items() if value != defaults.get(name, value)}


def find_untrained(methods: Sequence[TrainedModel]) -> list[UntrainedBaseline]:
    """The baselines that learnt next to nothing under settings which they inherit from the first of ``methods``.

    Not asked are those that bring their own training, or that have nothing to train.
    """
    found = []
    for method in methods[1:]:
        settings = changed_settings(method.run)
        if settings and not method.run["own_encoders"]:
            records = [record for record in method.records if record.parameters.get("trainable")]
            failed = sum(not has_learnt(record.history, *_bounds(method)) for record in records)
            if 2 * failed > len(records):
                found.append(UntrainedBaseline(method.name, settings, failed, len(records)))
    return found


def has_learnt(history: Sequence[Mapping[str, float]], lowest: float, guessing: float) -> bool:
    """Whether the training loss of any epoch fell below that of ``guessing``, seen from the ``lowest`` there can be.

    Both are in nats. A fusion may train by a loss of its own: one whose validation loss, which is the host's, fell well
    below ``guessing`` has learnt, too.
    """
    train = [epoch["train_loss"] for epoch in history if "train_loss" in epoch]
    validation = [epoch["validation_loss"] for epoch in history if "validation_loss" in epoch]
    if not train or not validation:
        return True  # nothing is known of it
    return (
        min(train) - lowest < _UNTRAINED_LOSS * (guessing - lowest)
        or min(validation) < _LEARNT_VALIDATION_LOSS * guessing
    )


def _bounds(method: TrainedModel) -> tuple[float, float]:
    """The cross-entropy of a perfect model and of the best constant, with the smoothing and weights of the training."""
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
