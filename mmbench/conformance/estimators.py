"""Checks of estimators: shapes, tasks, missing modalities, determinism, state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mmbench.conformance.declaration import (
    check_name,
    check_parameters,
    check_space,
    parameters_of,
    params_for,
    subject_of,
)
from mmbench.conformance.fusion_cases import (
    INPUTS,
    OPEN_INPUTS,
    TASKS,
    count_samples,
    fuse,
    make_batch,
    make_target,
    take,
)
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.tensors import close, seeded
from mmbench.contract import Estimator, Task, Tokens, TokenSpec
from mmbench.training import EstimatorFusion

# Samples of each kind in the training part.
REPEAT = 8


def check_estimator(cls: type[Estimator], **params: object) -> Iterator[Check]:
    """All checks of an estimator, with one, two and three modalities, of fixed and of open lengths."""
    subject = subject_of("estimator", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space)
    yield from checks_of(subject, EstimatorCase(cls, params_for(cls, params)), *CHECKS)


@dataclass(frozen=True)
class EstimatorCase:
    """An estimator class with the parameters it is built with."""

    cls: type[Estimator]
    params: Mapping[str, object]

    @property
    def task(self) -> Task:
        """The task of all checks but that of tasks: the first kind that the estimator takes."""
        kinds = [kind for kind in TASKS if kind in self.cls.tasks]
        return TASKS[kinds[0] if kinds else "class"][0]

    def inputs(self, n_modalities: int, every: Mapping[str, TokenSpec]) -> dict[str, TokenSpec]:
        """The first modalities of ``every``; those that the estimator does not read have no tokens."""
        names = list(every)[:n_modalities]
        used = self.cls.uses(names, **self.params)
        return {name: every[name] if name in used else TokenSpec(0, 0, every[name].instances) for name in names}

    def fit(self, inputs: Mapping[str, TokenSpec], task: Task | None = None, seed: int = 1) -> EstimatorFusion:
        """An estimator, fitted to samples of which some lack a modality; four samples make a group."""
        fusion = EstimatorFusion(inputs, task or self.task, self.cls(**self.params))
        tokens = make_batch(inputs, seed, REPEAT)
        target = make_target(tokens, fusion.task).numpy()
        fusion.fit(tokens, target, torch.arange(len(target)).div(4, rounding_mode="floor").numpy(), seed=0)
        return fusion

    def each(self) -> Iterator[tuple[EstimatorFusion, dict[str, Tokens]]]:
        """Fitted estimators of one, two and three modalities, and of open lengths, each with other samples."""
        cases = [self.inputs(number, INPUTS) for number in range(1, len(INPUTS) + 1)]
        for inputs in (*cases, self.inputs(len(OPEN_INPUTS), OPEN_INPUTS)):
            yield self.fit(inputs), make_batch(inputs, seed=2)


def check_uses(case: EstimatorCase) -> None:
    """``uses`` names modalities that exist, and ``tuned`` parameters of ``space``."""
    names = list(INPUTS)
    for name in case.cls.uses(names, **case.params):
        demand(name in names, f"uses() names {name!r} when there are {', '.join(names)}")
    defaults = {name: each.default for name, each in parameters_of(case.cls).items()}
    for name in case.cls.tuned(**{**defaults, **case.params}):
        demand(name in case.cls.space, f"tuned() names {name!r}, which is not in space")


def check_tasks(case: EstimatorCase) -> None:
    """Every kind of task in ``tasks`` has finite outputs ``(n, n_outputs)``, whatever their number."""
    demand(bool(case.cls.tasks), "tasks is empty")
    inputs = case.inputs(len(INPUTS), INPUTS)
    tokens = make_batch(inputs, seed=2)
    for kind in case.cls.tasks:
        demand(kind in TASKS, f"tasks names {kind!r}, which is none of {', '.join(TASKS)}")
        for task in TASKS[kind]:
            what = f"a task of kind {kind} with {task.n_outputs} {'output' if task.n_outputs == 1 else 'outputs'}"
            _demand_outputs(fuse(case.fit(inputs, task), tokens), (count_samples(tokens), task.n_outputs), what)


def check_missing_modality(case: EstimatorCase) -> None:
    """Outputs are finite if instances, any modality, or all of them are missing."""
    for fusion, tokens in case.each():
        what = f"{len(tokens)} modalities, some missing"
        _demand_outputs(fuse(fusion, tokens), (count_samples(tokens), case.task.n_outputs), what)


def check_batch_independence(case: EstimatorCase) -> None:
    """The outputs of a sample do not depend on the others in the call, nor on their order."""
    for fusion, tokens in case.each():
        whole = fuse(fusion, tokens)
        alone = torch.cat([fuse(fusion, take(tokens, slice(b, b + 1))) for b in range(len(whole))])
        demand(close(whole, alone), "a sample alone has other outputs than with others")


def check_evaluation(case: EstimatorCase) -> None:
    """The outputs of samples stay the same after other samples were predicted."""
    for fusion, tokens in case.each():
        with seeded(3):
            first, _, again = (fuse(fusion, each) for each in (tokens, make_batch(fusion.inputs, seed=4), tokens))
        demand(close(first, again), "samples have other outputs after other samples were predicted")


def check_determinism(case: EstimatorCase) -> None:
    """Fitted again to the same samples, after others were fitted, an estimator gives the same outputs."""
    inputs = case.inputs(len(INPUTS), INPUTS)
    tokens = make_batch(inputs, seed=2)
    first = fuse(case.fit(inputs), tokens)
    case.fit(inputs, seed=5)
    demand(torch.equal(fuse(case.fit(inputs), tokens), first), "fitted again it gives other outputs")


CHECKS = (
    check_uses,
    check_tasks,
    check_missing_modality,
    check_batch_independence,
    check_evaluation,
    check_determinism,
)


def _demand_outputs(outputs: Tensor, shape: tuple[int, int], what: str) -> None:
    demand(tuple(outputs.shape) == shape, f"outputs of {what} are {tuple(outputs.shape)}, not {shape}")
    demand(bool(outputs.isfinite().all()), f"outputs of {what} are not finite")
