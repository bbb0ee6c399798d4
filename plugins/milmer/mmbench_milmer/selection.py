"""Instance selection: k of the K instances of a bag, by multiple-instance attention or a fixed rule.

Every selector maps tokens, zero where masked, to k slots of T tokens, so that selectors differ in what they select and
not in the number of tokens. Trained selectors get a gradient for every instance of the bag, also for those not
selected: the published code uses indices only, which have no gradient.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmbench import Tokens, TokenSpec
from mmbench_milmer.options import SelectorName


class Selection(NamedTuple):
    """Output of a selector.

    ``x`` is ``(B, k, T, D)``, ``present`` bool ``(B, k)``, ``mask`` bool ``(B, k, T)``, and ``weights`` ``(B, K)`` the
    weight of each instance in ``x``: rows sum to 1, or to 0 if the bag is missing.
    """

    x: Tensor
    present: Tensor
    mask: Tensor
    weights: Tensor


class GatedScorer(nn.Module):
    """Gated attention wᵀ(tanh Vh ⊙ σ Uh) on the mean token h of each instance (Ilse et al. 2018, 1802.04712).

    Tokens to scores ``(B, K, heads)``. No bias in the last layer: softmax is invariant to it.
    """

    def __init__(self, spec: TokenSpec, heads: int = 1, hidden: int = 128) -> None:
        super().__init__()
        self.open = spec.length is None
        self.norm = nn.LayerNorm(spec.dim)
        self.value = nn.Linear(spec.dim, hidden)
        self.gate = nn.Linear(spec.dim, hidden)
        self.weigh = nn.Linear(hidden, heads, bias=False)

    def forward(self, tokens: Tokens) -> Tensor:
        """A score per instance and head."""
        mean = self.norm(mean_token(tokens) if self.open else tokens.x.mean(dim=2))
        scores: Tensor = self.weigh(torch.tanh(self.value(mean)) * torch.sigmoid(self.gate(mean)))
        return scores


class PositionScorer(nn.Module):
    """One learned score for each position in the bag, the same for all samples: ``(B, K, 1)``."""

    def __init__(self, n_instances: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(n_instances))

    def forward(self, tokens: Tokens) -> Tensor:
        """The learned scores, independent of the tokens."""
        return self.scores[None, :, None].expand(len(tokens.x), -1, -1)


class TopK(nn.Module):
    """The k instances of highest attention: hard selection forward, soft gradient backward.

    If ``weighted``, the selected tokens are multiplied by their attention, scaled so that the weights of the selected
    average 1; otherwise they are unchanged. The gradient is that of the attention-weighted sum over the whole bag
    (straight-through, 1611.01144), so that instances not selected have one, too. In training the k are drawn from the
    attention without replacement (Gumbel top-k, 1903.06059): always taking the best would rarely explore others.
    """

    def __init__(self, scorer: nn.Module, k: int, *, weighted: bool) -> None:
        super().__init__()
        self.scorer = scorer
        self.k = k
        self.weighted = weighted

    def forward(self, tokens: Tokens) -> Selection:
        """Selection by attention."""
        x, present, _ = tokens
        attention = masked_softmax(self.scorer(tokens), present)[..., 0]
        selected = select_instances(tokens, self.choose(attention.detach(), present))
        weights = self.weights_of(attention.detach().gather(1, selected.indices), selected.present)
        scale = weights * selected.present.sum(dim=1, keepdim=True)
        # Zero in the forward pass; carries the gradient.
        soft = torch.einsum("bk,bktd->btd", (attention - attention.detach()).to(x.dtype), x)
        slots = selected.x * scale[..., None, None].to(x.dtype) + soft[:, None]
        shown = scatter_weights(weights, selected.indices, present)
        return Selection(slots, selected.present, selected.mask, shown)

    def choose(self, attention: Tensor, present: Tensor) -> Tensor:
        """Indices ``(B, k)``, present instances before absent ones."""
        scores = attention.clamp_min(1e-30).log()
        if self.training:
            scores = scores - torch.empty_like(scores).exponential_().log()
        return rank(scores, present)[:, : self.k]

    def weights_of(self, attention: Tensor, present: Tensor) -> Tensor:
        """Weights ``(B, k)`` of the selected instances; their sum is 1, or 0 if all are absent."""
        part = attention if self.weighted else present.float()
        return part / part.sum(dim=1, keepdim=True).clamp_min(1e-12)


class AttentionPool(nn.Module):
    """ABMIL with k heads: each slot is the attention-weighted average of all instances, for each token.

    Where lengths are open, the average at a position is over the instances that have a token there.
    """

    def __init__(self, spec: TokenSpec, k: int) -> None:
        super().__init__()
        self.open = spec.length is None
        self.scorer = GatedScorer(spec, heads=k)
        self.k = k

    def forward(self, tokens: Tokens) -> Selection:
        """Averages by attention."""
        x, present, mask = tokens
        scores = self.scorer(tokens)
        attention = masked_softmax(scores, present)
        if self.open:
            of_tokens = masked_softmax(scores[:, :, None].expand(-1, -1, x.shape[2], -1), mask)
            pooled = torch.einsum("bkth,bktd->bhtd", of_tokens.to(x.dtype), x)
        else:
            pooled = torch.einsum("bkh,bktd->bhtd", attention.to(x.dtype), x)
        return pooled_selection(pooled, tokens, attention.detach().mean(dim=2))


class FixedRule(nn.Module):
    """k instances selected by a rule that is independent of their content."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, tokens: Tokens) -> Selection:
        """Selection by the rule, with equal weights."""
        selected = select_instances(tokens, self.choose(tokens.present))
        weights = selected.present / selected.present.sum(dim=1, keepdim=True).clamp_min(1)
        shown = scatter_weights(weights, selected.indices, tokens.present)
        return Selection(selected.x, selected.present, selected.mask, shown)

    def choose(self, present: Tensor) -> Tensor:
        """Indices ``(B, k)``, present instances before absent ones."""
        raise NotImplementedError(f"{type(self).__name__}.choose")


