"""Comparisons in one line, and as rows for data frames."""

import json
from collections.abc import Callable
from pathlib import Path

from mmbench.results.loading import load_comparison


def test_a_comparison_is_one_line_in_a_shell(write_comparison: Callable[..., Path], tmp_path: Path) -> None:
    found = repr(load_comparison(write_comparison(tmp_path)))
    assert found.startswith("<Comparison: ")
    assert "first 0." in found
    assert "mmbench show" in found
    assert "\n" not in found


def test_rows_hold_what_the_table_shows(write_comparison: Callable[..., Path], tmp_path: Path) -> None:
    comparison = load_comparison(write_comparison(tmp_path))
    first, second = comparison.to_rows()
    (verdict,) = comparison.verdicts
    assert (first["method"], first["difference"], first["verdict"]) == ("first", None, None)
    assert (second["difference"], second["p"]) == (verdict.difference.mean, verdict.p)
    assert second["verdict"] == verdict.word
    score = comparison.methods[1].scores["balanced_accuracy"]
    assert [second[name] for name in ("balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high")] == [
        score.mean,
        score.low,
        score.high,
    ]
    assert json.loads(json.dumps([first, second])) == [first, second]


def test_fold_rows_hold_each_record(write_comparison: Callable[..., Path], tmp_path: Path) -> None:
    comparison = load_comparison(write_comparison(tmp_path))
    rows = comparison.to_fold_rows()
    records = [(method.name, record) for method in comparison.methods for record in method.records]
    assert [(row["method"], row["fold"], row["seed"]) for row in rows] == [
        (name, record.fold, record.seed) for name, record in records
    ]
    assert [row["balanced_accuracy"] for row in rows] == [
        record.scores["chosen"]["balanced_accuracy"] for _, record in records
    ]
