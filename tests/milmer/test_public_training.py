"""Parity of ``load_published`` with the public class on faces: evaluation, losses of a training, gradients."""

from itertools import product
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from mmbench_milmer import load_published
from mmbench_milmer.options import BalancingName, PublishedSelector

OPTIONS = list(product(get_args(PublishedSelector), get_args(BalancingName)))


def load(public, method, balancing, **options):
    options = {"num_instances": public.n_instances, "num_select": public.k, "num_heads": 4, **options}
    state = {key: value.clone() for key, value in public.state_dict().items()}
    return load_published(state, instance_selection_method=method, fusion_type=balancing, **options)


def public_name(name):
    """The public name of a weight of ours outside of the Swin."""
    return name.removeprefix("fusion.")


def train(model, batch, seed, steps=3):
    """Losses of a few steps, with dropout and stochastic depth."""
    torch.manual_seed(seed)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    eeg, faces, labels = batch
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(model(eeg, faces), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize(("method", "balancing"), OPTIONS)
def test_logits_of_faces_equal_those_of_the_public_class(make_public, public_batch, method, balancing):
    public = make_public(method, balancing)
    own = load(public, method, balancing)
    eeg, faces, _ = public_batch
    with torch.no_grad():
        expected, logits = public(eeg, faces), own(eeg, faces)
        others = public(eeg, faces.flip(0))
    assert (expected - others).abs().max() > 1e-3  # images matter
    assert torch.allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize(("method", "balancing"), OPTIONS)
def test_losses_of_a_training_equal_those_of_the_public_class(make_public, public_batch, method, balancing):
    expected = train(make_public(method, balancing), public_batch, seed=3)
    losses = train(load(make_public(method, balancing), method, balancing), public_batch, seed=3)
    assert losses == pytest.approx(expected, abs=1e-4)
    assert expected != pytest.approx(train(make_public(method, balancing), public_batch, seed=4), abs=1e-3)


def test_stochastic_depth_is_that_of_the_public_class(make_public, public_batch):
    expected = train(make_public(drop_path=0.5), public_batch, seed=3, steps=1)
    own = load(make_public(), "attention_weighted_topk", "cross_attention", drop_path=0.5)
    assert train(own, public_batch, seed=3, steps=1) == pytest.approx(expected, abs=1e-4)
    without = train(make_public(drop_path=0.0), public_batch, seed=3, steps=1)
    assert without != pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("method", "balancing"), OPTIONS)
def test_gradients_equal_those_of_the_public_class(make_public, public_batch, method, balancing):
    eeg, faces, labels = public_batch
    public = make_public(method, balancing)
    own = load(public, method, balancing)
    for model in (public, own):
        torch.manual_seed(5)
        F.cross_entropy(model.train()(eeg, faces), labels).backward()
    expected = {name: weight.grad for name, weight in public.named_parameters() if weight.grad is not None}
    ours = {public_name(name): weight.grad for name, weight in own.named_parameters() if not name.startswith("swin.")}
    compared = {name: grad for name, grad in ours.items() if grad is not None}
    assert compared.keys() == {name for name in expected if not name.startswith("swin_model.")}
    for name, grad in compared.items():
        assert torch.allclose(grad, expected[name], atol=1e-5, rtol=1e-3), name
    # Query, key and value are one weight here: norms of all gradients of the Swin.
    swin = torch.stack(
        [w.grad.norm() for n, w in own.named_parameters() if n.startswith("swin.") and w.grad is not None]
    )
    public_swin = torch.stack([grad.norm() for name, grad in expected.items() if name.startswith("swin_model.")])
    assert float(swin.norm()) == pytest.approx(float(public_swin.norm()), rel=1e-3)
    assert float(swin.norm()) > 1e-4
    first = own.swin.net.patch_embed.proj.weight.grad
    assert torch.allclose(
        first, expected["swin_model.embeddings.patch_embeddings.projection.weight"], atol=1e-5, rtol=1e-3
    )
