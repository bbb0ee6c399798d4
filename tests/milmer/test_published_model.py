"""The public model, as plain functions written from its description, against ``load_published`` and the variant."""

from itertools import product
from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmbench import SpecError, Tokens, TokenSpec, WeightsError
from mmbench_milmer import load_published
from mmbench_milmer.fusion import MilmerFusion
from mmbench_milmer.options import BalancingName, PublishedSelector
from mmbench_milmer.published_fusion import Layers

D, T, K, C = 48, 4, 5, 6  # width, tokens an image, images, classes
TIMES, HEADS = 32, 4
OPTIONS = list(product(get_args(PublishedSelector), get_args(BalancingName)))


@pytest.fixture(scope="module")
def swin():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, window_size=2, embed_dim=12, depths=[1, 1, 1], num_heads=[1, 2, 2]
    )
    model = transformers.SwinModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model


@pytest.fixture(scope="module")
def state(swin):
    """A state dict with the names and shapes of the public class, which has the weights of every option."""
    torch.manual_seed(1)
    layer = nn.TransformerEncoderLayer(D, HEADS, 64, batch_first=True)
    parts = {
        "swin_model": swin,
        "token_type_embeddings": nn.Embedding(2, D),
        "transformer_encoder": nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        "eeg_proj": nn.Linear(TIMES, D),
        "layernorm": nn.LayerNorm(TIMES),
        "classifier": nn.Linear(D, C),
        "cross_attention": nn.MultiheadAttention(D, HEADS, batch_first=True),
        "mlp_up": nn.Linear(D, 4 * D),
        "mlp_down": nn.Linear(4 * D, D),
        "amil_value_proj": nn.Linear(D, D),
        "amil_weight_proj": nn.Linear(D, 1),
        "topk_value_proj": nn.Linear(D * T, D * T),
        "topk_weight_proj": nn.Linear(D * T, 1),
        "topk_dimension_recover": nn.Linear(D * T, K),
    }
    found = {
        f"{name}.{key}": 1.5 * value for name, module in parts.items() for key, value in module.state_dict().items()
    }
    found["cls_token"] = torch.randn(1, 1, D)
    found["query_tokens"] = torch.randn(1, 7, D)
    found["instance_weights"] = torch.randn(1, K)
    return found


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(2)
    eeg = torch.randn(3, 4, TIMES, generator=generator)
    frames = torch.randint(0, 256, (3, K, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return eeg, frames


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def selected(state, x, method, k):
    if method == "none":
        return x[:, :1].flatten(1, 2)
    if method == "softmax":
        places = state["instance_weights"][0].argsort(descending=True)[:k]
        return x[:, places].flatten(1, 2)
    if method == "amil":
        means = x.mean(dim=2)
        weights = linear(state, "amil_weight_proj", torch.tanh(linear(state, "amil_value_proj", means))).softmax(dim=1)
        return (weights * means).sum(dim=1, keepdim=True)
    flat = x.reshape(len(x), K, -1)
    weights = linear(state, "topk_weight_proj", torch.tanh(linear(state, "topk_value_proj", flat))).softmax(dim=1)
    scores = weights[..., 0]
    if method == "attention_topk":
        scores = linear(state, "topk_dimension_recover", (flat * weights).sum(dim=1))
    return torch.stack(
        [bag[order[:k]].flatten(0, 1) for bag, order in zip(x, scores.argsort(descending=True), strict=True)]
    )


def attention(state, name, query, x):
    module = nn.MultiheadAttention(D, HEADS, batch_first=True)
    module.load_state_dict({key.removeprefix(f"{name}."): v for key, v in state.items() if key.startswith(f"{name}.")})
    return module(query, x, x)[0]


def norm(state, name, x):
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])


def fused(state, x, eeg, method, balancing, k=2):
    """From image tokens ``(B, K, T, D)`` and EEG tokens to logits."""
    x = selected(state, x, method, k)
    if balancing == "cross_attention":
        x = attention(state, "cross_attention", state["query_tokens"].expand(len(x), -1, -1), x)
    elif balancing == "mlp":
        x = linear(state, "mlp_down", F.gelu(linear(state, "mlp_up", x)))
    kinds = state["token_type_embeddings.weight"]
    x = torch.cat([state["cls_token"].expand(len(x), -1, -1), x + kinds[0], eeg + kinds[1]], dim=1)
    for layer in ("transformer_encoder.layers.0", "transformer_encoder.layers.1"):
        x = norm(state, f"{layer}.norm1", x + attention(state, f"{layer}.self_attn", x, x))
        mixed = linear(state, f"{layer}.linear2", F.relu(linear(state, f"{layer}.linear1", x)))
        x = norm(state, f"{layer}.norm2", x + mixed)
    return linear(state, "classifier", x[:, 0])


