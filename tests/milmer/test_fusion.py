from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
import torch

from mmbench import SpecError, Tokens, TokenSpec
from mmbench_milmer.balancing import CrossAttention
from mmbench_milmer.corrected_fusion import join
from mmbench_milmer.fusion import MilmerFusion
from mmbench_milmer.options import BalancingName, SelectorName

INPUTS = {
    "eeg": TokenSpec(length=5, dim=12),
    "face": TokenSpec(length=4, dim=16, instances=5),
    "voice": TokenSpec(length=2, dim=24, instances=3),
}
SMALL = {"dim": 24, "heads": 4, "ff": 32, "k": 2}
SELECTORS, BALANCINGS = get_args(SelectorName), get_args(BalancingName)
EVERY_OPTION = pytest.mark.parametrize(("selector", "balancing"), list(product(SELECTORS, BALANCINGS)))


def make_fusion(inputs=INPUTS, seed=0, **params):
    torch.manual_seed(seed)
    return MilmerFusion(inputs, 3, **{**SMALL, **params})


def make_tokens(n=4, inputs=INPUTS, seed=1):
    generator = torch.Generator().manual_seed(seed)
    tokens = {}
    for name, spec in inputs.items():
        present = torch.rand(n, spec.instances, generator=generator) < 0.8
        present[:, 0] = True
        x = torch.randn(n, spec.instances, spec.length, spec.dim, generator=generator)
        tokens[name] = Tokens(x * present[:, :, None, None], present)
    return tokens


def input_tokens(fusion, tokens):
    return join(fusion.net.input_tokens(tokens))


def without(tokens, *names):
    return {
        name: Tokens(torch.zeros_like(part.x), torch.zeros_like(part.present)) if name in names else part
        for name, part in tokens.items()
    }


@EVERY_OPTION
def test_outputs_and_token_count(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing)
    tokens = make_tokens()
    logits = fusion(tokens)
    assert logits.shape == (4, 3)
    assert logits.isfinite().all()
    x, present = input_tokens(fusion, tokens)
    assert x.shape == (4, 1 + 5 + 2 * 4 + 2 * 2, 24)
    assert present.shape == x.shape[:2]


@EVERY_OPTION
def test_every_parameter_gets_a_gradient(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing)
    fusion(make_tokens(16)).square().sum().backward()
    assert [name for name, p in fusion.named_parameters() if p.grad is None or not p.grad.any()] == []


@EVERY_OPTION
def test_absent_values_do_not_change_the_logits(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing).eval()
    tokens = make_tokens()
    spoilt = {
        name: Tokens(torch.where(part.present[:, :, None, None], part.x, torch.nan), part.present)
        for name, part in tokens.items()
    }
    assert torch.equal(fusion(tokens), fusion(spoilt))


@EVERY_OPTION
def test_missing_modalities_give_finite_logits_and_gradients(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing)
    tokens = make_tokens()
    for gone in [("face",), ("eeg",), tuple(INPUTS)]:
        logits = fusion(without(tokens, *gone))
        assert logits.isfinite().all()
        fusion.zero_grad()
        logits.sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in fusion.parameters() if parameter.grad is not None)


@EVERY_OPTION
def test_a_sample_does_not_depend_on_its_batch(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing).eval()
    tokens = make_tokens(6)
    first = {name: Tokens(part.x[:1], part.present[:1]) for name, part in tokens.items()}
    with torch.no_grad():
        assert torch.allclose(fusion(tokens)[:1], fusion(first), atol=1e-5)


def test_order_of_modalities_does_not_matter():
    tokens = make_tokens()
    turned = dict(reversed(tokens.items()))
    one = make_fusion().eval()
    other = make_fusion(dict(reversed(INPUTS.items()))).eval()
    assert torch.equal(one(tokens), one(turned))
    assert torch.equal(one(tokens), other(tokens))


@pytest.mark.parametrize("names", [["eeg"], ["face"], ["eeg", "voice"]])
def test_any_number_of_modalities(names):
    inputs = {name: INPUTS[name] for name in names}
    assert make_fusion(inputs)(make_tokens(inputs=inputs)).shape == (4, 3)


def test_published_sizes():
    inputs = {"eeg": TokenSpec(32, 768), "face": TokenSpec(49, 768, instances=10)}
    torch.manual_seed(0)
    fusion = MilmerFusion(inputs, 4)
    assert input_tokens(fusion, make_tokens(1, inputs))[0].shape == (1, 180, 768)
    assert len(fusion.net.branches[1].balancing.queries) == 147
    scorer = fusion.net.branches[1].selector.scorer
    assert sum(parameter.numel() for parameter in scorer.parameters()) < 1_000_000


def test_cls_token_is_a_parameter():
    assert "net.cls_token" in dict(make_fusion().named_parameters())


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_last_layer_for_cls_alone_gives_the_output_of_the_full_layer(depth):
    fusion = make_fusion(depth=depth)
    x, present = input_tokens(fusion, without(make_tokens(), "voice"))
    whole = fusion.net.encoder(x, src_key_padding_mask=~present)[:, 0]
    fusion.eval()
    expected = fusion.net.encoder(x, src_key_padding_mask=~present)[:, 0]
    torch.testing.assert_close(fusion.net.encode_cls(x, present), expected)
    assert not torch.allclose(whole, expected)  # dropout


def test_queries_set_the_number_of_tokens():
    x, _ = input_tokens(make_fusion(queries=3), make_tokens())
    assert x.shape[1] == 1 + 5 + 3 + 3


