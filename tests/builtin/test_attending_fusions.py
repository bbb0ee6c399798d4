"""The fusions that attend compute the published formulas, written out here without masks or modules."""

import math

import pytest
import torch
from torch import Tensor

from mmbench import SpecError, Tokens, TokenSpec
from mmbench.builtin.fusions.abmil import AttentionMil, GatedScore
from mmbench.builtin.fusions.attention import Attention
from mmbench.builtin.fusions.bottleneck import Bottleneck
from mmbench.builtin.fusions.mult import CrossLayer, CrossModal
from mmbench.builtin.fusions.sequences import Part, PlacedSequence, ignored, mean_of_present, sinusoids

INPUTS = {"eeg": TokenSpec(4, 5), "face": TokenSpec(2, 6, 3)}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def batch(n: int = 4) -> dict[str, Tokens]:
    return {
        name: Tokens(
            torch.randn(n, spec.instances, spec.length, spec.dim), torch.ones(n, spec.instances, dtype=torch.bool)
        )
        for name, spec in INPUTS.items()
    }


def hide(tokens: Tokens, *instances: int) -> Tokens:
    present = tokens.present.clone()
    present[:, list(instances)] = False
    return Tokens(tokens.x, present)


def attend(module: torch.nn.MultiheadAttention, target: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """softmax(QKᵀ/√d)V for each head, and the mean of the softmax over heads."""
    queries, keys, values = module.in_proj_weight.chunk(3)
    of_query, of_key, of_value = module.in_proj_bias.chunk(3)
    width = module.head_dim
    seen, weights = [], []
    for head in range(module.num_heads):
        part = slice(head * width, (head + 1) * width)
        q = target @ queries[part].T + of_query[part]
        k = source @ keys[part].T + of_key[part]
        v = source @ values[part].T + of_value[part]
        weights.append((q @ k.transpose(1, 2) / math.sqrt(width)).softmax(dim=2))
        seen.append(weights[-1] @ v)
    return module.out_proj(torch.cat(seen, dim=2)), torch.stack(weights).mean(dim=0)


def test_a_sequence_is_instance_after_instance() -> None:
    sequence, face = PlacedSequence(INPUTS["face"], 3), hide(batch()["face"], 1)
    x, present = sequence(face)
    assert present[0].tolist() == [True, True, False, False, True, True]
    expected = sequence.project(face.x[:, 2, 1]) + sequence.instance[2] + sequence.token[1]
    torch.testing.assert_close(x[:, 5], expected)
    alone = PlacedSequence(TokenSpec(1, 5), 3)
    assert (alone.instance, alone.token) == (None, None)


def test_nothing_is_ignored_where_there_is_nothing() -> None:
    present = torch.tensor([[True, False], [False, False]])
    assert ignored(present).tolist() == [[False, True], [False, False]]
    x = torch.tensor([[[4.0], [9.0]], [[1.0], [1.0]]])
    assert mean_of_present(Part(x, present)).tolist() == [[4.0], [0.0]]


def test_a_gated_score_by_hand() -> None:
    score = GatedScore(2, 1)
    with torch.no_grad():
        score.v.weight.copy_(torch.tensor([[1.0, 2.0]]))
        score.u.weight.copy_(torch.tensor([[-1.0, 0.5]]))
        score.w.weight.copy_(torch.tensor([[3.0]]))
    expected = 3 * math.tanh(0.5 + 0.4) / (1 + math.exp(0.5 - 0.1))
    assert score(torch.tensor([[[0.5, 0.2]]])).item() == pytest.approx(expected)
    assert [parameter.shape for parameter in score.parameters()] == [(1, 2), (1, 2), (1, 1)]


def test_abmil_averages_the_present_instances_of_all_modalities() -> None:
    fusion, tokens = AttentionMil(INPUTS, 3, dim=6, hidden=4).eval(), batch()
    tokens["face"] = hide(tokens["face"], 1)
    instances = [fusion.summaries[0](tokens["eeg"])]
    for k in (0, 2):
        instances.append(fusion.summaries[1](Tokens(tokens["face"].x[:, k : k + 1], torch.ones(4, 1).bool())))
    h = torch.stack(instances, dim=1)
    shares = fusion.score(h).softmax(dim=1)
    torch.testing.assert_close(fusion(tokens), fusion.classify((shares[:, :, None] * h).sum(dim=1)))
    found = fusion.explain(tokens)
    torch.testing.assert_close(found["eeg.instances"], shares[:, :1])
    torch.testing.assert_close(found["face.instances"][:, [0, 2]], shares[:, 1:])
    assert not found["face.instances"][:, 1].any()


def test_abmil_answers_with_its_bias_when_all_is_missing() -> None:
    fusion, tokens = AttentionMil(INPUTS, 3).eval(), batch()
    nothing = {"eeg": hide(tokens["eeg"], 0), "face": hide(tokens["face"], 0, 1, 2)}
    torch.testing.assert_close(fusion(nothing), fusion.classify[1].bias.expand(4, 3))
    assert not any(share.any() for share in fusion.explain(nothing).values())


def test_abmil_of_one_instance_has_nothing_to_weigh() -> None:
    fusion = AttentionMil({"eeg": INPUTS["eeg"]}, 3).eval()
    assert fusion.score is None
    assert fusion.explain({"eeg": batch()["eeg"]})["eeg.instances"].tolist() == [[1.0]] * 4


def test_attention_reads_cls_and_present_tokens() -> None:
    fusion, tokens = Attention(INPUTS, 3, dim=8, heads=2, ff=16).eval(), batch()
    tokens["face"] = hide(tokens["face"], 1)
    eeg, face = (sequence(tokens[name]).x for name, sequence in zip(fusion.names, fusion.sequences, strict=True))
    # The absent instance is left out, where the fusion masks it.
    x = [fusion.cls_token.expand(4, 1, 8), eeg + fusion.modality[0], face[:, [0, 1, 4, 5]] + fusion.modality[1]]
    torch.testing.assert_close(fusion(tokens), fusion.classify(fusion.encoder(torch.cat(x, dim=1))[:, 0]))


def test_explain_returns_attention_of_cls() -> None:
    fusion, tokens = Attention(INPUTS, 3, dim=8, depth=1, heads=2, ff=16).eval(), batch()
    complete = torch.cat(
        [fusion.cls_token.expand(4, 1, 8)]
        + [
            sequence(tokens[name]).x + kind
            for name, sequence, kind in zip(fusion.names, fusion.sequences, fusion.modality, strict=True)
        ],
        dim=1,
    )
    layer = fusion.encoder.layers[0]
    normed = layer.norm1(complete)
    weights = attend(layer.self_attn, normed, normed)[1][:, 0]
    found = fusion.explain(tokens)
    torch.testing.assert_close(found["eeg.tokens"], weights[:, 1:5])
    instances = weights[:, 5:].reshape(4, 3, 2).sum(dim=2)
    torch.testing.assert_close(found["face.instances"], instances / instances.sum(dim=1, keepdim=True))
    hidden = fusion.explain({**tokens, "face": hide(tokens["face"], 0)})["face.instances"]
    assert not hidden[:, 0].any()
    torch.testing.assert_close(hidden.sum(dim=1), torch.ones(4))
    assert not fusion.explain({**tokens, "face": hide(tokens["face"], 0, 1, 2)})["face.instances"].any()


def test_positions_by_hand() -> None:
    expected = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    torch.testing.assert_close(sinusoids(2, 4), torch.tensor(expected))
    assert sinusoids(3, 5).shape == (3, 5)


def test_a_layer_of_a_pair_is_the_published_one() -> None:
    layer = CrossLayer(6, 2, 0.3).eval()
    x, source = torch.randn(3, 4, 6), torch.randn(3, 5, 6)
    normed = layer.norm(x)
    z = layer.norm_ff(attend(layer.attention, normed, layer.norm_source(source))[0] + normed)
    torch.testing.assert_close(layer(x, Part(source, torch.ones(3, 5).bool())), layer.ff(z) + z)
    z = layer.norm_ff(normed)
    torch.testing.assert_close(layer(x, Part(source, torch.zeros(3, 5).bool())), layer.ff(z) + z)


def test_mult_reads_every_pair() -> None:
    fusion, tokens = CrossModal(INPUTS, 3, dim=4, heads=2).eval(), batch()
    eeg, face = (sequence(tokens[name]).x for name, sequence in zip(fusion.names, fusion.sequences, strict=True))
    eeg, face = eeg + sinusoids(4, 4), face + sinusoids(6, 4)
    there = [Part(x, torch.ones(x.shape[:2]).bool()) for x in (eeg, face)]
    read = []
    for target, x, source in zip(fusion.targets, (eeg, face), reversed(there), strict=True):
        for layer in target.pairs[0].layers:
            x = layer(x, source)
        read.append(target.memory(x).mean(dim=1))
    both = torch.cat(read, dim=1)
    torch.testing.assert_close(fusion(tokens), fusion.classify(both + fusion.mix(both)))
    three = CrossModal({**INPUTS, "ecg": TokenSpec(1, 2)}, 3, dim=4, heads=2)
    assert [len(target.pairs) for target in three.targets] == [2, 2, 2]
    assert three.classify.in_features == 3 * 2 * 4


def test_bottleneck_meets_in_the_mean_of_the_shared_tokens() -> None:
    fusion, tokens = Bottleneck(INPUTS, 3, dim=8, heads=2, ff=16, bottlenecks=2).eval(), batch()
    own = [
        torch.cat([entry.cls_token.expand(4, 1, 8), entry.sequence(tokens[name]).x], dim=1)
        for name, entry in zip(fusion.names, fusion.entries, strict=True)
    ]
    own = [layer(x) for layer, x in zip(fusion.steps[0].layers, own, strict=True)]
    shared = fusion.shared.expand(4, 2, 8)
    for step in fusion.steps[1:]:
        both = [layer(torch.cat([x, shared], dim=1)) for layer, x in zip(step.layers, own, strict=True)]
        own, shared = [x[:, :-2] for x in both], (both[0][:, -2:] + both[1][:, -2:]) / 2
    logits = [fusion.classify(norm(x[:, 0])) for norm, x in zip(fusion.norms, own, strict=True)]
    torch.testing.assert_close(fusion(tokens), (logits[0] + logits[1]) / 2)


def test_bottleneck_leaves_out_who_is_missing() -> None:
    fusion, tokens = Bottleneck(INPUTS, 3, dim=8, heads=2, ff=16, bottlenecks=2, alone=0).eval(), batch()
    entry = fusion.entries[0]
    own = torch.cat([entry.cls_token.expand(4, 1, 8), entry.sequence(tokens["eeg"]).x], dim=1)
    x = torch.cat([own, fusion.shared.expand(4, 2, 8)], dim=1)
    for step in fusion.steps:
        x = step.layers[0](x)
    expected = fusion.classify(fusion.norms[0](x[:, 0]))
    missing = {**tokens, "face": hide(tokens["face"], 0, 1, 2)}
    torch.testing.assert_close(fusion(missing), expected)
    with torch.no_grad():
        fusion.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert fusion({**missing, "eeg": hide(tokens["eeg"], 0)}).tolist() == [[1, 2, 3]] * 4


@pytest.mark.parametrize("cls", [Attention, Bottleneck, CrossModal])
def test_heads_must_divide_the_width(cls: type) -> None:
    with pytest.raises(SpecError, match="dim: is 10, which 4 heads do not divide — give a multiple of 4"):
        cls(INPUTS, 2, dim=10)


@pytest.mark.parametrize(
    ("cls", "params"),
    [(Attention, {"depth": 0}), (Attention, {"heads": 0}), (Bottleneck, {"together": 1}), (Bottleneck, {"alone": -1})],
)
def test_impossible_sizes_are_refused(cls: type, params: dict) -> None:
    with pytest.raises(SpecError, match=next(iter(params))):
        cls(INPUTS, 2, **params)
