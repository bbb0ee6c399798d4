"""Milmer's fusion: instance selection, token balancing and a transformer over the tokens of all modalities."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, cast, get_args

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Modality, SpecError, Tokens, TokenSpec
from mmbench_milmer.balancing import make_balancing
from mmbench_milmer.corrected_fusion import Bag, CorrectedFusion, Direct, make_projection, zero_masked
from mmbench_milmer.options import BalancingName, PublishedSelector, SelectorName
from mmbench_milmer.published_checkpoint import check_options, encoder_specs, load_fusion, read_public_state, read_shape
from mmbench_milmer.published_fusion import N_QUERIES, Layers, PublishedFusion, Sizes
from mmbench_milmer.selection import make_selector


class MilmerFusion(Fusion):
    """Wang et al. 2026 (arXiv 2502.00547), corrected, for any number of modalities and any task.

    A modality with a bag (K > 1) is reduced to ``k`` instances by ``selector``; ``balancing`` maps their tokens to
    those of the transformer, ``queries`` of them if it is cross-attention: by default k × T, or 147 as in the paper
    where the length is open. The tokens of a modality with one instance are used as they are. A CLS token and all
    tokens, with an embedding of their modality, pass ``depth`` transformer layers; absent tokens are masked; the
    outputs come from the CLS token. The selectors ``random``, ``uniform``, ``mean`` and ``max`` are controls without
    parameters.

    ``variant="published"`` computes what the public code does, including its errors, for one modality with a bag and
    one without, both with tokens of one length; ``queries`` is 147 unless given. There, ``checkpoint=FILE`` reads a
    state dict that the public class saved: the fusion's weights, and with them those of both encoders, which
    `encoders` returns. Its selector, balancing, ``k`` and ``heads`` cannot be read from it: they are those of its
    configuration. Nothing is trained unless ``frozen=false``.
    """

    name = "milmer"
    version = "3"
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
        n_outputs: int,
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
        checkpoint: str | None = None,
        frozen: bool | None = None,
    ) -> None:
        super().__init__(inputs, n_outputs)
        _check_checkpoint(variant, checkpoint, frozen)
        _check_sizes(k=k, dim=dim, depth=depth, heads=heads, ff=ff, queries=1 if queries is None else queries)
        _check_rates(dropout=dropout, head_dropout=head_dropout)
        _check_fit(dim, heads, queries, balancing)
        for name, spec in inputs.items():
            _check_bag(name, spec, k)
        layers = Layers(depth, heads, ff, dropout, head_dropout, N_QUERIES if queries is None else queries)
        settings = _Settings(selector, balancing, k, queries, dim, layers, checkpoint)
        make = _make_published if variant == "published" else _make_corrected
        self.net: CorrectedFusion | PublishedVariant = make(inputs, n_outputs, settings)
        self.frozen = checkpoint is not None and frozen is not False
        if self.frozen:
            self.requires_grad_(False).eval()

    @classmethod
    def encoders(
        cls,
        modalities: Sequence[Modality],
        *,
        variant: object = "mended",
        checkpoint: object = None,
        frozen: object = None,
        dim: object = None,
        **params: object,
    ) -> Mapping[str, str]:
        """With a checkpoint, ``milmer-eeg`` and ``swin`` with its weights; SpecError for other modalities."""
        _check_checkpoint(variant, checkpoint, frozen)
        if not isinstance(checkpoint, str):
            return {}
        return encoder_specs(tuple(modalities), checkpoint, dim=str(dim), frozen=frozen is not False)

    def train(self, mode: bool = True) -> "MilmerFusion":
        """Training mode, except that a frozen checkpoint stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        outputs: Tensor = self.net(tokens)
        return outputs

    @torch.no_grad()
    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """``<modality>.instances`` ``(B, K)`` for each bag: the weight of each instance in the selection.

        ``<modality>.tokens`` ``(B, T)`` for the others, in the corrected variant: attention of the CLS token in the
        last layer.
        """
        return self.net.explain(tokens)