def test_fewer_present_than_k_leaves_slots_masked():
    tokens = make_tokens()
    present = torch.zeros(4, 5, dtype=torch.bool)
    present[:, 3] = True
    tokens["face"] = Tokens(tokens["face"].x * present[:, :, None, None], present)
    _, mask = input_tokens(make_fusion(balancing="none"), tokens)
    assert (mask[:, 6:14].sum(dim=1) == 4).all()


def test_missing_bag_is_masked_behind_cross_attention():
    _, mask = input_tokens(make_fusion(), without(make_tokens(), "face"))
    assert not mask[:, 6:14].any()
    assert mask[:, 0].all()


@EVERY_OPTION
def test_values_of_a_missing_modality_are_ignored(selector, balancing):
    fusion = make_fusion(selector=selector, balancing=balancing).eval()
    tokens = without(make_tokens(), "eeg", "face")
    before = fusion(tokens)
    with torch.no_grad():
        fusion.net.type_embedding[:2] += 1
        fusion.net.branches[0].project.bias += 1
        fusion.net.branches[1].project.bias += 1
    assert torch.equal(fusion(tokens), before)


def test_queries_do_not_see_empty_slots():
    torch.manual_seed(0)
    attention = CrossAttention(n_queries=3, dim=8, heads=2, dropout=0.0)
    x, present = torch.randn(2, 4, 8), torch.tensor([[True, True, False, False]] * 2)
    other = torch.where(present[:, :, None], x, 7.0)
    assert torch.allclose(attention(x, present)[0], attention(other, present)[0])
    assert attention(x, present)[1].all()
    assert not attention(x, torch.zeros_like(present))[1].any()


def test_explain_returns_weights_of_the_instances():
    shares = make_fusion().eval().explain(make_tokens())
    assert set(shares) == {"eeg.tokens", "face.instances", "voice.instances"}
    assert shares["face.instances"].shape == (4, 5)
    assert torch.allclose(shares["face.instances"].sum(dim=1), torch.ones(4))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dim": 26}, "dim=26 is not a multiple of heads=4 — set dim=28"),
        ({"k": 0}, "k=0 is too small"),
        ({"depth": 0}, "depth=0 is too small"),
        ({"dropout": 1.0}, "dropout=1.0 is not a rate"),
        ({"queries": 0}, "queries=0 is too small"),
        ({"queries": 4, "balancing": "mlp"}, "queries=4 does not apply to balancing=mlp"),
        ({"k": 4}, "k=4 instances cannot be selected from the 3 of 'voice' — set k=3 or fewer"),
    ],
)
def test_impossible_options_are_refused(params, message):
    with pytest.raises(SpecError) as caught:
        make_fusion(**params)
    assert message in str(caught.value)
    assert str(caught.value).startswith("milmer")


OPEN = {
    "audio": TokenSpec(length=None, dim=12),
    "clips": TokenSpec(length=None, dim=16, instances=4),
    "eeg": TokenSpec(length=5, dim=24),
}


def make_ragged(n=4, n_positions=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    tokens = make_tokens(
        n, {name: replace(spec, length=spec.length or n_positions) for name, spec in OPEN.items()}, seed
    )
    for name in ("audio", "clips"):
        x, present, _ = tokens[name]
        n_tokens = torch.randint(1, n_positions + 1, present.shape, generator=generator)
        n_tokens[0] = n_positions
        mask = (torch.arange(n_positions) < n_tokens[..., None]) & present[..., None]
        tokens[name] = Tokens(x * mask[..., None], present, mask)
    return tokens


def pad(tokens, n):
    """More positions, and noise in all that are masked."""
    mask = torch.nn.functional.pad(tokens.mask, (0, n))
    x = torch.nn.functional.pad(tokens.x, (0, 0, 0, n))
    return Tokens(torch.where(mask[..., None], x, 1e3 * torch.randn(x.shape)), tokens.present, mask)


@EVERY_OPTION
def test_padding_changes_neither_outputs_nor_explanations(selector, balancing):
    fusion = make_fusion(OPEN, selector=selector, balancing=balancing).eval()
    tokens = make_ragged()
    padded = {name: part if name == "eeg" else pad(part, 3) for name, part in tokens.items()}
    torch.testing.assert_close(fusion(padded), fusion(tokens), atol=1e-4, rtol=1e-4)
    found, expected = fusion.explain(padded), fusion.explain(tokens)
    assert not found["audio.tokens"][:, 6:].any()
    torch.testing.assert_close(found["audio.tokens"][:, :6], expected["audio.tokens"], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found["clips.instances"], expected["clips.instances"])


@EVERY_OPTION
@pytest.mark.parametrize("n_positions", [0, 2])
def test_instances_without_a_token_give_finite_outputs_and_gradients(selector, balancing, n_positions):
    fusion = make_fusion(OPEN, selector=selector, balancing=balancing)
    tokens = make_tokens(2, {name: replace(spec, length=n_positions) for name, spec in OPEN.items() if name != "eeg"})
    tokens = {name: part._replace(mask=torch.zeros_like(part.mask)) for name, part in tokens.items()}
    tokens["eeg"] = make_tokens(2, {"eeg": OPEN["eeg"]})["eeg"]
    outputs = fusion(tokens)
    assert outputs.isfinite().all()
    outputs.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_open_lengths_have_147_queries_by_default():
    fusion = make_fusion(OPEN)
    assert fusion.net.branches[1].balancing.queries.shape == (147, 24)


def test_the_published_variant_needs_tokens_of_one_length():
    inputs = {"clips": OPEN["clips"], "eeg": OPEN["eeg"]}
    expected = (
        r"^milmer\[variant=published\]: the public code takes tokens of one length, and the number of tokens differs "
        "in clips — leave variant out, or choose an encoder with a fixed number of tokens$"
    )
    with pytest.raises(SpecError, match=expected):
        make_fusion(inputs, variant="published")
