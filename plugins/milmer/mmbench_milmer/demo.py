"""The demonstration of ``make demo``: a fusion that helps with people held out, and how shuffled windows deceive.

``python -m mmbench_milmer.demo`` runs it; records are written to ``runs/demo``.
"""

import math
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from mmbench import load_comparison

OUT = Path("runs", "demo")
# EEG and faces that each tell a part of the labels.
HONEST = ("milmer", "deap-sim", "--seeds", "1", "--diagnose", "no")
# EEG and faces that tell nothing of the labels, but each trial from the others.
SHUFFLED = (
    *("milmer", "deap-sim[subjects=3,strength=0]", "--protocol", "segment"),
    *("--against", "prior", "--seeds", "1", "--diagnose", "no"),
)


class Scores(NamedTuple):
    """Mean scores of milmer and of the best single modality, and the chance level."""

    milmer: float
    single: float
    chance: float


def main() -> int:
    """Run both comparisons and print what they show; the exit code is that of the first that fails, else 0."""
    for name, title, arguments in (
        ("people", "People held out; the simulated labels can be predicted.", HONEST),
        ("windows", "Windows shuffled; nothing predicts the simulated labels.", SHUFFLED),
    ):
        _show(f"\n{title}\n$ mmbench run {shlex.join(arguments)}\n")
        command = (sys.executable, "-m", "mmbench", "run", *arguments, "--out", str(OUT / name))
        if code := subprocess.run(command, check=False).returncode:
            return code
    _show(f"\n{conclude(_load('people'), _load('windows'))}")
    return 0


def conclude(held_out: Scores, shuffled: Scores) -> str:
    """What both comparisons show, in one sentence."""
    return (
        f"With windows of one trial in training and test, milmer scores {shuffled.milmer:.2f} on simulated labels that "
        f"nothing predicts (chance {shuffled.chance:.2f}); with people held out it scores {held_out.milmer:.2f} on "
        f"simulated labels of which EEG and face each tell a part, and the better of the two alone "
        f"{held_out.single:.2f}."
    )


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()  # before what the commands print


def _load(name: str) -> Scores:
    """The scores in the newest comparison."""
    newest = max(OUT.glob(f"{name}/*/comparison-*.json"), key=lambda path: path.stat().st_mtime)
    found = load_comparison(newest)
    milmer, *others = found.methods
    single = max((other.score.mean for other in others if other.name.startswith("only")), default=math.nan)
    return Scores(milmer.score.mean, single, math.nan if found.chance is None else found.chance)


if __name__ == "__main__":
    sys.exit(main())