class PublishedVariant(nn.Module):
    """The published fusion on mmbench's tokens: absent instances are zeros, nothing is masked."""

    def __init__(self, inputs: Mapping[str, TokenSpec], bag: str, single: str, dim: int, net: PublishedFusion) -> None:
        super().__init__()
        self.bag, self.single = bag, single
        # Identities if both widths are the model's: the public code accepts no others.
        self.project_bag, self.project_single = (make_projection(inputs[name], dim) for name in (bag, single))
        self.net = net

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        outputs: Tensor = self.net(self.images(tokens), self.project_single(zero_masked(tokens[self.single]).x[:, 0]))
        return outputs

    def images(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Tokens of the bag ``(B, K, T, dim)``."""
        return torch.as_tensor(self.project_bag(zero_masked(tokens[self.bag]).x))

    def explain(self, tokens: Mapping[str, Tokens]) -> dict[str, Tensor]:
        """Weights of the instances of the bag."""
        return {f"{self.bag}.instances": self.net.instance_weights_of(self.images(tokens))}


class _Settings(NamedTuple):
    selector: SelectorName
    balancing: BalancingName
    k: int
    queries: int | None
    dim: int
    layers: Layers
    checkpoint: str | None = None


def _make_corrected(inputs: Mapping[str, TokenSpec], n_outputs: int, settings: _Settings) -> CorrectedFusion:
    selector, balancing, k, queries, dim, layers, _ = settings
    branches: dict[str, nn.Module] = {}
    for name, spec in sorted(inputs.items()):
        if spec.instances == 1:
            branches[name] = Direct(spec, dim)
            continue
        n_queries = queries or (N_QUERIES if spec.length is None else k * spec.length)
        balancer = make_balancing(balancing, n_queries, dim, layers.heads, layers.dropout)
        branches[name] = Bag(spec, dim, make_selector(selector, spec, k), balancer)
    layer = nn.TransformerEncoderLayer(dim, layers.heads, layers.ff, layers.dropout, batch_first=True)
    transformer = nn.TransformerEncoder(layer, layers.depth, enable_nested_tensor=False)
    return CorrectedFusion(branches, transformer, dim, n_outputs, layers.head_dropout)


def _make_published(inputs: Mapping[str, TokenSpec], n_outputs: int, settings: _Settings) -> PublishedVariant:
    supported = get_args(PublishedSelector)
    if settings.selector not in supported:
        raise _unsupported(
            f"has no selector {settings.selector!r}", f"choose {', '.join(supported)}, or leave variant out"
        )
    bags = [name for name, spec in inputs.items() if spec.instances > 1]
    if len(inputs) != 2 or len(bags) != 1:
        given = ", ".join(f"{name} (K = {spec.instances})" for name, spec in sorted(inputs.items()))
        raise _unsupported(f"takes one modality with a bag and one without, not {given}", "leave variant out")
    (single,) = inputs.keys() - set(bags)
    spec = inputs[bags[0]]
    _check_lengths(inputs)
    assert spec.length is not None
    sizes = Sizes(settings.dim, spec.length, spec.instances, settings.k, n_outputs)
    options = cast(PublishedSelector, settings.selector), settings.balancing, settings.layers
    if settings.checkpoint is None:
        return PublishedVariant(inputs, bags[0], single, settings.dim, PublishedFusion(sizes, *options))
    return PublishedVariant(
        inputs, bags[0], single, settings.dim, _load_checkpoint(settings.checkpoint, sizes, *options)
    )


def _load_checkpoint(
    path: str, sizes: Sizes, selector: PublishedSelector, balancing: BalancingName, layers: Layers
) -> PublishedFusion:
    """The public fusion with the weights of a file; UserError if options or data do not fit them."""
    state = read_public_state(path)
    check_options(read_shape(state, path), sizes, layers, balancing == "cross_attention", path)
    with torch.device("meta"):
        net = PublishedFusion(sizes, selector, balancing, layers)
    load_fusion(net, state, path)
    return net


def _check_checkpoint(variant: object, checkpoint: object, frozen: object) -> None:
    if checkpoint is not None and variant != "published":
        raise SpecError(
            "a checkpoint of the public class holds the published variant",
            where="milmer[checkpoint=FILE]",
            remedy="write milmer[variant=published,checkpoint=FILE]",
        )
    if checkpoint is None and frozen is not None:
        raise SpecError(
            "applies to a checkpoint only",
            where=f"milmer[frozen={str(frozen).lower()}]",
            remedy="leave it out, or give checkpoint=FILE",
        )


def _check_lengths(inputs: Mapping[str, TokenSpec]) -> None:
    names = sorted(name for name, spec in inputs.items() if spec.length is None)
    if names:
        raise _unsupported(
            f"takes tokens of one length, and the number of tokens differs in {', '.join(names)}",
            "leave variant out, or choose an encoder with a fixed number of tokens",
        )


def _unsupported(message: str, remedy: str) -> SpecError:
    return SpecError(f"the public code {message}", where="milmer[variant=published]", remedy=remedy)


def _check_sizes(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise SpecError(f"{name}={value} is too small", where="milmer", remedy=f"set {name} to 1 or more")


def _check_rates(**rates: float) -> None:
    for name, value in rates.items():
        if not 0 <= value < 1:
            raise SpecError(f"{name}={value} is not a rate", where="milmer", remedy=f"set {name} from 0 to below 1")


def _check_fit(dim: int, heads: int, queries: int | None, balancing: BalancingName) -> None:
    if dim % heads:
        raise SpecError(
            f"dim={dim} is not a multiple of heads={heads}", where="milmer", remedy=f"set dim={dim + -dim % heads}"
        )
    if queries is not None and balancing != "cross_attention":
        raise SpecError(
            f"queries={queries} does not apply to balancing={balancing}",
            where="milmer",
            remedy="leave queries out, or set balancing=cross_attention",
        )


def _check_bag(name: str, spec: TokenSpec, k: int) -> None:
    if 1 < spec.instances < k:
        raise SpecError(
            f"k={k} instances cannot be selected from the {spec.instances} of {name!r}",
            where=f"milmer[k={k}]",
            remedy=f"set k={spec.instances} or fewer",
        )
