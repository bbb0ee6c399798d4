"""Instance selection: which k of the K instances in a bag are passed on.

Every selector hands on k slots of T tokens, so that the selectors differ in what they choose and never in how
many tokens the rest of the model sees. Those that learn get a gradient for every instance of the bag, also for those
left out: the published code takes indices only, and indices have no gradient.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmbench import TokenSpec
from mmbench_milmer.options import SelectorName


class Selection(NamedTuple):
    """What a selector passes on.

    ``x`` is ``(B, k, T, D)``, ``present`` bool ``(B, k)``, and ``weights`` ``(B, K)`` the share of each instance in
    it: rows sum to 1, or to 0 where the bag is missing.
    """

    x: Tensor
    present: Tensor
    weights: Tensor


class GatedScorer(nn.Module):
    """Gated attention wᵀ(tanh Vh ⊙ σ Uh) on the mean token h of each instance (Ilse et al. 2018, 1802.04712).

    ``(B, K, T, D)`` to scores ``(B, K, heads)``. It has no last bias: a softmax would not feel it.
    """

    def __init__(self, dim: int, heads: int = 1, hidden: int = 128) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.value = nn.Linear(dim, hidden)
        self.gate = nn.Linear(dim, hidden)
        self.weigh = nn.Linear(hidden, heads, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """One score an instance and head."""
        mean = self.norm(x.mean(dim=2))
        scores: Tensor = self.weigh(torch.tanh(self.value(mean)) * torch.sigmoid(self.gate(mean)))
        return scores


class PositionScorer(nn.Module):
    """One learned score for each place in the bag, the same for all samples: ``(B, K, 1)``."""

    def __init__(self, n_instances: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(n_instances))

    def forward(self, x: Tensor) -> Tensor:
        """The learned scores, whatever ``x`` holds."""
        return self.scores[None, :, None].expand(len(x), -1, -1)


class TopK(nn.Module):
    """The k instances of highest attention; hard going forward, soft going back.

    Without ``weighted`` the chosen tokens pass unchanged; with it they are multiplied by their attention, scaled so
    that the weights of the chosen average 1. The gradient is that of the attention-weighted sum over the whole bag
    (straight-through, 1611.01144), so that an instance left out is felt, too. In training the k are drawn from the
    attention without replacement (Gumbel top-k, 1903.06059): a choice of the best alone gets stuck where it began.
    """

    def __init__(self, scorer: nn.Module, k: int, *, weighted: bool) -> None:
        super().__init__()
        self.scorer = scorer
        self.k = k
        self.weighted = weighted

    def forward(self, x: Tensor, present: Tensor) -> Selection:
        """``x`` ``(B, K, T, D)``, ``present`` ``(B, K)``."""
        attention = attend(self.scorer(x), present)[..., 0]
        chosen = pick(x, present, self.choose(attention.detach(), present))
        shares = self.share(attention.detach().gather(1, chosen.places), chosen.present)
        scale = shares * chosen.present.sum(dim=1, keepdim=True)
        # Zero going forward.
        soft = torch.einsum("bk,bktd->btd", (attention - attention.detach()).to(x.dtype), x)
        slots = chosen.x * scale[..., None, None].to(x.dtype) + soft[:, None]
        return Selection(slots, chosen.present, spread(shares, chosen.places, present))

    def choose(self, attention: Tensor, present: Tensor) -> Tensor:
        """Indices ``(B, k)``, present instances before absent ones."""
        scores = attention.clamp_min(1e-30).log()
        if self.training:
            scores = scores - torch.empty_like(scores).exponential_().log()
        return rank(scores, present)[:, : self.k]

    def share(self, attention: Tensor, present: Tensor) -> Tensor:
        """The shares ``(B, k)`` of the chosen in what is passed on; in sum 1, or 0 where all are absent."""
        part = attention if self.weighted else present.float()
        return part / part.sum(dim=1, keepdim=True).clamp_min(1e-12)


class AttentionPool(nn.Module):
    """ABMIL with k heads: each slot is an attention-weighted average of all instances, token by token."""

    def __init__(self, spec: TokenSpec, k: int) -> None:
        super().__init__()
        self.scorer = GatedScorer(spec.dim, heads=k)
        self.k = k

    def forward(self, x: Tensor, present: Tensor) -> Selection:
        """``x`` ``(B, K, T, D)``, ``present`` ``(B, K)``."""
        attention = attend(self.scorer(x), present)
        pooled = torch.einsum("bkh,bktd->bhtd", attention.to(x.dtype), x)
        return Selection(pooled, pooled_slots(present, self.k), attention.detach().mean(dim=2))


class Fixed(nn.Module):
    """k instances taken by a rule that does not look at them."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor, present: Tensor) -> Selection:
        """``x`` ``(B, K, T, D)``, ``present`` ``(B, K)``."""
        chosen = pick(x, present, self.choose(present))
        shares = chosen.present / chosen.present.sum(dim=1, keepdim=True).clamp_min(1)
        return Selection(chosen.x, chosen.present, spread(shares, chosen.places, present))

    def choose(self, present: Tensor) -> Tensor:
        """Indices ``(B, k)``, present instances before absent ones."""
        raise NotImplementedError(f"{type(self).__name__}.choose")


