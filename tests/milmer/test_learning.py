"""A simulated bag in which one instance at a random position carries the label: trained selectors must find it."""

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from mmbench import Modality, Tokens, TokenSpec
from mmbench_milmer.eeg import MilmerEEG
from mmbench_milmer.fusion import MilmerFusion

BAG = TokenSpec(length=2, dim=8, instances=8)


def make_bags(n, seed, place=None):
    """Every instance shows one of four classes in features 1-4; the carrier, marked in feature 0, shows the label."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 4, (n, 8), generator=generator)
    carrier = torch.randint(0, 8, (n,), generator=generator)
    if place is not None:
        carrier = torch.full((n,), place)
    rows = torch.arange(n)
    x = 0.3 * torch.randn(n, 8, 2, 8, generator=generator)
    x[rows, carrier, :, 0] += 2.0
    x[..., 1:5] += 2 * one_hot(classes, 4)[:, :, None]
    return Tokens(x, torch.ones(n, 8, dtype=torch.bool)), classes[rows, carrier], carrier


def train(selector, place=None, seed=0):
    torch.manual_seed(seed)
    fusion = MilmerFusion({"face": BAG}, 4, selector=selector, k=1, dim=16, depth=1, heads=2, ff=32, dropout=0.0)
    optimiser = torch.optim.AdamW(fusion.parameters(), lr=3e-3)
    tokens, labels, _ = make_bags(512, 1, place)
    for step in range(400):
        rows = torch.arange(64) + 64 * (step % 8)
        loss = cross_entropy(fusion({"face": Tokens(tokens.x[rows], tokens.present[rows])}), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return fusion.eval()


def accuracy(fusion, place=None):
    tokens, labels, _ = make_bags(400, 2, place)
    return float((fusion({"face": tokens}).argmax(dim=1) == labels).float().mean())


@pytest.fixture(scope="module")
def chance_level():
    return max(accuracy(train("none")), accuracy(train("random")))


@pytest.mark.parametrize("selector", ["amil", "attention_topk", "attention_weighted_topk"])
def test_attention_finds_the_informative_instance(selector, chance_level):
    fusion = train(selector)
    assert accuracy(fusion) > chance_level + 0.3
    tokens, _, carrier = make_bags(400, seed=2)
    shares = fusion.explain({"face": tokens})["face.instances"]
    # Of eight; where the label shows without it, another may be chosen.
    assert float((shares.argmax(dim=1) == carrier).float().mean()) > 0.7


def test_global_weights_find_the_informative_position():
    fusion = train("softmax", place=5)
    assert accuracy(fusion, place=5) > 0.9
    assert fusion.explain({"face": make_bags(1, 2)[0]})["face.instances"].argmax() == 5


def test_channels_are_distinguished():
    modality = Modality("eeg", "timeseries", (6, 64))
    x = torch.randn(2, 6, 64, generator=torch.Generator().manual_seed(0))

    def logits(signal, channel_embedding):
        torch.manual_seed(0)
        encoder = MilmerEEG(modality, dim=24, channel_embedding=channel_embedding)
        fusion = MilmerFusion({"eeg": encoder.out}, 2, dim=24, heads=4, ff=32).eval()
        tokens = Tokens(encoder(signal)[:, None], torch.ones(2, 1, dtype=torch.bool))
        return fusion({"eeg": tokens})

    assert torch.allclose(logits(x, False), logits(x.flip(1), False), atol=1e-5)
    assert not torch.allclose(logits(x, True), logits(x.flip(1), True), atol=1e-4)
