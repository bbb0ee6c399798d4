"""PMR: a modality whose classes are less clustered than those of the others gets a loss of its own.

Fan, Xu, Wang, Wang and Guo, PMR: Prototypical Modal Rebalance for Multimodal Learning, CVPR 2023.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from mmbench import Float, Network, SpecError, Tokens, Trainer, TrainerContext
from mmbench_balance.modalities import is_present, modalities_to_balance, pool


class Pmr(Trainer):
    """A loss of prototypes for modalities that learn slowly, less entropy of the fast one (Fan et al., CVPR 2023).

    ``alpha`` weights the loss of prototypes, ``mu`` the entropy regularisation in the first ``early`` epochs; with both
    at 0 this is the training of the host. A prototype is the mean of the pooled tokens of a class. It is computed from
    the batches of the epoch before, and not in a pass of its own as in the paper, for passes are counted: the first
    epoch is that of the host. ``momentum`` keeps that share of the earlier prototypes.
    """

    name = "pmr"
    tasks = ("class",)
    space: ClassVar[Mapping[str, Float]] = {"alpha": Float(0.01, 5.0, log=True), "mu": Float(1e-3, 1.0, log=True)}

    def __init__(self, *, alpha: float = 1.0, mu: float = 0.01, early: int = 5, momentum: float = 0.5) -> None:
        for name, value in {"alpha": alpha, "mu": mu, "early": early}.items():
            if value < 0:
                raise SpecError(f"is {value}", where=name, remedy="give a number from 0")
        if not 0 <= momentum < 1:
            raise SpecError(f"is {momentum}", where="momentum", remedy="give a share from 0 to below 1")
        self.alpha, self.mu, self.early, self.momentum = alpha, mu, early, momentum
        self.epoch = 0
        self.prototypes: dict[str, Tensor] = {}  # (classes, D), NaN for a class that no sample had
        self._sums: dict[str, Tensor] = {}  # (classes, D + 1): sums of pooled tokens, and the number of samples

    def before_epoch(self, model: Network, epoch: int, context: TrainerContext) -> None:
        """Take the prototypes from the batches of the epoch before."""
        self.epoch = epoch
        for name, sums in self._sums.items():
            new = sums[:, :-1] / sums[:, -1:]  # 0 / 0 is NaN
            old = self.prototypes.get(name, new)
            self.prototypes[name] = torch.where(
                new.isnan(), old, torch.lerp(new, old.where(~old.isnan(), new), self.momentum)
            )
        self._sums = {}

    def losses(
        self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
    ) -> Mapping[str, Tensor]:
        """The losses of the fusion, and those of prototypes for each modality that is slower than another."""
        losses = dict(super().losses(model, tokens, target, context))
        names = modalities_to_balance(model, self.name) if self.alpha or self.mu else ()
        pooled = {name: pool(tokens[name]).float() for name in names}
        for name in names:
            self._count(name, pooled[name].detach(), is_present(tokens[name]), target, model.fusion.n_outputs)
        if names and self.prototypes:
            there = torch.stack([is_present(tokens[name]) for name in names]).all(dim=0)
            for prototypes in self.prototypes.values():
                there = there & ~prototypes.isnan().any(dim=1)[target]
            if there.any():
                parts = {name: log_probabilities(pooled[name][there], self.prototypes[name]) for name in names}
                losses |= self._balance(parts, target[there])
        return losses

    def _count(self, name: str, pooled: Tensor, there: Tensor, target: Tensor, n_classes: int) -> None:
        ones = pooled.new_ones(len(pooled), 1)
        sums = self._sums.setdefault(name, pooled.new_zeros(n_classes, pooled.shape[1] + 1))
        sums.index_add_(0, target[there], torch.cat([pooled, ones], dim=1)[there])

    def _balance(self, parts: Mapping[str, Tensor], target: Tensor) -> dict[str, Tensor]:
        true = {name: part.gather(1, target[:, None]).squeeze(1) for name, part in parts.items()}
        weights = slowness({name: float(each.detach().exp().sum()) for name, each in true.items()})
        fastest = min(weights, key=lambda name: weights[name])
        losses = {
            f"{name} prototypes": -self.alpha * weight * true[name].mean() for name, weight in weights.items() if weight
        }
        if self.mu and self.epoch <= self.early and any(weights.values()):
            losses["entropy"] = -self.mu * max(weights.values()) * entropy(parts[fastest])
        return losses


def log_probabilities(pooled: Tensor, prototypes: Tensor) -> Tensor:
    """Logarithms ``(B, classes)`` of the softmax of negative Euclidean distances to the prototypes.

    A class without a prototype has the probability 0.
    """
    distances = torch.cdist(pooled, prototypes.nan_to_num())
    return (-distances).masked_fill(prototypes.isnan().any(dim=1), -torch.inf).log_softmax(dim=1)


def slowness(scores: Mapping[str, float]) -> dict[str, float]:
    """The weight of each modality's loss of prototypes: max / score - 1, clipped to [0, 1].

    ``scores`` are sums over a batch of the probabilities of the true class, ``max`` is the largest. For two modalities
    these are the coefficients beta and gamma of the paper: that of the faster is 0.
    """
    largest = max(scores.values())
    return {name: min(largest / score - 1, 1.0) if score else 1.0 for name, score in scores.items()}


def entropy(log_probabilities: Tensor) -> Tensor:
    """The mean entropy of distributions ``(B, classes)``."""
    finite = log_probabilities.masked_fill(log_probabilities.isinf(), 0.0)
    mean: Tensor = -(log_probabilities.exp() * finite).sum(dim=1).mean()
    return mean
