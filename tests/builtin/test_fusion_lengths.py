"""Built-in fusions of tokens of open length: what the mask hides has no effect."""

import pytest
import torch
from torch import Tensor

from mmbench import Tokens, TokenSpec
from mmbench.builtin.fusions.abmil import AttentionMil, summarise_each
from mmbench.builtin.fusions.attention import Attention
from mmbench.builtin.fusions.bottleneck import Bottleneck
from mmbench.builtin.fusions.concat import Concat
from mmbench.builtin.fusions.gated import Gated
from mmbench.builtin.fusions.late import Late
from mmbench.builtin.fusions.linear import Linear
from mmbench.builtin.fusions.lowrank import LowRank
from mmbench.builtin.fusions.mult import CrossModal
from mmbench.builtin.fusions.only import Only
from mmbench.builtin.fusions.pooling import Summary, mean_of_parts, mean_over_tokens
from mmbench.builtin.fusions.sequences import PlacedSequence, sinusoids
from mmbench.builtin.fusions.tensor import Tensorial

FUSIONS = [
    Concat, Late, Gated, Only, Tensorial, LowRank, CrossModal, Bottleneck, AttentionMil, Attention, Linear
]  # fmt: skip
OPEN = {"text": TokenSpec(None, 5), "video": TokenSpec(None, 6, 3)}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def ragged(lengths: list[list[int]], width: int) -> Tokens:
    """Tokens of bags whose instances have these numbers of tokens; 0 is an absent instance."""
    n_tokens = torch.tensor(lengths)
    mask = torch.arange(int(n_tokens.max())) < n_tokens[..., None]
    x = torch.randn(*mask.shape, width) * mask[..., None]
    return Tokens(x, n_tokens > 0, mask)


def batch() -> dict[str, Tokens]:
    video = [[4, 1, 2], [7, 0, 3], [0, 0, 0], [1, 1, 1]]
    return {"text": ragged([[3], [5], [1], [0]], 5), "video": ragged(video, 6)}


def padded(tokens: Tokens, n: int) -> Tokens:
    """The same with ``n`` more positions of large noise."""
    noise = 1e3 * torch.randn(*tokens.present.shape, n, tokens.x.shape[3])
    mask = torch.cat([tokens.mask, torch.zeros(*tokens.present.shape, n, dtype=torch.bool)], dim=2)
    x = torch.where(tokens.mask[..., None], tokens.x, 1e3)
    return Tokens(torch.cat([x, noise], dim=2), tokens.present, mask)


def build(cls: type) -> torch.nn.Module:
    fusion = cls(OPEN, 3, **({"modality": "video"} if cls is Only else {})).eval()
    for parameter in fusion.parameters():  # those of zero would hide an effect
        torch.nn.init.normal_(parameter, std=0.3)
    return fusion


def explained(fusion: torch.nn.Module, tokens: dict[str, Tokens]) -> dict[str, Tensor]:
    """Explanations, those of tokens without the padding."""
    found = fusion.explain(tokens)
    return {name: value[:, :5] if name == "text.tokens" else value for name, value in found.items()}


@pytest.mark.parametrize("cls", FUSIONS)
def test_padding_changes_nothing(cls: type) -> None:
    fusion, tokens = build(cls), batch()
    more = {name: padded(each, 4) for name, each in tokens.items()}
    torch.testing.assert_close(fusion(more), fusion(tokens))
    torch.testing.assert_close(explained(fusion, more), explained(fusion, tokens))


@pytest.mark.parametrize("cls", FUSIONS)
def test_a_batch_without_any_token_has_finite_outputs(cls: type) -> None:
    fusion = build(cls)
    for n_tokens in (0, 2):
        tokens = {
            name: Tokens(
                torch.zeros(2, spec.instances, n_tokens, spec.dim),
                torch.ones(2, spec.instances, dtype=torch.bool),
                torch.zeros(2, spec.instances, n_tokens, dtype=torch.bool),
            )
            for name, spec in OPEN.items()
        }
        assert fusion(tokens).isfinite().all()


def test_the_mean_is_over_the_tokens_that_are_there() -> None:
    tokens = Tokens(
        torch.tensor([[[[1.0], [3.0]], [[8.0], [100.0]]]]),
        torch.ones(1, 2, dtype=torch.bool),
        torch.tensor([[[True, True], [True, False]]]),
    )
    assert mean_over_tokens(tokens).tolist() == [[4.0]]
    assert mean_over_tokens(tokens._replace(mask=tokens.mask & False)).tolist() == [[0.0]]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 11, 16])
def test_parts_are_those_of_adaptive_pooling(length: int) -> None:
    tokens = ragged([[length, 20, 0]], 4)
    parts = mean_of_parts(tokens, 8)
    for k, n in ((0, length), (1, 20)):
        expected = torch.nn.functional.adaptive_avg_pool1d(tokens.x[0, k, :n].T, 8).T
        torch.testing.assert_close(parts[0, k], expected)
    assert not parts[0, 2].any()


def test_flatten_distinguishes_early_and_late_tokens_and_mean_does_not() -> None:
    tokens = ragged([[9, 0, 0], [5, 7, 1]], 6)
    turned = Tokens(tokens.x.clone(), tokens.present, tokens.mask)
    for b, k, n in ((0, 0, 9), (1, 0, 5), (1, 1, 7)):
        turned.x[b, k, :n] = tokens.x[b, k, :n].flip(0)
    flatten, mean = (Summary(OPEN["video"], 8, pool) for pool in ("flatten", "mean"))
    assert not torch.allclose(flatten(tokens), flatten(turned), atol=1e-3)
    torch.testing.assert_close(mean(tokens), mean(turned))
    torch.testing.assert_close(mean(tokens)[0], mean.project(tokens.x[0, 0].mean(0)))


def test_an_instance_is_summarised_by_its_own_tokens() -> None:
    tokens = batch()["video"]
    summary = Summary(OPEN["video"], 8, "mean")
    torch.testing.assert_close(summarise_each(summary, tokens)[1, 2], summary.project(tokens.x[1, 2, :3].mean(0)))


def test_positions_of_open_length_are_sinusoidal() -> None:
    sequence, tokens = PlacedSequence(OPEN["video"], 4), batch()["video"]
    x, present = sequence(tokens)
    assert present[0].tolist() == tokens.mask[0].flatten().tolist()
    expected = sequence.project(tokens.x[1, 2, 1]) + sequence.instance[2] + sinusoids(2, 4)[1]
    torch.testing.assert_close(x[1, 2 * 7 + 1], expected)


def test_linear_reads_the_parts_of_each_instance() -> None:
    fusion, tokens = build(Linear), batch()
    assert fusion.layer.in_features == 8 * (5 + 3 * 6)
    flat = torch.cat([mean_of_parts(tokens[name], 8).flatten(1) for name in ("text", "video")], dim=1)
    torch.testing.assert_close(fusion(tokens), fusion.layer(flat))
