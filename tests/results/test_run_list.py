"""Lists of runs under a folder, and which comparison of a folder is loaded."""

import json
import os

import pytest

from mmbench.errors import RecordError
from mmbench.results.loading import load_comparison
from mmbench.results.records import find_records
from mmbench.results.run_list import find_comparison_files, list_runs, needs_choice


@pytest.fixture
def runs(write_comparison, tmp_path):
    """Two folders of runs with a comparison each, and one without a file."""
    for name in ("one", "two", "loose"):
        write_comparison(tmp_path / name, ("zeta", "alpha"))
    (tmp_path / "loose" / "comparison-0.json").unlink()
    return tmp_path


def test_every_comparison_is_listed_with_its_methods_and_records(runs):
    found = {run.path.relative_to(runs).as_posix(): run for run in list_runs(runs).runs}
    assert set(found) == {"one/comparison-0.json", "two/comparison-0.json", "loose"}
    one = found["one/comparison-0.json"]
    assert (one.kind, one.methods, one.dataset, one.task, one.protocol) == (
        "comparison",
        ("zeta", "alpha"),
        "made",
        "side",
        "subject",
    )
    assert (one.n_records, one.n_expected, one.n_failed, one.is_complete) == (4, 4, 0, True)
    assert (found["loose"].kind, found["loose"].n_records) == ("runs", 4)
    assert json.loads(json.dumps(list_runs(runs).to_json()))["runs"][0]["complete"] is True


def test_missing_records_and_failures_are_counted(runs):
    first, second = sorted(find_records(runs / "one" / "run1"))
    first.unlink()
    second.with_name(f"failed-{first.name}").write_text(
        json.dumps({"method": "alpha", "fold": "0", "seed": 0, "error": "oh no"})
    )
    one = next(run for run in list_runs(runs / "one").runs)
    assert (one.n_records, one.n_expected, one.n_failed, one.is_complete) == (3, 4, 1, False)


def test_a_run_that_no_comparison_lists_is_listed_alone(runs):
    path = runs / "one" / "comparison-0.json"
    path.write_text(json.dumps({"runs": ["run0"], "seeds": 1}))
    assert {run.path.name for run in list_runs(runs / "one").runs} == {path.name, "run1"}


@pytest.mark.parametrize("text", ["", "{}", '{"runs": ["../other"], "seeds": 1}', "[1]", '{"runs": [1], "seeds": 1}'])
def test_a_damaged_file_is_named_and_the_others_are_listed(runs, text):
    (runs / "one" / "comparison-1.json").write_text(text)
    found = list_runs(runs)
    assert len(found.runs) == 3
    assert len(found.damaged) == 1
    assert "comparison-1.json" in found.damaged[0]


def test_a_folder_is_loaded_by_its_newest_comparison(runs):
    home = runs / "one"
    assert [method.name for method in load_comparison(home).methods] == ["zeta", "alpha"]
    newer = home / "comparison-1.json"
    newer.write_text(json.dumps({"runs": ["run1"], "seeds": 1}))
    os.utime(home / "comparison-0.json", (1, 1))
    assert find_comparison_files(home) == [newer, home / "comparison-0.json"]
    assert load_comparison(home).path == newer


def test_runs_without_a_file_have_no_reference_and_stand_best_first(runs):
    found = load_comparison(runs / "loose")
    assert [method.name for method in found.methods] == ["zeta", "alpha"]  # zeta has the better score
    assert not found.has_reference
    assert list(found.verdicts) == []


def test_a_folder_of_several_comparisons_is_listed_and_not_loaded(runs):
    assert needs_choice(runs)
    assert not any(needs_choice(path) for path in (runs / "one", runs / "loose", runs / "one" / "run0"))
    with pytest.raises(RecordError, match="holds no records"):
        load_comparison(runs)


def test_an_ablation_without_comparison_is_listed(runs):
    home = runs / "loose"
    tables = [{"name": "k", "parameter": "k", "rows": [{"value": "1", "run": "run1"}, {"value": "9", "run": None}]}]
    (home / "ablation-0.json").write_text(json.dumps({"default": "run0", "seeds": 1, "tables": tables}))
    assert needs_choice(home)
    (run,) = list_runs(home).runs
    assert (run.kind, run.methods, run.is_complete) == ("ablation", ("zeta", "alpha"), True)
