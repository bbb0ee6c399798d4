"""Properties of the built-in fusions beyond the contract."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmbench import SpecError, Task, Tokens, TokenSpec
from mmbench.builtin.fusions.abmil import AttentionMil
from mmbench.builtin.fusions.attention import Attention
from mmbench.builtin.fusions.bottleneck import Bottleneck
from mmbench.builtin.fusions.concat import Concat
from mmbench.builtin.fusions.gated import Gated
from mmbench.builtin.fusions.late import Late
from mmbench.builtin.fusions.linear import Linear
from mmbench.builtin.fusions.lowrank import LowRank
from mmbench.builtin.fusions.mult import CrossModal
from mmbench.builtin.fusions.only import Only
from mmbench.builtin.fusions.pooling import Summary, mean_over_present
from mmbench.builtin.fusions.prior import Prior
from mmbench.builtin.fusions.tensor import Tensorial
from mmbench.training import sum_losses

TRAINED = [Concat, Late, Gated, Only, Tensorial, LowRank, CrossModal, Bottleneck, AttentionMil, Attention]
INPUTS = {"eeg": TokenSpec(4, 5), "face": TokenSpec(2, 6, 3)}


def batch(n: int = 6, seed: int = 0) -> dict[str, Tokens]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: Tokens(
            torch.randn(n, spec.instances, spec.length, spec.dim, generator=generator),
            torch.ones(n, spec.instances, dtype=torch.bool),
        )
        for name, spec in INPUTS.items()
    }


def without(tokens: Mapping[str, Tokens], *names: str) -> dict[str, Tokens]:
    return {name: Tokens(each.x * 0, each.present & False) if name in names else each for name, each in tokens.items()}


def test_only_present_instances_are_averaged() -> None:
    x = torch.tensor([[[[1.0]], [[3.0]], [[100.0]]], [[[1.0]], [[3.0]], [[5.0]]]])
    present = torch.tensor([[True, True, False], [False, False, False]])
    assert mean_over_present(Tokens(x, present)).flatten().tolist() == [2.0, 0.0]


def test_flatten_distinguishes_tokens_and_mean_does_not() -> None:
    tokens = batch()["eeg"]
    turned = Tokens(tokens.x.roll(1, dims=2), tokens.present)
    torch.manual_seed(0)
    flatten, mean = Summary(INPUTS["eeg"], 8, "flatten"), Summary(INPUTS["eeg"], 8, "mean")
    assert not torch.allclose(flatten(tokens), flatten(turned), atol=1e-3)
    assert torch.allclose(mean(tokens), mean(turned), atol=1e-5)


@pytest.mark.parametrize("cls", TRAINED)
@pytest.mark.parametrize("params", [{"dim": 0}, {"dropout": 1.5}])
def test_impossible_sizes_are_refused(cls: type, params: dict) -> None:
    inputs = {"eeg": INPUTS["eeg"]}
    with pytest.raises(SpecError, match=next(iter(params))):
        cls(inputs, 2, **params)


@pytest.mark.parametrize("cls", TRAINED)
def test_every_fusion_learns_a_separable_problem(cls: type) -> None:
    torch.manual_seed(0)
    tokens = batch(48)
    labels = (tokens["eeg"].x[:, 0, 1, 2] > 0).long()
    fusion = cls(INPUTS, 2, dim=16, dropout=0.0, **({"modality": "eeg"} if cls is Only else {}))
    optimizer = torch.optim.AdamW(fusion.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        sum_losses(fusion.training_loss(tokens, labels, cross_entropy)).backward()
        optimizer.step()
    assert (fusion.eval()(tokens).argmax(dim=1) == labels).float().mean() > 0.95


def test_late_averages_logits_of_the_present() -> None:
    late, tokens = Late(INPUTS, 3).eval(), batch()
    heads = [head(tokens[name]) for name, head in zip(late.names, late.heads, strict=True)]
    torch.testing.assert_close(late(tokens), (heads[0] + heads[1]) / 2)
    torch.testing.assert_close(late(without(tokens, "eeg")), heads[1])
    weights = late.explain(without(tokens, "eeg"))
    assert weights["eeg.weight"].tolist() == [0] * 6
    assert weights["face.weight"].tolist() == [1] * 6


def test_late_averages_probabilities_with_learned_weights() -> None:
    late, tokens = Late(INPUTS, 3, combine="probabilities").eval(), batch()
    with torch.no_grad():
        late.weights.copy_(torch.tensor([1.0, 0.0]))
    heads = [head(tokens[name]).softmax(dim=1) for name, head in zip(late.names, late.heads, strict=True)]
    share = torch.tensor([1.0, 0.0]).softmax(dim=0)
    torch.testing.assert_close(late(tokens).exp(), share[0] * heads[0] + share[1] * heads[1])


def test_late_averages_probabilities_of_labels() -> None:
    late, tokens = Late(INPUTS, 3, combine="probabilities").eval(), batch()
    late.task = Task("labels", ("a", "b", "c"))
    heads = [head(tokens[name]).sigmoid() for name, head in zip(late.names, late.heads, strict=True)]
    torch.testing.assert_close(late(tokens).sigmoid(), (heads[0] + heads[1]) / 2)
    torch.testing.assert_close(late(without(tokens, "eeg")).sigmoid(), heads[1])
    with torch.no_grad():
        for head in late.heads:
            head.classify[2].bias.fill_(200.0)
    assert late(tokens).isfinite().all()


def test_late_averages_values_whatever_combine_is() -> None:
    late, tokens = Late(INPUTS, 3, combine="probabilities").eval(), batch()
    late.task = Task("values", ("a", "b", "c"))
    heads = [head(tokens[name]) for name, head in zip(late.names, late.heads, strict=True)]
    torch.testing.assert_close(late(tokens), (heads[0] + heads[1]) / 2)


def test_late_answers_with_its_bias_when_all_is_missing() -> None:
    late = Late(INPUTS, 3).eval()
    with torch.no_grad():
        late.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert late(without(batch(2), "eeg", "face")).tolist() == [[1, 2, 3], [1, 2, 3]]


def test_late_trains_each_head_where_it_has_data() -> None:
    late, labels = Late(INPUTS, 3).eval(), torch.arange(6) % 3
    tokens = batch()
    half = Tokens(tokens["face"].x, torch.arange(6)[:, None].expand(6, 3) < 2)
    tokens["face"] = half
    eeg, face = (head(tokens[name]) for name, head in zip(late.names, late.heads, strict=True))
    losses = late.training_loss(tokens, labels, cross_entropy)
    assert list(losses) == ["fused", "heads"]
    torch.testing.assert_close(losses["fused"], cross_entropy(late(tokens), labels))
    expected = (cross_entropy(eeg, labels) + cross_entropy(face[:2], labels[:2])) / 2
    torch.testing.assert_close(losses["heads"], expected)
    nothing = without(tokens, "eeg", "face")
    losses = late.training_loss(nothing, labels, cross_entropy)
    assert list(losses) == ["fused"]
    torch.testing.assert_close(losses["fused"], cross_entropy(late(nothing), labels))


def test_only_reads_one_modality() -> None:
    assert Only.uses(["eeg", "face"], modality="face", dim=3) == ["face"]
    assert Only.uses(["eeg"]) == ["eeg"]
    inputs = {"eeg": TokenSpec(0, 0), "face": INPUTS["face"]}
    only = Only(inputs, 2, modality="face").eval()
    tokens = batch()
    empty = {"eeg": Tokens(torch.zeros(6, 1, 0, 0), tokens["eeg"].present), "face": tokens["face"]}
    assert only(empty).shape == (6, 2)
    assert only(without(empty, "face")).tolist() == [[0, 0]] * 6


def test_only_names_the_known_modalities() -> None:
    with pytest.raises(SpecError, match=r"only\[modality=fase\]: .*; the modalities are eeg, face .*=face\]\?"):
        Only.uses(["face", "eeg"], modality="fase")
    with pytest.raises(SpecError, match=r"needs one of the modalities eeg, face"):
        Only(INPUTS, 2)


def test_prior_counts_the_training_part_once() -> None:
    prior, tokens = Prior(INPUTS, 3), batch(4)
    assert Prior.uses(["eeg", "face"]) == ()
    assert list(prior.parameters()) == []

    def criterion(logits: Tensor, labels: Tensor) -> Tensor:
        raise AssertionError("class weights must not change the prior")

    for labels in ([2, 2, 2, 0], [2, 2, 0, 0]):
        loss = prior.training_loss(tokens, torch.tensor(labels), criterion)
        assert loss.item() == 0
        assert not loss.requires_grad
    prior.eval()
    prior.training_loss(tokens, torch.tensor([1, 1, 1, 1]), criterion)
    expected = torch.tensor([4.0, 1.0, 6.0]).div(11).log()
    torch.testing.assert_close(prior(tokens), expected.expand(4, 3))


def test_two_gates_are_tied_and_more_are_free() -> None:
    two, tokens = Gated(INPUTS, 2, dim=8).eval(), batch()
    gates = two.explain(tokens)
    torch.testing.assert_close(gates["eeg.gate"] + gates["face.gate"], torch.ones(6))
    assert two.gate.out_features == 8
    three = Gated({**INPUTS, "ecg": TokenSpec(1, 3)}, 2, dim=8)
    assert three.gate.out_features == 24


def test_gated_computes_the_published_unit() -> None:
    gated, tokens = Gated(INPUTS, 2, dim=8).eval(), batch()
    x1, x2 = (summary(tokens[name]) for name, summary in zip(gated.names, gated.summaries, strict=True))
    z = torch.sigmoid(gated.gate(torch.cat([x1, x2], dim=1)))
    hidden = z * torch.tanh(gated.hidden[0](x1)) + (1 - z) * torch.tanh(gated.hidden[1](x2))
    torch.testing.assert_close(gated(tokens), gated.classify(hidden))


def test_linear_is_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    tokens = batch(n=60)
    labels = (
        tokens["eeg"].x[:, 0, 0, 0] + 0.5 * torch.randn(60, generator=torch.Generator().manual_seed(1)) > 0
    ).long()
    fusion = Linear({name: INPUTS[name] for name in INPUTS}, 2)
    assert not fusion(tokens).any(), "it starts from zero"
    optimizer = torch.optim.LBFGS(fusion.parameters(), max_iter=500, line_search_fn="strong_wolfe")
    penalty = 0.1

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = cross_entropy(fusion(tokens), labels) + penalty / 2 * fusion.layer.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    flat = torch.cat([tokens[name].x.flatten(1) for name in sorted(tokens)], dim=1).numpy()
    # Two weights of opposite sign share what is one weight there, at half the penalty.
    theirs = LogisticRegression(C=1 / (penalty / 2 * 60), tol=1e-8, max_iter=1000).fit(flat, labels)
    ours = fusion(tokens).detach().diff(dim=1).squeeze(1)
    assert torch.allclose(ours, torch.tensor(theirs.decision_function(flat)).float(), atol=1e-2)


def test_absent_values_have_no_effect_on_linear() -> None:
    torch.manual_seed(0)
    fusion = Linear(INPUTS, 3)
    torch.nn.init.normal_(fusion.layer.weight)
    tokens = batch()
    hidden = Tokens(tokens["face"].x, tokens["face"].present & False)
    assert torch.equal(fusion({**tokens, "face": hidden}), fusion(without(tokens, "face")))
