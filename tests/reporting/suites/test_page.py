"""The page of a suite."""

from collections.abc import Callable
from pathlib import Path

import mmbench
from mmbench.reporting.suites.page import render_suite_report, write_suite_report
from mmbench.reporting.suites.words import settings_table
from mmbench.workflows.suites.results import load_suite_result

Write = Callable[..., Path]
ORDER = ["first", "second", "third"]


def test_the_page_has_scores_ranks_verdicts_and_the_command(tmp_path: Path, write_suite_results: Write) -> None:
    result = load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": ORDER}))
    written = write_suite_report(result, tmp_path / "page")
    html = written.path.read_text(encoding="utf-8")
    assert written.size == len(html.encode())
    for words in (
        "Scores by the metric of each dataset",
        "Friedman test",
        "first against",
        "<svg",
        "a (leak, simulated)",
    ):
        assert words in html
    assert "mmbench suite run made.toml --methods first,second,third" in html
    assert 'id="missing"' not in html


def test_the_same_results_give_the_same_page(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": ORDER})
    assert render_suite_report(load_suite_result(path)) == render_suite_report(load_suite_result(path))


def test_without_a_test_there_is_no_diagram_and_the_reason(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER}, absent={"b": ("not at hand", "b <is> not here")})
    html = render_suite_report(load_suite_result(path))
    assert "<svg" not in html
    assert "No test over 1 dataset" in html
    assert "b, not at hand: b &lt;is&gt; not here" in html


def test_results_show_as_html_in_a_notebook(tmp_path: Path, write_suite_results: Write) -> None:
    result = mmbench.load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER}))
    html = result._repr_html_()
    assert html.count("<table") == 3
    assert "mean rank" in html
    assert "made-v1: 3 methods, 2 of 2 datasets" in repr(result)


def test_a_suite_of_which_nothing_was_run_has_a_page(tmp_path: Path, write_suite_results: Write) -> None:
    html = render_suite_report(load_suite_result(write_suite_results(tmp_path, {}, absent={"b": ("failed", "why")})))
    assert "b, failed: why" in html
    assert "Settings of made-v1" in html
    assert "{&#34;" not in html


def test_settings_are_a_table_of_what_differs_and_a_line_of_what_does_not() -> None:
    one = {
        "name": "a",
        "dataset": "a",
        "task": "t",
        "protocol": "p",
        "metric": "m",
        "bad": "error",
        "tune": 3,
        "folds": 5,
    }
    other = {**one, "name": "b", "dataset": "x[k=1]", "folds": 2, "encoders": {"vector": "raw"}}
    columns, rows, common = settings_table({"a": one, "b": other})
    assert columns == ["dataset", "spec", "task", "protocol", "metric", "folds", "encoders"]
    assert rows == [["a", "", "t", "p", "m", "5", ""], ["b", "x[k=1]", "t", "p", "m", "2", "vector raw"]]
    assert common == "tuning trials 3"


def test_the_page_warns_before_the_scores(tmp_path: Path, write_suite_results: Write) -> None:
    html = render_suite_report(load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER})))
    assert html.index("<strong>LEAK:</strong> a, b: 25%") < html.index("<strong>SIMULATED data:</strong>")
    assert html.index("<strong>SIMULATED data:</strong>") < html.index("<h2")
