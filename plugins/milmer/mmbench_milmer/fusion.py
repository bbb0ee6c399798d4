"""Milmer's fusion: instance selection, token balancing and a transformer over the tokens of all modalities."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, SpecError, Tokens, TokenSpec
from mmbench_milmer.balancing import BalancingName, make_balancing
from mmbench_milmer.selection import Selection, SelectorName, make_selector


class MilmerFusion(Fusion):
    """Wang et al. 2026 (arXiv 2502.00547), mended, for any number of modalities.

    A modality with a bag (K > 1) is cut down to ``k`` instances by ``selector`` and brought in by ``balancing``, with
    ``queries`` tokens (default k × T) where that is cross-attention; a modality with one instance hands over its
    tokens. All of them, with an embedding of their modality and after a CLS token, pass ``depth`` transformer
    layers; absent tokens are masked; the CLS token is classified. The selectors ``random``, ``uniform``, ``mean`` and
    ``max`` learn nothing: they are there for control.
    """

    name = "milmer"
    conformance: ClassVar[Mapping[str, object]] = {"k": 2, "dim": 24, "heads": 4, "ff": 32}
    space: ClassVar[Mapping[str, Float | Int | Choice]] = {
        "k": Int(1, 3),
        "depth": Int(1, 3),
        "dropout": Float(0.0, 0.5),
        "head_dropout": Float(0.0, 0.5),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_classes: int,
        *,
        variant: Literal["mended", "published"] = "mended",
        selector: SelectorName = "attention_weighted_topk",
        balancing: BalancingName = "cross_attention",
        k: int = 3,
        queries: int | None = None,
        dim: int = 768,
        depth: int = 2,
        heads: int = 12,
        ff: int = 2048,
        dropout: float = 0.2,
        head_dropout: float = 0.1,
    ) -> None:
        super().__init__(inputs, n_classes)
        _check_variant(variant)
        _check_sizes(k=k, dim=dim, depth=depth, heads=heads, ff=ff, queries=1 if queries is None else queries)
        _check_rates(dropout=dropout, head_dropout=head_dropout)
        _check_fit(dim, heads, queries, balancing)
        self.names = sorted(inputs)
        self.branches = nn.ModuleList()
        for name in self.names:
            spec = inputs[name]
            if spec.instances == 1:
                self.branches.append(Direct(spec, dim))
                continue
            _check_bag(name, spec, k)
            mixer = make_balancing(balancing, queries or k * spec.length, dim, heads, dropout)
            self.branches.append(Bag(spec, dim, make_selector(selector, spec, k), mixer))
        self.cls_token = nn.Parameter(0.02 * torch.randn(dim))
        self.type_embedding = nn.Parameter(0.02 * torch.randn(len(self.names), dim))
        layer = nn.TransformerEncoderLayer(dim, heads, ff, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.Dropout(head_dropout), nn.Linear(dim, n_classes))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Logits ``(B, C)``; from the CLS token alone where every modality is missing."""
        x, present = self.gather(tokens)
        logits: Tensor = self.head(self.encoder(x, src_key_padding_mask=~present)[:, 0])
        return logits

    def gather(self, tokens: Mapping[str, Tokens]) -> tuple[Tensor, Tensor]:
        """What the transformer reads: CLS and the tokens of all modalities ``(B, 1 + N, dim)``, and their mask."""
        n_samples = len(next(iter(tokens.values())).present)
        parts = [self.cls_token.expand(n_samples, 1, -1)]
        masks = [torch.ones(n_samples, 1, dtype=torch.bool, device=self.cls_token.device)]
        for name, branch, kind in zip(self.names, self.branches, self.type_embedding, strict=True):
            x, present = branch(clean(tokens[name]))
            parts.append(x + kind)
            masks.append(present)
        return torch.cat(parts, dim=1), torch.cat(masks, dim=1)

    @torch.no_grad()
    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """``<modality>.instances`` ``(B, K)`` for each bag: the share of each instance in what was passed on."""
        return {
            f"{name}.instances": branch.select(clean(tokens[name])).weights
            for name, branch in zip(self.names, self.branches, strict=True)
            if isinstance(branch, Bag)
        }


class Direct(nn.Module):
    """A modality without a bag: its T tokens, projected to ``dim`` where they have another width."""

    def __init__(self, spec: TokenSpec, dim: int) -> None:
        super().__init__()
        self.project = _projection(spec, dim)

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, T, dim)`` and their mask ``(B, T)``."""
        x = self.project(tokens.x[:, 0])
        return x, tokens.present.expand(-1, x.shape[1])


class Bag(nn.Module):
    """A modality with a bag of instances: selection, projection, balancing."""

    def __init__(self, spec: TokenSpec, dim: int, selector: nn.Module, balancing: nn.Module) -> None:
        super().__init__()
        self.selector = selector
        self.project = _projection(spec, dim)
        self.balancing = balancing

    def select(self, tokens: Tokens) -> Selection:
        """The k instances that are passed on."""
        selection: Selection = self.selector(tokens.x, tokens.present)
        return selection

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, N, dim)`` and their mask ``(B, N)``."""
        selection = self.select(tokens)
        n_tokens = selection.x.shape[2]
        x = self.project(selection.x.flatten(1, 2))
        balanced: tuple[Tensor, Tensor] = self.balancing(x, selection.present.repeat_interleave(n_tokens, dim=1))
        return balanced


def clean(tokens: Tokens) -> Tokens:
    """The same with zeros where an instance is absent, whatever stood there."""
    return Tokens(torch.where(tokens.present[:, :, None, None], tokens.x, 0.0), tokens.present)


def _projection(spec: TokenSpec, dim: int) -> nn.Module:
    return nn.Identity() if spec.dim == dim else nn.Linear(spec.dim, dim)


def _check_variant(variant: str) -> None:
    if variant == "published":
        raise SpecError(
            "the published variant is not available yet",
            where="milmer[variant=published]",
            remedy="leave variant out: the mended method has every selector and balancing",
        )


def _check_sizes(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise SpecError(f"{name}={value} is too small", where="milmer", remedy=f"give {name} 1 or more")


def _check_rates(**rates: float) -> None:
    for name, value in rates.items():
        if not 0 <= value < 1:
            raise SpecError(f"{name}={value} is no rate", where="milmer", remedy=f"give {name} from 0 to below 1")


def _check_fit(dim: int, heads: int, queries: int | None, balancing: BalancingName) -> None:
    if dim % heads:
        raise SpecError(
            f"dim={dim} is not a multiple of heads={heads}", where="milmer", remedy=f"take dim={dim + -dim % heads}"
        )
    if queries is not None and balancing != "cross_attention":
        raise SpecError(
            f"queries={queries} has no meaning with balancing={balancing}",
            where="milmer",
            remedy="leave queries out, or take balancing=cross_attention",
        )


def _check_bag(name: str, spec: TokenSpec, k: int) -> None:
    if k > spec.instances:
        raise SpecError(
            f"k={k} instances cannot be chosen from the {spec.instances} of {name!r}",
            where=f"milmer[k={k}]",
            remedy=f"take k={spec.instances} or fewer",
        )
