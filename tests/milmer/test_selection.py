from typing import get_args

import pytest
import torch

from mmbench import Tokens, TokenSpec
from mmbench_milmer.options import SelectorName
from mmbench_milmer.selection import GatedScorer, TopK, make_selector

SELECTORS = get_args(SelectorName)
LEARNED = ["softmax", "amil", "attention_topk", "attention_weighted_topk"]
SPEC = TokenSpec(length=3, dim=8, instances=5)


def make(name, k=2):
    torch.manual_seed(0)
    return make_selector(name, SPEC, k).eval()


def bags(n=6, absent=()):
    x = torch.randn(n, 5, 3, 8, generator=torch.Generator().manual_seed(1))
    present = torch.ones(n, 5, dtype=torch.bool)
    for place in absent:
        present[:, place] = False
    return x * present[:, :, None, None], present


@pytest.mark.parametrize("name", SELECTORS)
@pytest.mark.parametrize("absent", [(), (0,), (0, 2, 3, 4), range(5)])
def test_slots_masks_and_weights(name, absent):
    x, present = bags(absent=absent)
    x.requires_grad_()
    selection = make(name)(Tokens(x, present))
    assert selection.x.shape == (6, 2, 3, 8)
    assert selection.x.isfinite().all()
    n_present = 5 - len(absent)
    pooled = name in ("amil", "mean", "max")
    n_slots = min(2, n_present) if not pooled else 2 * (n_present > 0)
    assert (selection.present.sum(dim=1) == n_slots).all()
    assert torch.allclose(selection.weights.sum(dim=1), torch.full((6,), float(n_present > 0)), atol=1e-6)
    assert not selection.weights[~present].any()
    selection.x.sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(("name", "expected"), [("none", [0, 1]), ("uniform", [1, 3])])
def test_fixed_positions(name, expected):
    x, present = bags()
    assert torch.equal(make(name)(Tokens(x, present)).x, x[:, expected])


def test_none_skips_absent_instances():
    x, present = bags(absent=(0, 2))
    assert torch.equal(make("none")(Tokens(x, present)).x, x[:, [1, 3]])


def test_uniform_spaces_over_the_present():
    x, present = bags(absent=(0,))
    assert torch.equal(make("uniform")(Tokens(x, present)).x, x[:, [2, 4]])


def test_mean_and_max_ignore_absent_instances():
    x, present = bags(absent=(1,))
    x, rest = x - 10 * present[:, :, None, None], [0, 2, 3, 4]
    assert torch.allclose(make("mean")(Tokens(x, present)).x[:, 0], x[:, rest].mean(dim=1), atol=1e-5)
    assert torch.equal(make("max")(Tokens(x, present)).x[:, 1], x[:, rest].amax(dim=1))


def test_random_selection_varies_in_training_and_is_fixed_in_evaluation():
    x, present = bags(64)
    selector = make("random")
    assert torch.equal(selector(Tokens(x, present)).weights, selector(Tokens(x, present)).weights)
    assert len(selector(Tokens(x, present)).weights.unique(dim=0)) == 1
    selector.train()
    assert len(selector(Tokens(x, present)).weights.unique(dim=0)) > 1


def test_straight_through_keeps_the_selected_tokens():
    x, present = bags()
    selector = make("attention_topk")
    places = selector.scorer(Tokens(x, present))[..., 0].topk(2, dim=1).indices
    expected = torch.stack([bag[place] for bag, place in zip(x, places, strict=True)])
    assert torch.allclose(selector(Tokens(x, present)).x, expected, atol=1e-6)


def test_weighted_tokens_keep_their_mean_scale():
    x, present = torch.ones(4, 5, 3, 8), torch.ones(4, 5, dtype=torch.bool)
    x = x + torch.randn(4, 5, 1, 8)
    selector = make("attention_weighted_topk")
    with torch.no_grad():
        selector.scorer.weigh.weight.mul_(20)
        scale = selector(Tokens(x, present)).weights * 2
    assert torch.allclose(scale.sum(dim=1), torch.full((4,), 2.0), atol=1e-5)
    assert (scale.amax(dim=1) > 1.01).all()


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_parameter_changes_in_training(name, k):
    selector = make(name, k)
    x, present = bags(16)
    (selector(Tokens(x, present)).x * torch.randn(16, k, 3, 8)).sum().backward()
    assert list(selector.parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in selector.parameters())


@pytest.mark.parametrize("weighted", [False, True])
def test_instances_not_selected_get_a_gradient(weighted):
    scores = torch.tensor([[[2.0], [1.0], [0.0], [-1.0]]], requires_grad=True)

    class Given(torch.nn.Module):
        def forward(self, tokens):
            return scores

    x = torch.ones(1, 4, 1, 1) * torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None, None]
    TopK(Given(), 2, weighted=weighted).eval()(Tokens(x, torch.ones(1, 4, dtype=torch.bool))).x.sum().backward()
    assert scores.grad is not None
    assert (scores.grad != 0).all()