class First(FixedRule):
    """The first k present instances."""

    def choose(self, present: Tensor) -> Tensor:
        """Indices in the order of the bag."""
        return rank(torch.zeros(present.shape, device=present.device), present)[:, : self.k]


class Random(FixedRule):
    """k random instances: drawn for each sample in training, the same positions for all samples in evaluation."""

    places: Tensor

    def __init__(self, spec: TokenSpec, k: int) -> None:
        super().__init__(k)
        self.register_buffer("places", torch.rand(spec.instances))

    def choose(self, present: Tensor) -> Tensor:
        """Random indices."""
        drawn = torch.rand(present.shape, device=present.device) if self.training else self.places.expand_as(present)
        return rank(drawn, present)[:, : self.k]


class Uniform(FixedRule):
    """k instances evenly spaced over the present ones."""

    def choose(self, present: Tensor) -> Tensor:
        """The middles of k equal parts of the bag; absent instances fill the rest if fewer are present."""
        n_present = present.sum(dim=1, keepdim=True)
        n_slots = n_present.clamp(1, self.k)
        slot = torch.arange(self.k, device=present.device)[None]
        middle = (2 * slot + 1) * n_present // (2 * n_slots)
        place = torch.where(slot < n_slots, middle, slot)
        return First(present.shape[1]).choose(present).gather(1, place)


class Mean(nn.Module):
    """The average of all present instances, k times; of open lengths, of those that have a token at the position."""

    def __init__(self, spec: TokenSpec, k: int) -> None:
        super().__init__()
        self.open = spec.length is None
        self.k = k

    def forward(self, tokens: Tokens) -> Selection:
        """The average as k slots."""
        x, present, mask = tokens
        weights = present / present.sum(dim=1, keepdim=True).clamp_min(1)
        if self.open:
            pooled = x.sum(dim=1) / mask.sum(dim=1)[..., None].clamp_min(1)
        else:
            pooled = torch.einsum("bk,bktd->btd", weights.to(x.dtype), x)
        return pooled_selection(pooled[:, None].expand(-1, self.k, -1, -1), tokens, weights)


