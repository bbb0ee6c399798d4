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
from mmbench.builtin.fusions.pooling import Summary, mean_over_tokens
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
    """Tokens of instances with these numbers of tokens; None is not among them, 0 is an absent instance."""
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
    assert mean_over_tokens(tokens, over=(1, 2)).tolist() == [[4.0]]
    assert mean_over_tokens(tokens, over=(2,)).tolist() == [[[2.0], [8.0]]]
    nothing = tokens._replace(mask=tokens.mask & False)
    assert mean_over_tokens(nothing, over=(1, 2)).tolist() == [[0.0]]


def test_flatten_is_the_mean_where_the_length_is_open() -> None:
    tokens = batch()["video"]
    flatten = Summary(OPEN["video"], 8, "flatten")
    torch.manual_seed(1)
    mean = Summary(OPEN["video"], 8, "mean")
    mean.load_state_dict(flatten.state_dict())
    torch.testing.assert_close(flatten(tokens), mean(tokens))
    x = torch.stack([tokens.x[0, 0, :4].sum(0) + tokens.x[0, 1, :1].sum(0) + tokens.x[0, 2, :2].sum(0)]) / 7
    torch.testing.assert_close(flatten(tokens)[:1], flatten.project(x))


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


def test_linear_reads_the_mean_token_of_each_instance() -> None:
    fusion, tokens = build(Linear), batch()
    assert fusion.layer.in_features == 5 + 3 * 6
    video = torch.cat([tokens["video"].x[1, 0].mean(0), torch.zeros(6), tokens["video"].x[1, 2, :3].mean(0)])
    expected = fusion.layer(torch.cat([tokens["text"].x[1, 0].mean(0), video]))
    torch.testing.assert_close(fusion(tokens)[1], expected)
