import pytest
import torch

from mmbench.registry import seeding


@pytest.mark.parametrize("has_accelerator", [False, True])
def test_numbers_are_those_of_torch(has_accelerator: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_has_accelerator", lambda: has_accelerator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        wanted = torch.randn(5), torch.random.initial_seed()
        torch.randn(3)
        seeding.seed_torch(7)
        assert torch.equal(torch.randn(5), wanted[0])
        assert torch.random.initial_seed() == wanted[1]
