"""Modality dropout leaves out what it says, only in training, the same way twice, and nothing by default."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench import Fusion, SpecError, Tokens, TokenSpec, Training
from mmbench.data.batches import Bags, Inputs, Stream
from mmbench.data.sources import Rows
from mmbench.data.splits.fold import Fold
from mmbench.registry.methods import update_training
from mmbench.training.batches import modality_dropout as module
from mmbench.training.batches.modality_dropout import drop_modalities, mask_modality
from mmbench.training.loop import fit
from mmbench.training.model import Model

N = 4000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tokens(n: int = N, instances: int = 1, *, dtype: torch.dtype = torch.float32) -> Bags:
    return Bags(torch.ones(n, instances, 2, 3, dtype=dtype), torch.ones(n, instances, dtype=torch.bool))


def there(batch: Mapping[str, Bags]) -> Tensor:
    return torch.stack([part.present.any(dim=1) for part in batch.values()], dim=1)


def test_modalities_are_dropped_at_the_given_rate_and_never_all() -> None:
    batch = {"a": tokens(), "b": tokens(instances=3)}
    here = there(drop_modalities(batch, 0.3, generator()))
    assert here.any(dim=1).all()
    # Where both would go, which is in 9 of 100, one of them stays.
    expected = 0.3 - 0.09 / 2
    assert (~here).float().mean(dim=0).tolist() == pytest.approx([expected] * 2, abs=0.02)
    three = there(drop_modalities({name: tokens() for name in "abc"}, 0.99, generator()))
    assert three.any(dim=1).all()
    assert three.float().mean(dim=0).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_what_is_left_out_is_zero_and_the_rest_unchanged() -> None:
    batch = {"a": tokens(8), "b": tokens(8, dtype=torch.uint8)}
    batch["b"].present[3] = False
    dropped = drop_modalities(batch, 0.5, generator(1))
    for name, (x, present, _) in dropped.items():
        assert x.dtype == batch[name].x.dtype
        assert 0 < present.sum() < 8
        assert (present <= batch[name].present).all()
        assert torch.equal(x[:, 0].flatten(1).any(dim=1) & batch[name].present[:, 0], present[:, 0])
    assert (batch["a"].x == 1).all(), "the original is kept"
    assert there(batch).sum() == 15


def test_lengths_and_masks_go_with_what_is_left_out() -> None:
    lengths = torch.arange(1, 9)[:, None]
    batch = {"a": tokens(8), "b": Bags(torch.ones(8, 1, 2, 8), torch.ones(8, 1, dtype=torch.bool), lengths)}
    dropped = drop_modalities(batch, 0.5, generator(1))["b"]
    assert dropped.lengths is not None
    assert torch.equal(dropped.lengths, lengths * dropped.present)
    assert not dropped.present.all()
    keep = torch.arange(8) % 2 == 0
    masked = mask_modality(
        Tokens(torch.ones(8, 1, 8, 2), batch["b"].present, torch.arange(8) < lengths[..., None]), keep
    )
    assert torch.equal(masked.mask.sum(dim=2), lengths * keep[:, None])
    assert not masked.x[~keep].any()


def test_the_only_one_that_is_there_stays() -> None:
    batch = {"a": tokens(), "b": tokens(), "c": tokens()}
    for name in "ac":
        batch[name] = Bags(batch[name].x, batch[name].present & False)
    dropped = drop_modalities(batch, 0.9, generator())
    assert dropped["b"].present.all()
    assert torch.equal(dropped["b"].x, batch["b"].x)


def test_a_modality_that_is_not_read_saves_no_other() -> None:
    unread = Bags(torch.zeros(N, 1, 0, 0), torch.ones(N, 1, dtype=torch.bool))
    dropped = drop_modalities({"a": tokens(), "b": unread}, 0.9, generator())
    assert dropped["a"].present.all()
    assert dropped["b"] is unread


def test_a_bag_goes_as_a_whole() -> None:
    dropped = drop_modalities({"a": tokens(instances=4), "b": tokens()}, 0.5, generator())
    counts = dropped["a"].present.sum(dim=1)
    assert set(counts.tolist()) == {0, 4}


def test_the_order_of_the_modalities_does_not_matter() -> None:
    batch = {name: tokens(50) for name in "abc"}
    one = drop_modalities(batch, 0.4, generator())
    other = drop_modalities({name: batch[name] for name in "cab"}, 0.4, generator())
    assert all(torch.equal(one[name].present, other[name].present) for name in batch)


class Watching(Fusion):
    """A linear layer over two modalities that remembers what was there, in which mode."""

    name = "watching"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.layer = torch.nn.Linear(4, n_outputs)
        self.seen: dict[bool, list[Tensor]] = {True: [], False: []}

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        self.seen[self.training].append(there(tokens))
        return self.layer(torch.cat([part.x.flatten(1) for part in tokens.values()], dim=1))


class Noise:
    lengths = None

    def __init__(self, seed: int) -> None:
        self.x = np.random.default_rng(seed).normal(size=(30, 1, 1, 2)).astype(np.float32)

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self.x[rows], np.ones((len(rows), 1), dtype=bool)


def train(training: Training, seed: int = 0) -> Watching:
    torch.manual_seed(0)
    fusion = Watching({name: TokenSpec(1, 2) for name in "ab"}, 2)
    inputs = Inputs({name: Stream(Noise(number), None, 30) for number, name in enumerate("ab")})
    fold = Fold("0", np.arange(16), np.arange(16, 22), np.arange(22, 30))
    labels = np.where(np.arange(30) < 22, np.arange(30) % 2, -1)
    fit(Model({}, fusion), inputs, fold, labels, training, seed=seed, device=torch.device("cpu"))
    return fusion


def test_only_training_samples_lose_modalities() -> None:
    seen = train(Training(epochs=4, batch_size=8, modality_dropout=0.5)).seen
    assert 0 < (~torch.cat(seen[True])).sum() < 64
    assert torch.cat(seen[True]).any(dim=1).all()
    assert torch.cat(seen[False]).all()


def test_one_seed_gives_the_same_weights() -> None:
    training = Training(epochs=3, batch_size=8, modality_dropout=0.4)

    def bits(fusion: Fusion) -> list[bytes]:
        return [parameter.detach().numpy().tobytes() for parameter in fusion.parameters()]

    assert bits(train(training)) == bits(train(training)) != bits(train(training, seed=1))


def test_by_default_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (state := generator()).get_state()
    batch = {"a": tokens(8), "b": tokens(8)}
    assert drop_modalities(batch, 0.0, state) == batch
    assert torch.equal(state.get_state(), before)
    monkeypatch.setattr(module, "mask_modality", None)
    assert torch.cat(train(Training(epochs=2, batch_size=8)).seen[True]).all()


@pytest.mark.parametrize("value", [-0.1, 1.0, 2, float("nan")])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(SpecError, match=r"--training: modality_dropout is .* — give a probability from 0 to below 1"):
        update_training(Training(), {"modality_dropout": value}, "--training")
    assert update_training(Training(), {"modality_dropout": 0.3}, "--training").modality_dropout == 0.3
