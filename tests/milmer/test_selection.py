from typing import get_args

import pytest
import torch

from mmbench import TokenSpec
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
    selection = make(name)(x, present)
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
    assert torch.equal(make(name)(x, present).x, x[:, expected])


def test_none_skips_absent_instances():
    x, present = bags(absent=(0, 2))
    assert torch.equal(make("none")(x, present).x, x[:, [1, 3]])


def test_uniform_spaces_over_the_present():
    x, present = bags(absent=(0,))
    assert torch.equal(make("uniform")(x, present).x, x[:, [2, 4]])


def test_mean_and_max_ignore_absent_instances():
    x, present = bags(absent=(1,))
    x, rest = x - 10 * present[:, :, None, None], [0, 2, 3, 4]
    assert torch.allclose(make("mean")(x, present).x[:, 0], x[:, rest].mean(dim=1), atol=1e-5)
    assert torch.equal(make("max")(x, present).x[:, 1], x[:, rest].amax(dim=1))


def test_random_selection_varies_in_training_and_is_fixed_in_evaluation():
    x, present = bags(64)
    selector = make("random")
    assert torch.equal(selector(x, present).weights, selector(x, present).weights)
    assert len(selector(x, present).weights.unique(dim=0)) == 1
    selector.train()
    assert len(selector(x, present).weights.unique(dim=0)) > 1


def test_straight_through_keeps_the_selected_tokens():
    x, present = bags()
    selector = make("attention_topk")
    places = selector.scorer(x)[..., 0].topk(2, dim=1).indices
    expected = torch.stack([bag[place] for bag, place in zip(x, places, strict=True)])
    assert torch.allclose(selector(x, present).x, expected, atol=1e-6)


def test_weighted_tokens_keep_their_mean_scale():
    x, present = torch.ones(4, 5, 3, 8), torch.ones(4, 5, dtype=torch.bool)
    x = x + torch.randn(4, 5, 1, 8)
    selector = make("attention_weighted_topk")
    with torch.no_grad():
        selector.scorer.weigh.weight.mul_(20)
        scale = selector(x, present).weights * 2
    assert torch.allclose(scale.sum(dim=1), torch.full((4,), 2.0), atol=1e-5)
    assert (scale.amax(dim=1) > 1.01).all()


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_parameter_changes_in_training(name, k):
    selector = make(name, k)
    x, present = bags(16)
    (selector(x, present).x * torch.randn(16, k, 3, 8)).sum().backward()
    assert list(selector.parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in selector.parameters())


@pytest.mark.parametrize("weighted", [False, True])
def test_instances_not_selected_get_a_gradient(weighted):
    scores = torch.tensor([[[2.0], [1.0], [0.0], [-1.0]]], requires_grad=True)

    class Given(torch.nn.Module):
        def forward(self, x):
            return scores

    x = torch.ones(1, 4, 1, 1) * torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None, None]
    TopK(Given(), 2, weighted=weighted).eval()(x, torch.ones(1, 4, dtype=torch.bool)).x.sum().backward()
    assert scores.grad is not None
    assert (scores.grad != 0).all()


@pytest.mark.parametrize("name", ["softmax", "attention_topk", "attention_weighted_topk"])
def test_training_also_selects_instances_of_lower_attention(name):
    x, present = bags(1)
    x, present = x.expand(64, -1, -1, -1), present.expand(64, -1)
    selector = make(name)
    assert len((selector(x, present).weights > 0).unique(dim=0)) == 1
    selector.train()
    assert len((selector(x, present).weights > 0).unique(dim=0)) > 3


@pytest.mark.parametrize("name", sorted(set(SELECTORS) - set(LEARNED)))
def test_other_selectors_have_no_parameters(name):
    assert list(make(name).parameters()) == []


def test_scorer_is_small_where_the_published_one_has_1416_million_weights():
    published_width = GatedScorer(768)
    assert sum(parameter.numel() for parameter in published_width.parameters()) < 1_000_000
