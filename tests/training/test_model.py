"""Bags are folded in and out around encoders, which never see what is absent."""

import pytest
import torch
from torch import Tensor, nn

from mmbench import Encoder, Fusion, Modality, TokenSpec
from mmbench.data import Bags
from mmbench.training.bag_encoding import INSTANCES_PER_PASS, VALUES_PER_PASS, encode_bag
from mmbench.training.model import Model


class Watchful(Encoder):
    """Two tokens an instance; keeps what it was shown."""

    name = "watchful"
    kinds = ("vector",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(2, 4)
        self.layer = nn.Linear(3, 8)
        self.shown: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.shown.append(x)
        return self.layer(x).reshape(-1, 2, 4) + 100


class Sum(Fusion):
    name = "sum"

    def forward(self, tokens):
        return torch.stack([part.x.sum(dim=(1, 2, 3)) for _, part in sorted(tokens.items())], dim=1)


@pytest.fixture
def encoder() -> Watchful:
    torch.manual_seed(0)
    return Watchful(Modality("facts", "vector", (3,), instances=5))


@pytest.fixture
def bag() -> Bags:
    torch.manual_seed(1)
    present = torch.rand(6, 5) < 0.5
    present[2] = False
    x = torch.randn(6, 5, 3)
    x[~present] = torch.nan
    return Bags(x, present)


def test_an_encoder_sees_present_instances_in_order_and_no_other(encoder: Watchful, bag: Bags) -> None:
    encode_bag(encoder, bag)
    assert len(encoder.shown) == 1
    assert torch.equal(encoder.shown[0], bag.x[bag.present])
    assert not encoder.shown[0].isnan().any()


def test_tokens_are_zero_where_an_instance_is_absent(encoder: Watchful, bag: Bags) -> None:
    tokens = encode_bag(encoder, bag).x
    assert tokens.shape == (6, 5, 2, 4)
    assert not tokens[~bag.present].any()
    for row, instance in bag.present.nonzero().tolist():
        torch.testing.assert_close(tokens[row, instance], encoder(bag.x[row, instance][None])[0])


def test_in_evaluation_bags_are_encoded_a_part_at_a_time(encoder: Watchful) -> None:
    x, present = torch.randn(30, 5, 3), torch.arange(150).reshape(30, 5) % 10 > 0
    whole = encode_bag(encoder, Bags(x, present)).x
    encoder.shown.clear()
    with torch.inference_mode():
        parts = encode_bag(encoder, Bags(x, present)).x
    assert [len(shown) for shown in encoder.shown] == [
        INSTANCES_PER_PASS,
        INSTANCES_PER_PASS,
        int(present.sum()) - 2 * INSTANCES_PER_PASS,
    ]
    torch.testing.assert_close(parts, whole)


def test_in_evaluation_few_large_instances_are_encoded_at_once() -> None:
    large = Watchful(Modality("facts", "vector", (VALUES_PER_PASS // 3,)))
    large.layer = nn.Linear(VALUES_PER_PASS // 3, 8)
    x, present = torch.zeros(4, 1, VALUES_PER_PASS // 3), torch.ones(4, 1, dtype=torch.bool)
    with torch.inference_mode():
        encode_bag(large, Bags(x, present))
    encode_bag(large, Bags(x, present))
    assert [len(shown) for shown in large.shown] == [3, 1, 4]


def test_no_instance_at_all_runs_no_encoder(encoder: Watchful) -> None:
    tokens = encode_bag(encoder, Bags(torch.full((2, 5, 3), torch.nan), torch.zeros(2, 5, dtype=torch.bool))).x
    assert tokens.shape == (2, 5, 2, 4)
    assert not tokens.any()
    assert encoder.shown == []


def test_bytes_become_floats(encoder: Watchful) -> None:
    class Bright(Watchful):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    bright = Bright(encoder.modality)
    x = torch.zeros(2, 5, 3, dtype=torch.uint8)
    for present in (torch.ones(2, 5, dtype=torch.bool), torch.zeros(2, 5, dtype=torch.bool)):
        assert encode_bag(bright, Bags(x, present)).x.dtype == torch.float32


def test_gradients_reach_the_encoder_through_the_bag(encoder: Watchful, bag: Bags) -> None:
    encode_bag(encoder, bag).x.sum().backward()
    assert encoder.layer.weight.grad is not None
    assert encoder.layer.weight.grad.isfinite().all()
    assert encoder.layer.weight.grad.any()


def test_what_has_no_encoder_arrives_as_it_is(encoder: Watchful, bag: Bags) -> None:
    ready = Bags(torch.randn(6, 1, 2, 3), torch.ones(6, 1, dtype=torch.bool))
    specs = {"facts": encoder.out, "ready": TokenSpec(2, 3)}
    model = Model({"facts": encoder}, Sum(specs, 2))
    tokens = model.tokens({"facts": bag, "ready": ready})
    assert tokens["ready"].x is ready.x
    assert tokens["ready"].mask.all()
    assert tokens["facts"].present is bag.present
    logits = model({"facts": bag, "ready": ready})
    torch.testing.assert_close(logits[:, 1], ready.x.sum(dim=(1, 2, 3)))


def test_parameters_are_counted(encoder: Watchful) -> None:
    encoder.layer.bias.requires_grad_(False)
    assert Model({"facts": encoder}, Sum({"facts": encoder.out}, 2)).count() == {"total": 32, "trainable": 24}
