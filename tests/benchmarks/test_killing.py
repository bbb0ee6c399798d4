"""A run that is killed wherever it is, and started again, ends with the bits of a run that nobody killed.

`benchmarks/killing.py` kills 200 times and more.
"""

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

killing = pytest.importorskip("killing", reason="the benchmarks are not here")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are of Unix")


def test_killed_run_resumes(tmp_path: Path) -> None:
    *_, tally = killing.lives(tmp_path, kills=3, seed=5, jobs=(1,))
    assert tally.faults == []
    assert tally.kills.total() == 3
    assert tally.kept > 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda home: (home / "runs/toy/concat/fold-0.json").write_text('{"logits": [0.5]}'), "differs in ['logits']"),
        (lambda home: (home / "runs/toy/concat/fold-0.json").unlink(), "is in one of both only"),
        (lambda home: (home / "people/reads.log").write_text("s0\ns0\n"), "read {'s0': 2} with 0 kills"),
    ],
)
def test_what_is_not_as_it_was_is_found(tmp_path: Path, change: Any, fault: str) -> None:
    record = tmp_path / "runs" / "toy" / "concat" / "fold-0.json"
    for path, text in ((record, '{"logits": [0.25], "seconds": 3}'), (tmp_path / "people" / "reads.log", "s0\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    wanted, tally = killing.results(tmp_path), killing.Tally()
    killing.check(tmp_path, wanted, Counter(), tally)
    assert tally.faults == []
    change(tmp_path)
    killing.check(tmp_path, wanted, Counter(), tally)
    (found,) = tally.faults
    assert fault in found


def test_stages_come_in_their_order_and_no_trial_is_killed_to_death() -> None:
    for seed in range(50):
        stages = killing.choose(random.Random(seed), 10)
        assert stages == sorted(stages, key=list(killing.SIGNS).index)
        assert stages.count("tune") <= killing.MAX_TUNE_KILLS
