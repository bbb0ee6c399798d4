"""The list of runs in the terminal."""

from mmbench.reporting.terminal.layout import render
from mmbench.reporting.terminal.run_lists import run_list_text
from mmbench.results.records import find_records
from mmbench.results.run_list import list_runs


def test_data_state_methods_and_path_of_each_run(write_comparison, tmp_path):
    path = write_comparison(tmp_path / "home", [f"m{at}" for at in range(8)])
    next(find_records(tmp_path / "home" / "run0")).unlink()
    lines = render(run_list_text(list_runs(tmp_path), tmp_path)).splitlines()
    assert lines[0] == "made · side · protocol subject"
    assert lines[1].endswith(", 15 records, 1 missing")
    assert lines[2] == "  m0, m1, m2, m3, m4, m5 and 2 more"
    assert lines[3] == f"  {path}"
    assert " ".join(" ".join(lines[4:]).split()).endswith(": 1 entry; mmbench show PATH prints one")


def test_damaged_files_are_named(write_comparison, tmp_path):
    write_comparison(tmp_path / "home")
    (tmp_path / "home" / "comparison-9.json").write_text("{")
    text = "".join(render(run_list_text(list_runs(tmp_path), tmp_path)).split())  # paths are broken anywhere
    assert "damaged:" in text
    assert "comparison-9.json:listsnoruns" in text