def public_logits(state, swin, eeg, frames, method, balancing):
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x = torch.stack([swin((image / 255 - mean) / std).last_hidden_state for image in frames])
    eeg = F.relu(linear(state, "eeg_proj", norm(state, "layernorm", eeg)))
    return fused(state, x, eeg, method, balancing)


def load(state, method="attention_weighted_topk", balancing="cross_attention", **config):
    options = {"instance_selection_method": method, "fusion_type": balancing, "num_heads": HEADS}
    return load_published(state, **{"num_instances": K, "num_select": 2, **options, **config})


@pytest.mark.parametrize(("method", "balancing"), OPTIONS)
def test_outputs_equal_those_of_the_public_model(state, swin, batch, method, balancing):
    with torch.no_grad():
        expected = public_logits(state, weighted(swin, state), *batch, method, balancing)
        logits = load(state, method, balancing)(*batch)
    assert expected.std() > 0.05
    assert torch.allclose(logits, expected, atol=1e-4)


def weighted(swin, state):
    swin.load_state_dict({k.removeprefix("swin_model."): v for k, v in state.items() if k.startswith("swin_model.")})
    return swin


def test_options_give_different_logits(state, batch):
    with torch.no_grad():
        logits = [load(state, *options)(*batch) for options in OPTIONS]
    for index, one in enumerate(logits):
        assert not any(torch.allclose(one, other, atol=1e-3) for other in logits[index + 1 :])


@pytest.mark.parametrize("method", get_args(PublishedSelector))
def test_the_scorer_is_built_only_where_it_is_used(state, method):
    sizes = [p.numel() for p in load(state, method).parameters()]
    assert ((D * T) ** 2 in sizes) == method.startswith("attention")


def test_all_keys_of_the_public_configuration_are_accepted(state):
    config = {"device": "cuda:1", "epochs": 100, "lr": 1e-4, "lrf": 0.1, "max_lr": 1e-5, "batch_size": 14, "seed": 0}
    assert not load(state, **config, pretrained_model="swin-tiny").training


def test_defaults_are_those_of_the_public_class():
    defaults = load_published.__kwdefaults__
    assert (defaults["num_instances"], defaults["num_select"], defaults["num_heads"]) == (10, 3, 12)
    assert (defaults["instance_selection_method"], defaults["fusion_type"]) == (
        "attention_weighted_topk",
        "cross_attention",
    )
    assert Layers() == (2, 12, 2048, 0.2, 0.1, 147)


def test_a_model_trained_on_cuda_has_no_cls_token(state, batch):
    lacking = {key: value for key, value in state.items() if key != "cls_token"}
    zero = {**state, "cls_token": torch.zeros(1, 1, D)}
    with torch.no_grad():
        assert torch.equal(load(lacking)(*batch), load(zero)(*batch))
    assert "fusion.cls_token" in dict(load(state).named_parameters())