class First(Fixed):
    """The first k present instances."""

    def choose(self, present: Tensor) -> Tensor:
        """Indices in the order of the bag."""
        return rank(torch.zeros(present.shape, device=present.device), present)[:, : self.k]


class Random(Fixed):
    """k instances by chance: anew for each sample in training, the same places for all when evaluating."""

    places: Tensor

    def __init__(self, spec: TokenSpec, k: int) -> None:
        super().__init__(k)
        self.register_buffer("places", torch.rand(spec.instances))

    def choose(self, present: Tensor) -> Tensor:
        """Indices drawn by chance."""
        drawn = torch.rand(present.shape, device=present.device) if self.training else self.places.expand_as(present)
        return rank(drawn, present)[:, : self.k]


class Uniform(Fixed):
    """k instances evenly spaced over the present ones."""

    def choose(self, present: Tensor) -> Tensor:
        """The middles of k equal stretches; absent ones fill up where fewer are present."""
        n_present = present.sum(dim=1, keepdim=True)
        n_slots = n_present.clamp(1, self.k)
        slot = torch.arange(self.k, device=present.device)[None]
        middle = (2 * slot + 1) * n_present // (2 * n_slots)
        place = torch.where(slot < n_slots, middle, slot)
        return First(present.shape[1]).choose(present).gather(1, place)


class Mean(nn.Module):
    """The average of all present instances, k times."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor, present: Tensor) -> Selection:
        """``x`` ``(B, K, T, D)``, zero where absent; ``present`` ``(B, K)``."""
        weights = present / present.sum(dim=1, keepdim=True).clamp_min(1)
        pooled = torch.einsum("bk,bktd->btd", weights.to(x.dtype), x)
        return Selection(pooled[:, None].expand(-1, self.k, -1, -1), pooled_slots(present, self.k), weights)


class Max(nn.Module):
    """The largest value of every feature over the present instances, k times."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor, present: Tensor) -> Selection:
        """``x`` ``(B, K, T, D)``, ``present`` ``(B, K)``; an instance's share is that of the features it wins."""
        filled = x.masked_fill(~present[:, :, None, None], -torch.inf)
        values, winner = filled.max(dim=1)
        some = present.any(dim=1)
        pooled = values.masked_fill(~some[:, None, None], 0.0)
        wins = [(winner == i).float().mean(dim=(1, 2)) for i in range(present.shape[1])]
        weights = torch.stack(wins, dim=1) * some[:, None]
        return Selection(pooled[:, None].expand(-1, self.k, -1, -1), pooled_slots(present, self.k), weights)


class Chosen(NamedTuple):
    """Instances at ``places`` ``(B, k)``: ``x`` ``(B, k, T, D)`` and whether each is ``present`` ``(B, k)``."""

    x: Tensor
    present: Tensor
    places: Tensor


def pick(x: Tensor, present: Tensor, places: Tensor) -> Chosen:
    """The instances of each bag at ``places`` ``(B, k)``."""
    index = places[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return Chosen(x.gather(1, index), present.gather(1, places), places)


def rank(scores: Tensor, present: Tensor) -> Tensor:
    """Indices ``(B, K)`` from the highest score down, absent instances last; ties keep the order of the bag."""
    return scores.masked_fill(~present, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def attend(scores: Tensor, present: Tensor) -> Tensor:
    """Softmax over the present instances of ``scores`` ``(B, K, heads)``; all zero where the bag is missing."""
    here = present[..., None]
    masked = scores.float().masked_fill(~here, torch.finfo(torch.float32).min)
    return masked.softmax(dim=1) * here


def pooled_slots(present: Tensor, k: int) -> Tensor:
    """Pooled slots ``(B, k)`` exist where any instance does."""
    return present.any(dim=1, keepdim=True).expand(-1, k)


def spread(shares: Tensor, places: Tensor, present: Tensor) -> Tensor:
    """Shares ``(B, k)`` of the chosen instances, put where they stand in the bag ``(B, K)``."""
    return torch.zeros(present.shape, device=present.device).scatter(1, places, shares.float())


_MAKERS: dict[SelectorName, Callable[[TokenSpec, int], nn.Module]] = {
    "none": lambda spec, k: First(k),
    "softmax": lambda spec, k: TopK(PositionScorer(spec.instances), k, weighted=True),
    "amil": AttentionPool,
    "attention_topk": lambda spec, k: TopK(GatedScorer(spec.dim), k, weighted=False),
    "attention_weighted_topk": lambda spec, k: TopK(GatedScorer(spec.dim), k, weighted=True),
    "random": Random,
    "uniform": lambda spec, k: Uniform(k),
    "mean": lambda spec, k: Mean(k),
    "max": lambda spec, k: Max(k),
}


def make_selector(name: SelectorName, spec: TokenSpec, k: int) -> nn.Module:
    """The selector of that name for bags of ``spec``; only the weights it uses are made."""
    return _MAKERS[name](spec, k)
