"""The optimizer takes torch's steps, and neither it nor anything else of a training loads torch's compiler."""

import subprocess
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from mmbench.training.optimizer import AdamW

TOY = Path(__file__).parents[1] / "plugins" / "toy_plugin.py"


def train(kind: type[torch.optim.AdamW]) -> list[Tensor]:
    """The weights after some steps, and the state of the optimizer."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 2))
    x = torch.randn(32, 8)
    optimizer = kind(net.parameters(), lr=1e-2, weight_decay=0.1)
    schedule = LambdaLR(optimizer, lambda step: 0.9**step)
    for _ in range(20):
        optimizer.zero_grad(set_to_none=True)
        net(x).square().mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    averages = [state["exp_avg_sq"] for state in optimizer.state.values()]
    return [*(weight.detach() for weight in net.parameters()), *averages]


def test_it_takes_the_steps_of_torch() -> None:
    ours, theirs = train(AdamW), train(torch.optim.AdamW)
    assert len(ours) == 8
    assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    assert not any(value.requires_grad for value in ours[4:])


def test_a_run_loads_no_compiler(toy_people: Path, tmp_path: Path) -> None:
    code = f"""
import sys
import mmbench
mmbench.run("concat", "toy", data={str(toy_people)!r}, cache={str(tmp_path)!r}, out={str(tmp_path / "runs")!r},
            plugins=({str(TOY)!r},), against=["mult", "prior"], folds=2, training={{"epochs": 1}}, jobs=1)
print([name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