@pytest.mark.parametrize("name", ["softmax", "attention_topk", "attention_weighted_topk"])
def test_training_also_selects_instances_of_lower_attention(name):
    x, present = bags(1)
    x, present = x.expand(64, -1, -1, -1), present.expand(64, -1)
    selector = make(name)
    assert len((selector(Tokens(x, present)).weights > 0).unique(dim=0)) == 1
    selector.train()
    assert len((selector(Tokens(x, present)).weights > 0).unique(dim=0)) > 3


@pytest.mark.parametrize("name", sorted(set(SELECTORS) - set(LEARNED)))
def test_other_selectors_have_no_parameters(name):
    assert list(make(name).parameters()) == []


def test_scorer_is_small_where_the_published_one_has_1416_million_weights():
    published_width = GatedScorer(TokenSpec(49, 768))
    assert sum(parameter.numel() for parameter in published_width.parameters()) < 1_000_000


OPEN = TokenSpec(length=None, dim=8, instances=4)


def ragged(lengths, n_positions=6):
    """One bag of instances with these numbers of tokens; the first feature of a token is 10 × instance + position."""
    n_tokens = torch.tensor([lengths])
    mask = torch.arange(n_positions) < n_tokens[..., None]
    x = torch.randn(*mask.shape, 8, generator=torch.Generator().manual_seed(1))
    x[..., 0] = 10 * torch.arange(len(lengths))[:, None] + torch.arange(n_positions)
    return Tokens(x * mask[..., None], n_tokens > 0, mask)


@pytest.mark.parametrize("name", SELECTORS)
def test_slots_have_the_lengths_of_their_instances(name):
    torch.manual_seed(0)
    tokens = ragged([3, 5, 0, 1])
    selection = make_selector(name, OPEN, 2).eval()(tokens)
    lengths = selection.mask.sum(dim=2)[0].tolist()
    if name in ("amil", "mean", "max"):
        assert lengths == [5, 5]
    else:
        chosen = (selection.weights[0] > 0).nonzero()[:, 0].tolist()
        assert sorted(lengths) == sorted(tokens.mask[0, chosen].sum(dim=1).tolist())
    assert not selection.x[~selection.mask].any()
    assert not selection.weights[0, 2]
    torch.testing.assert_close(selection.weights.sum(), torch.tensor(1.0))


@pytest.mark.parametrize("name", SELECTORS)
def test_padding_changes_no_selection(name):
    torch.manual_seed(0)
    selector = make_selector(name, OPEN, 2).eval()
    short, long = selector(ragged([3, 5, 0, 1], 5)), selector(pad(ragged([3, 5, 0, 1], 5), 4))
    torch.testing.assert_close(long.x[:, :, :5], short.x)
    torch.testing.assert_close(long.weights, short.weights)
    assert torch.equal(long.mask[:, :, :5], short.mask)
    assert not long.mask[:, :, 5:].any()


def pad(tokens, n):
    return Tokens(
        torch.nn.functional.pad(tokens.x, (0, 0, 0, n)), tokens.present, torch.nn.functional.pad(tokens.mask, (0, n))
    )


def test_pooling_of_a_position_is_over_the_instances_that_have_it():
    tokens = ragged([3, 5, 0, 1])
    mean, largest = (make_selector(name, OPEN, 1)(tokens).x[0, 0, :5, 0].tolist() for name in ("mean", "max"))
    assert mean == pytest.approx([(0 + 10 + 30) / 3, (1 + 11) / 2, (2 + 12) / 2, 13, 14])
    assert largest == [30, 11, 12, 13, 14]
    torch.manual_seed(0)
    pooled = make_selector("amil", OPEN, 1)
    x, scores = pooled(tokens).x[0, 0, :5, 0], pooled.scorer(tokens)[0, :, 0]
    shares = scores[:2].softmax(dim=0)
    torch.testing.assert_close(x[1:3], torch.stack([shares @ torch.tensor([t, 10.0 + t]) for t in (1, 2)]))
    torch.testing.assert_close(x[3:], torch.tensor([13.0, 14.0]))


def test_the_scorer_reads_the_mean_of_the_tokens_that_are_there():
    torch.manual_seed(0)
    scorer, tokens = GatedScorer(OPEN), ragged([3, 5, 0, 1])
    alone = GatedScorer(TokenSpec(3, 8))
    alone.load_state_dict(scorer.state_dict())
    first = Tokens(tokens.x[:, :1, :3], tokens.present[:, :1])
    torch.testing.assert_close(scorer(tokens)[:, :1], alone(first))
