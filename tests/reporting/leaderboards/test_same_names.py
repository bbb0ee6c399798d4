"""Two runs of one method with other settings each have their own verdict."""

from pathlib import Path
from typing import Any

import mmbench
from mmbench.reporting.terminal import comparison_table
from mmbench.results.loading import compare
from mmbench.results.statistics import make_verdicts


def test_runs_of_one_name_have_their_own_numbers(home: Path, comparison: Any) -> None:
    options: dict[str, Any] = {"folds": 2, "modalities": ["mor", "zer"], "tune": 2}
    mmbench.run("concat", "mfeat", out=home / "runs", cache=home / "cache", jobs=1, training={"epochs": 1}, **options)
    here = comparison.methods[0].folder.parent
    found = compare(here, sorted(path for path in here.iterdir() if path.is_dir()))
    first, *others = found.methods
    assert [method.run["method"] for method in found.methods].count("concat") >= 2
    assert len({method.name for method in found.methods}) == len(found.methods) == len(found.above_chance)
    assert [verdict.against for verdict in found.verdicts] == [method.name for method in others]
    assert [each.difference for each in found.verdicts] == [
        each.difference for each in make_verdicts(first.outcomes, {str(at): m.outcomes for at, m in enumerate(others)})
    ]
    assert comparison_table(found)
    gap = first.scores["balanced_accuracy"].mean - others[0].scores["balanced_accuracy"].mean
    assert abs(found.verdicts[0].difference.mean - gap) < 1e-9