def test_frames_of_another_size_are_resized_as_the_image_processor_does(state, batch):
    transformers = pytest.importorskip("transformers")
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32}, resample=3, do_normalize=False)
    large = torch.randint(0, 256, (2, 3, 70, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = processor(list(large), return_tensors="pt")["pixel_values"] * 255
    assert (load(state).resize(large).float() - expected).abs().max() <= 1.01  # of 255: rounding


def test_memory_is_shared(state):
    assert load(state).fusion.topk_value_proj.weight.data_ptr() == state["topk_value_proj.weight"].data_ptr()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"instance_selection_method": "random"}, "no instance_selection_method 'random' — choose from none, softmax"),
        ({"fusion_type": "concat"}, "no fusion_type 'concat'"),
        ({"num_selects": 3}, "no config 'num_selects'"),
        ({"num_select": 6}, "num_select=6 is not between 1 and num_instances=5"),
        ({"num_heads": 7}, "48 features are not divisible by num_heads=7"),
    ],
)
def test_unknown_configuration_is_refused(state, config, message):
    with pytest.raises(SpecError) as caught:
        load(state, **config)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("softmax", {"instance_weights": torch.ones(1, 9)}, "of another shape: instance_weights (1, 9) for (1, 5)"),
        ("none", {"surprise": torch.ones(1)}, "unknown: surprise"),
        ("none", {"cls_token": torch.ones(3)}, "cls_token (3,) for (1, 1, 48)"),
        ("amil", {"amil_value_proj.bias": None}, "missing: amil_value_proj.bias"),
        ("attention_topk", {"topk_value_proj.weight": None}, "missing: topk_value_proj.weight"),
        ("none", {"classifier.weight": None}, "lacks classifier.weight"),
        ("none", {"swin_model.layernorm.weight": None}, "missing: norm.weight"),
    ],
)
def test_weights_that_do_not_fit_are_named(state, method, change, message):
    changed = {key: value for key, value in {**state, **change}.items() if value is not None}
    with pytest.raises(WeightsError) as caught:
        load(changed, method)
    assert message in str(caught.value)


INPUTS = {"eeg": TokenSpec(4, D), "face": TokenSpec(T, D, instances=K)}


@pytest.mark.parametrize(("method", "balancing"), OPTIONS)
def test_published_variant_equals_the_public_model(state, method, balancing):
    fusion = MilmerFusion(
        INPUTS, C, variant="published", selector=method, balancing=balancing, k=2, dim=D, heads=HEADS, ff=64,
        **({"queries": 7} if balancing == "cross_attention" else {}),
    ).eval()  # fmt: skip
    own = fusion.net.net.state_dict()
    fusion.net.net.load_state_dict({key: state[key] for key in own})
    fusion.net.net.cls_token = state["cls_token"]
    generator = torch.Generator().manual_seed(4)
    face, eeg = (torch.randn(3, *shape, generator=generator) for shape in ((K, T, D), (1, 4, D)))
    tokens = {"face": Tokens(face, torch.ones(3, K, dtype=torch.bool)), "eeg": Tokens(eeg, torch.ones(3, 1).bool())}
    with torch.no_grad():
        assert torch.allclose(fusion(tokens), fused(state, face, eeg[:, 0], method, balancing), atol=1e-4)
    shares = fusion.explain(tokens)["face.instances"]
    assert torch.allclose(shares.sum(dim=1), torch.ones(3))


def test_published_variant_has_147_queries_and_the_public_errors():
    fusion = MilmerFusion(INPUTS, C, variant="published", k=2, dim=D, heads=HEADS, ff=64)
    assert fusion.net.net.query_tokens.shape == (1, 147, D)
    tokens = {
        name: Tokens(torch.randn(3, s.instances, s.length, D), torch.ones(3, s.instances).bool())
        for name, s in INPUTS.items()
    }
    fusion(tokens).sum().backward()
    without = {name.removeprefix("net.net.") for name, p in fusion.named_parameters() if p.grad is None}
    assert without == {f"topk_{part}_proj.{kind}" for part in ("value", "weight") for kind in ("weight", "bias")}
    assert not any("cls_token" in name for name in fusion.state_dict())


def test_other_widths_are_projected():
    inputs = {"eeg": TokenSpec(4, 20), "face": TokenSpec(T, 32, instances=K)}
    fusion = MilmerFusion(inputs, C, variant="published", k=2, dim=D, heads=HEADS, ff=64)
    tokens = {
        name: Tokens(torch.randn(3, s.instances, s.length, s.dim), torch.zeros(3, s.instances).bool())
        for name, s in inputs.items()
    }
    assert fusion(tokens).isfinite().all()


@pytest.mark.parametrize(
    ("inputs", "params", "message"),
    [
        (INPUTS, {"selector": "uniform"}, "the public code has no selector 'uniform'"),
        ({"eeg": INPUTS["eeg"]}, {}, "takes one modality with a bag and one without, not eeg (K = 1)"),
        ({**INPUTS, "ecg": INPUTS["face"]}, {}, "not ecg (K = 5), eeg (K = 1), face (K = 5)"),
    ],
)
def test_options_unknown_to_the_public_code_are_refused(inputs, params, message):
    with pytest.raises(SpecError) as caught:
        MilmerFusion(inputs, C, variant="published", k=2, dim=D, heads=HEADS, **params)
    assert message in str(caught.value)