class Max(nn.Module):
    """The largest value of every feature over the present instances, k times."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, tokens: Tokens) -> Selection:
        """The maximum as k slots.

        The weight of an instance is the fraction of features of which it has the maximum.
        """
        x, present, mask = tokens
        values, argmax = x.masked_fill(~mask[..., None], -torch.inf).max(dim=1)
        there = mask.any(dim=1)[..., None]
        pooled = values.masked_fill(~there, 0.0)
        n_features = there.sum(dim=(1, 2)).clamp_min(1) * x.shape[3]
        won = [((argmax == i) & there).float().sum(dim=(1, 2)) / n_features for i in range(present.shape[1])]
        return pooled_selection(pooled[:, None].expand(-1, self.k, -1, -1), tokens, torch.stack(won, dim=1))


class Selected(NamedTuple):
    """Instances at ``indices`` ``(B, k)``; ``x`` ``(B, k, T, D)``, ``present`` ``(B, k)``, ``mask`` ``(B, k, T)``."""

    x: Tensor
    present: Tensor
    mask: Tensor
    indices: Tensor


def select_instances(tokens: Tokens, indices: Tensor) -> Selected:
    """The instances of each bag at ``indices`` ``(B, k)``."""
    x, present, mask = tokens
    index = indices[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return Selected(x.gather(1, index), present.gather(1, indices), mask.gather(1, index[..., 0]), indices)


def mean_token(tokens: Tokens) -> Tensor:
    """The mean of the tokens that are there, ``(B, K, D)``; zero for an instance without any."""
    return tokens.x.sum(dim=2) / tokens.mask.sum(dim=2)[..., None].clamp_min(1)


def rank(scores: Tensor, present: Tensor) -> Tensor:
    """Indices ``(B, K)`` from the highest score down, absent instances last; ties keep the order of the bag."""
    return scores.masked_fill(~present, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def masked_softmax(scores: Tensor, present: Tensor) -> Tensor:
    """Softmax over the present instances of ``scores`` ``(B, K, ..., heads)``; all zero where none is.

    ``present`` is ``(B, K, ...)``: instances, or their tokens.
    """
    mask = present[..., None]
    masked = scores.float().masked_fill(~mask, torch.finfo(torch.float32).min)
    return masked.softmax(dim=1) * mask


def pooled_selection(pooled: Tensor, tokens: Tokens, weights: Tensor) -> Selection:
    """Slots ``(B, k, T, D)`` made of all instances: present if any instance is, with its token where any has one."""
    k = pooled.shape[1]
    present, mask = (part.any(dim=1, keepdim=True) for part in (tokens.present, tokens.mask))
    return Selection(pooled, present.expand(-1, k), mask.expand(-1, k, -1), weights)


def scatter_weights(weights: Tensor, indices: Tensor, present: Tensor) -> Tensor:
    """Weights ``(B, k)`` of the selected instances at their positions in the bag, ``(B, K)``; 0 elsewhere."""
    return torch.zeros(present.shape, device=present.device).scatter(1, indices, weights.float())


_MAKERS: dict[SelectorName, Callable[[TokenSpec, int], nn.Module]] = {
    "none": lambda spec, k: First(k),
    "softmax": lambda spec, k: TopK(PositionScorer(spec.instances), k, weighted=True),
    "amil": AttentionPool,
    "attention_topk": lambda spec, k: TopK(GatedScorer(spec), k, weighted=False),
    "attention_weighted_topk": lambda spec, k: TopK(GatedScorer(spec), k, weighted=True),
    "random": Random,
    "uniform": lambda spec, k: Uniform(k),
    "mean": Mean,
    "max": lambda spec, k: Max(k),
}


def make_selector(name: SelectorName, spec: TokenSpec, k: int) -> nn.Module:
    """Build the selector of that name for bags of ``spec``; only the weights that it uses are created."""
    return _MAKERS[name](spec, k)
