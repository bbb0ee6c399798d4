"""Tensor and low-rank fusion compute the published products."""

import pytest
import torch

from mmbench import SpecError, Tokens, TokenSpec
from mmbench.builtin.fusions.lowrank import LowRank
from mmbench.builtin.fusions.tensor import Tensorial, outer, summaries_with_one

THREE = {"ecg": TokenSpec(1, 3), "eeg": TokenSpec(4, 5), "face": TokenSpec(2, 6, 3)}
TWO = {name: THREE[name] for name in ("eeg", "face")}


def batch(inputs: dict[str, TokenSpec], n: int = 4) -> dict[str, Tokens]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: Tokens(
            torch.randn(n, spec.instances, spec.length, spec.dim, generator=generator),
            torch.ones(n, spec.instances, dtype=torch.bool),
        )
        for name, spec in inputs.items()
    }


def without(tokens: dict[str, Tokens], name: str) -> dict[str, Tokens]:
    return {**tokens, name: Tokens(tokens[name].x, tokens[name].present & False)}


def test_an_outer_product_by_hand() -> None:
    vectors = [torch.tensor([[2.0, 1.0]]), torch.tensor([[3.0, 5.0, 1.0]]), torch.tensor([[7.0, 1.0]])]
    assert outer(vectors).tolist() == [[42, 6, 70, 10, 14, 2, 21, 3, 35, 5, 7, 1]]


def test_two_modalities_are_their_outer_product() -> None:
    fusion, tokens = Tensorial(TWO, 3, dim=6, hidden=9).eval(), batch(TWO)
    eeg, face = (summary(tokens[name]) for name, summary in zip(fusion.names, fusion.summaries, strict=True))
    ones = torch.ones(4, 1)
    table = torch.cat([eeg, ones], dim=1).unsqueeze(2) @ torch.cat([face, ones], dim=1).unsqueeze(1)
    assert table.shape == (4, 7, 7)
    torch.testing.assert_close(fusion(tokens), fusion.classify(table.reshape(4, 49)))


def test_what_is_missing_leaves_the_others_alone() -> None:
    fusion, tokens = Tensorial(TWO, 3, dim=6).eval(), batch(TWO)
    eeg = fusion.summaries[0](tokens["eeg"])
    table = torch.zeros(4, 7, 7)
    table[:, :6, 6], table[:, 6, 6] = eeg, 1
    torch.testing.assert_close(fusion(without(tokens, "face")), fusion.classify(table.flatten(1)))


def test_the_product_stays_within_its_bound() -> None:
    many = {f"m{number:02}": TokenSpec(1, 2) for number in range(16)}
    widths = {n: Tensorial(dict(list(many.items())[:n]), 2, dim=200).classify[1].in_features for n in (1, 2, 3, 4, 15)}
    assert widths == {1: 201, 2: 181**2, 3: 32**3, 4: 13**4, 15: 2**15}
    with pytest.raises(SpecError, match="tensor: 16 modalities have at least 65536 products"):
        Tensorial(many, 2)


def test_low_rank_is_the_full_contraction() -> None:
    fusion, tokens = LowRank(THREE, 2, rank=3, dim=5, hidden=7).eval(), batch(THREE)
    extended = summaries_with_one(fusion.names, fusion.summaries, tokens)
    # A weight for each product of features and each of the 7 outputs: the sum of three outer products.
    weights = torch.einsum("rah,rbh,rch->habc", *fusion.factors)
    products = torch.einsum("na,nb,nc->nabc", *extended)
    full = torch.einsum("habc,nabc->nh", weights, products)
    torch.testing.assert_close(fusion.fuse(extended), full)
    torch.testing.assert_close(fusion(tokens), fusion.classify(full))


def test_low_rank_keeps_the_constant_of_missing_modalities() -> None:
    fusion, tokens = LowRank(TWO, 2, rank=2, dim=5, hidden=7).eval(), batch(TWO)
    eeg = torch.cat([fusion.summaries[0](tokens["eeg"]), torch.ones(4, 1)], dim=1)
    fused = sum((eeg @ fusion.factors[0, r]) * fusion.factors[1, r, -1] for r in range(2))
    torch.testing.assert_close(fusion(without(tokens, "face")), fusion.classify(fused))


@pytest.mark.parametrize("cls", [Tensorial, LowRank])
def test_they_learn_interactions_of_modalities(cls: type) -> None:
    torch.manual_seed(0)
    tokens = batch(TWO, 64)
    labels = (tokens["eeg"].x[:, 0, 0, 0] * tokens["face"].x.mean(dim=(1, 2))[:, 0] > 0).long()
    fusion = cls(TWO, 2, dim=16, dropout=0.0)
    optimizer = torch.optim.AdamW(fusion.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(fusion(tokens), labels).backward()
        optimizer.step()
    assert (fusion.eval()(tokens).argmax(dim=1) == labels).float().mean() > 0.95


@pytest.mark.parametrize(
    ("cls", "params"), [(Tensorial, {"hidden": 0}), (LowRank, {"rank": 0}), (LowRank, {"hidden": 0})]
)
def test_impossible_sizes_are_refused(cls: type, params: dict) -> None:
    with pytest.raises(SpecError, match=next(iter(params))):
        cls(TWO, 2, **params)
