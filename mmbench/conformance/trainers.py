"""Checks of trainers: tasks, modalities, determinism, state, the budget of passes, restored weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.conformance.declaration import check_name, check_parameters, check_space, params_for, subject_of
from mmbench.conformance.fusion_cases import TASKS
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.contract import Modality, Task, Trainer, Training
from mmbench.data import Fold, Inputs, Rows, Stream, hide_labels
from mmbench.registry import Spec, build_encoder, build_fusion
from mmbench.storage import counted
from mmbench.training import FitResult, Model, fit, predict

MODALITIES = tuple(Modality(name, "vector", (4,)) for name in ("first", "second", "third"))
PARTS = Fold("0", np.arange(0, 24), np.arange(24, 36), np.arange(36, 48))
SETTINGS = Training(epochs=5, batch_size=8, lr=1e-2, patience=5)
_CPU = torch.device("cpu")


def check_trainer(cls: type[Trainer], **params: object) -> Iterator[Check]:
    """All checks of a trainer: it fits networks of one, two and three modalities whose encoders are trained."""
    subject = subject_of("trainer", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space)
    yield from checks_of(subject, TrainerCase(cls, params_for(cls, params)), *CHECKS)


class _Vectors:
    """Instances ``(N, 1, 4)`` that depend on the target; every sixth sample lacks the modality, others in others."""

    lengths = None

    def __init__(self, at: int, signal: NDArray[np.float64]) -> None:
        random, n = np.random.default_rng(at), len(signal)
        self.x = (random.normal(size=(n, 1, 4)) + signal[:, None, None]).astype(np.float32)
        self.present = (np.arange(n) % 6 != at)[:, None]
        self.x[~self.present] = 0

    def read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return self.x[rows], self.present[rows]


@dataclass(frozen=True)
class TrainerCase:
    """A trainer class with the parameters it is built with."""

    cls: type[Trainer]
    params: Mapping[str, object]

    @property
    def task(self) -> Task:
        """The task of all checks but that of tasks: the first kind that the trainer takes."""
        kinds = [kind for kind in TASKS if kind in self.cls.tasks]
        return TASKS[kinds[0] if kinds else "class"][0]

    def fit(
        self, n_modalities: int = 3, task: Task | None = None, settings: Training = SETTINGS, seed: int = 1
    ) -> tuple[Model, Inputs, FitResult]:
        """A network of the first modalities, fitted by a new trainer; labels of the test part are hidden."""
        task = task or self.task
        model, (inputs, labels) = build(n_modalities, task), make_samples(n_modalities, task)
        trainer = self.cls(**self.params)
        return model, inputs, fit(model, inputs, PARTS, labels, settings, seed=seed, device=_CPU, trainer=trainer)


def build(n_modalities: int, task: Task) -> Model:
    """A perceptron for each of the first modalities, and their concatenation."""
    modalities = MODALITIES[:n_modalities]
    encoders = {each.name: build_encoder(Spec("mlp", {}), each, (), seed=0) for each in modalities}
    specs = {name: encoder.out for name, encoder in encoders.items()}
    return Model(encoders, build_fusion(Spec("concat", {"dim": 8}), specs, task, (), seed=0))


def make_samples(n_modalities: int, task: Task) -> tuple[Inputs, NDArray[np.generic]]:
    """Samples of all parts and their labels, hidden in the test part."""
    number = np.arange(PARTS.test[-1] + 1)
    labels = number % task.n_outputs if task.kind == "class" else (number[:, None] + np.arange(task.n_outputs)) % 2.0
    signal = np.asarray(labels, dtype=np.float64).reshape(len(number), -1)[:, 0]
    streams = {each.name: Stream(_Vectors(at, signal), None, len(number)) for at, each in enumerate(MODALITIES)}
    hide_labels(labels, number >= PARTS.test[0])
    return Inputs({each.name: streams[each.name] for each in MODALITIES[:n_modalities]}), labels


def check_tasks(case: TrainerCase) -> None:
    """Networks for every kind of task in ``tasks`` are fitted, and their outputs are finite."""
    demand(bool(case.cls.tasks), "tasks is empty")
    for kind in case.cls.tasks:
        demand(kind in TASKS, f"tasks names {kind!r}, which is none of {', '.join(TASKS)}")
        for task in TASKS[kind]:
            _, _, fitted = case.fit(task=task)
            demand(bool(np.isfinite(fitted.test_outputs).all()), f"outputs of a task of kind {kind} are not finite")


def check_modalities(case: TrainerCase) -> None:
    """Networks of one, two and three modalities are fitted, of which samples lack some."""
    for n_modalities in range(1, len(MODALITIES) + 1):
        model, _, fitted = case.fit(n_modalities)
        demand(
            bool(np.isfinite(fitted.test_outputs).all()),
            f"outputs of {counted(n_modalities, 'modality')} are not finite",
        )
        changed = [
            not torch.equal(*pair) for pair in zip(_flat(model), _flat(build(n_modalities, case.task)), strict=True)
        ]
        demand(any(changed), f"no weight of a network of {counted(n_modalities, 'modality')} has changed")


def check_budget(case: TrainerCase) -> None:
    """It stops when the patience is over, and after the last epoch of the budget."""
    for settings in (Training(epochs=6, batch_size=24, patience=1), Training(epochs=3, batch_size=24, patience=3)):
        _, _, fitted = case.fit(settings=settings)
        demand(1 <= len(fitted.history) <= settings.epochs, f"ends {len(fitted.history)} epochs of {settings.epochs}")


def check_determinism(case: TrainerCase) -> None:
    """Fitted again under the same seed, after another training, a network gets the same weights."""
    first, _, _ = case.fit()
    case.fit(seed=5)
    again, _, _ = case.fit()
    same = [torch.equal(*pair) for pair in zip(_flat(first), _flat(again), strict=True)]
    demand(all(same), "a network that is fitted again gets other weights: keep state in the instance")


def check_restored(case: TrainerCase) -> None:
    """A network that is built anew gives the same outputs once it has the weights."""
    model, inputs, fitted = case.fit()
    restored = build(len(MODALITIES), case.task)
    state = model.state_dict()
    demand(state.keys() == restored.state_dict().keys(), "it adds or removes weights of the network")
    restored.load_state_dict(state)
    outputs = predict(restored, inputs, PARTS.test, _CPU)
    same = np.array_equal(outputs, fitted.test_outputs[fitted.chosen])
    demand(same, "a network with the restored weights gives other outputs")


CHECKS = (check_tasks, check_modalities, check_budget, check_determinism, check_restored)


def _flat(model: Model) -> list[Tensor]:
    return [*model.state_dict().values()]
