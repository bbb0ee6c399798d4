"""Profile of one fold by cProfile: simulated data, tokens of a frozen encoder, one thread.

    python benchmarks/profiles.py [--methods concat,late,attention] [--samples 2000] [--people 50] [--epochs 20]

Prints the seconds of each part of a fold and its share. Parts are nested where they are indented. cProfile itself makes
Python code slower, not what torch computes, so that the shares of torch are lower bounds.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).parent
PARTS = (
    ("a fold", "train_fold"),
    ("  training", "fit"),
    ("    forward pass and loss", "_step"),
    ("    backward pass", "backward"),
    ("    AdamW", "step"),
    ("    clipping gradients", "clip_grad_norm_"),
    ("    batches", "_pass"),
    ("    validation and test of each epoch", "end_epoch"),
    ("  canaries: predictions", "check_predictions"),
    ("  canaries: rebuilt model", "check_rebuilt"),
    ("  diagnosis", "diagnose_trained"),
    ("  cost", "_passes"),
)
"""Parts of a fold, and the function whose cumulative time is theirs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile one fold of each method, after one that warms up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", type=lambda text: text.split(","), default=["concat", "late", "attention"])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        for method in options.methods:
            dataset = f"scale[samples={options.samples},people={options.people}]"
            print(f"{method} on {dataset} (simulated), {options.epochs} epochs at most")
            print(describe(profile(method, dataset, options.epochs, Path(folder))))
    return 0


def profile(method: str, dataset: str, epochs: int, folder: Path) -> pstats.Stats:
    """The profile of the first fold of a method, in this process."""
    import torch

    from mmbench.execution import job
    from mmbench.workflows.experiment import plan_experiment
    from mmbench.workflows.request import RunSpec
    from mmbench.workflows.resolve import check_request, resolve_request

    torch.set_num_threads(1)
    spec = RunSpec(
        method,
        dataset,
        protocol="subject",
        seeds=1,
        data=folder,
        out=folder / "runs",
        cache=folder / "cache",
        plugins=(str(HERE / "speed" / "scale_plugin.py"),),
        encoders={"vector": "fixed"},
        training={"epochs": epochs},
        jobs=1,
    )
    experiment = plan_experiment(check_request(resolve_request(spec)))
    plan, folds = experiment.plans[0], experiment.setup.folds
    profiler = cProfile.Profile()
    # The plugin's encoder would move the fold to another process, which is not profiled.
    with patch.object(job, "call_components", lambda plan, function, *given, listen: function(listen, *given)):
        job.run_job(plan, folds[1], 0, folder / "warm.json", lambda epoch: None)
        profiler.runcall(job.run_job, plan, folds[0], 0, folder / "profiled.json", lambda epoch: None)
    return pstats.Stats(profiler)


def describe(stats: pstats.Stats) -> str:
    """A line for each part, with its seconds and its share of the fold."""
    found = {name: _seconds(stats, name) for _, name in PARTS}
    whole = found["train_fold"]
    lines = [f"  {label:40} {found[name]:7.3f} s {found[name] / whole:6.1%}" for label, name in PARTS]
    compiled = sum(times[2] for (file, _, name), times in stats.stats.items() if file == "~" and "torch" in name)  # type: ignore[attr-defined]
    return "\n".join([*lines, f"  {'in functions of torch itself':40} {compiled:7.3f} s {compiled / whole:6.1%}"])


def _seconds(stats: pstats.Stats, name: str) -> float:
    """The cumulative time of mmbench's or torch's function of a name: that of the longest one."""
    times = [each[3] for (_, _, found), each in stats.stats.items() if found == name]  # type: ignore[attr-defined]
    return max(times, default=0.0)


if __name__ == "__main__":
    sys.exit(main())
