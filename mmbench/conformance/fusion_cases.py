"""Cases of fusions: modalities of fixed and open lengths, random batches, targets of each kind of task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from mmbench.conformance.tensors import seeded
from mmbench.contract import Fusion, Task, TaskKind, Tokens, TokenSpec, Training
from mmbench.training import make_criterion, sum_losses

INPUTS = {"first": TokenSpec(1, 6, 1), "second": TokenSpec(5, 8, 3), "third": TokenSpec(4, 12, 2)}
# Some of the lengths are open: fusions meet both in one sample.
OPEN_INPUTS = {name: replace(spec, length=None) if name != "third" else spec for name, spec in INPUTS.items()}
LONGEST = 5  # tokens of the longest instance of open length
TASKS: Mapping[TaskKind, tuple[Task, ...]] = {
    "class": (Task("class", ("a", "b", "c")), Task("class", ("a", "b"))),
    "labels": (Task("labels", ("a", "b")), Task("labels", ("a",))),
    "values": (Task("values", ("a",)), Task("values", ("a", "b"))),
}


@dataclass(frozen=True)
class FusionCase:
    """A fusion class with the parameters it is built with."""

    cls: type[Fusion]
    params: Mapping[str, object]

    @property
    def task(self) -> Task:
        """The task of all checks but that of tasks: one class, where the fusion takes it."""
        kinds = [kind for kind in TASKS if kind in self.cls.tasks]
        return TASKS[kinds[0] if kinds else "class"][0]

    def inputs(self, n_modalities: int, every: Mapping[str, TokenSpec] = INPUTS) -> dict[str, TokenSpec]:
        """The first modalities of ``every``; those that the fusion does not read have no tokens."""
        names = list(every)[:n_modalities]
        used = self.cls.uses(names, **self.params)
        return {name: every[name] if name in used else TokenSpec(0, 0, every[name].instances) for name in names}

    def open_inputs(self) -> Iterator[dict[str, TokenSpec]]:
        """One, two and three modalities, some of them with open lengths; none where the fusion reads none of these."""
        for n_modalities in range(1, len(INPUTS) + 1):
            inputs = self.inputs(n_modalities, OPEN_INPUTS)
            if any(spec.length is None for spec in inputs.values()):
                yield inputs

    def all_inputs(self) -> Iterator[dict[str, TokenSpec]]:
        """One, two and three modalities, with fixed lengths, then with open ones if the fusion takes them."""
        for n_modalities in range(1, len(INPUTS) + 1):
            yield self.inputs(n_modalities)
        if self.takes_open_lengths:
            yield from self.open_inputs()

    @cached_property
    def takes_open_lengths(self) -> bool:
        """Whether it can be built for open lengths."""
        try:
            for inputs in self.open_inputs():
                self.build(inputs)
        except Exception:  # the check of padding reports it
            return False
        return True

    def build(self, inputs: Mapping[str, TokenSpec], seed: int = 0, task: Task | None = None) -> Fusion:
        """A new fusion for ``task``, by default that of the case."""
        task = task or self.task
        with seeded(seed):
            fusion = self.cls(inputs, task.n_outputs, **self.params)
        fusion.task = task
        return fusion

    def each(self) -> Iterator[tuple[Fusion, dict[str, Tokens]]]:
        """Fusions of `all_inputs` in evaluation mode, each with a batch."""
        for inputs in self.all_inputs():
            yield self.build(inputs).eval(), make_batch(inputs)


def make_batch(inputs: Mapping[str, TokenSpec], seed: int = 1, repeat: int = 1) -> dict[str, Tokens]:
    """Tokens of a complete sample, one with absent instances, one without each modality, and one without any."""
    generator = torch.Generator().manual_seed(seed)
    tokens = {}
    for m, (name, spec) in enumerate(inputs.items()):
        present = torch.ones(len(inputs) + 3, spec.instances, dtype=torch.bool)
        present[1, 1:] = False
        present[m + 2] = False
        present[-1] = False
        present = present.repeat(repeat, 1)
        length = LONGEST if spec.length is None else spec.length
        x = torch.randn(*present.shape, length, spec.dim, generator=generator)
        mask = present[..., None].expand(x.shape[:3])
        if spec.length is None:
            mask = mask & make_mask(present.shape, generator)
        tokens[name] = Tokens(x * mask[..., None], present, mask)
    return tokens


def make_mask(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Masks ``(B, K, T)`` of 1 to T tokens; the instances of the first sample are the longest."""
    lengths = torch.randint(1, LONGEST + 1, shape, generator=generator)
    lengths[0] = LONGEST
    return torch.arange(LONGEST) < lengths[..., None]


def make_target(tokens: Mapping[str, Tokens], task: Task) -> Tensor:
    """A target for each sample of the batch: classes in turn, labels of both values, values of both signs."""
    number = torch.arange(count_samples(tokens))
    if task.kind == "class":
        return number % task.n_outputs
    grid = number[:, None] + torch.arange(task.n_outputs)
    return (grid % 2).float() if task.kind == "labels" else (grid % 5).float() - 2


def count_samples(tokens: Mapping[str, Tokens]) -> int:
    """The size of a batch."""
    return len(next(iter(tokens.values())).present)


@torch.no_grad()
def fuse(fusion: Fusion, tokens: Mapping[str, Tokens]) -> Tensor:
    """Outputs ``(B, n_outputs)``."""
    outputs: Tensor = fusion({name: Tokens(*(part.clone() for part in each)) for name, each in tokens.items()})
    return outputs


def training_loss(fusion: Fusion, tokens: Mapping[str, Tokens]) -> Tensor:
    """The loss of a batch with its targets, by the host's criterion."""
    target = make_target(tokens, fusion.task)
    criterion = make_criterion(target.numpy(), fusion.task, Training(class_weights=False))
    return sum_losses(fusion.training_loss(tokens, target, criterion))


def take(tokens: Mapping[str, Tokens], rows: slice) -> dict[str, Tokens]:
    """Some of the samples."""
    return {name: Tokens(*(part[rows] for part in each)) for name, each in tokens.items()}
