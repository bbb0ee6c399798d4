"""The tables of a suite for the terminal."""

from collections.abc import Callable
from pathlib import Path

from mmbench.reporting.suites.tables import suite_tables
from mmbench.reporting.terminal.layout import render
from mmbench.workflows.suites.results import load_suite_result

Write = Callable[..., Path]
ORDER = ["first", "second", "third"]


def show(path: Path) -> str:
    return render(suite_tables(load_suite_result(path)))


def test_the_table_has_a_score_for_each_method_and_dataset_and_the_mean_rank(
    tmp_path: Path, write_suite_results: Write
) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": ORDER})
    result, text = load_suite_result(path), show(path)
    row = next(line for line in text.splitlines() if line.startswith("second")).split()
    scores = [f"{result.comparisons[name].methods[1].score.mean:.3f}" for name in "abc"]
    assert row[:2] == ["second", "2.00"]
    assert row[4:] == scores
    assert text.count("(leak, simulated)") == 3
    assert "made-v1" in text
    assert "3 methods · 3 of 3 datasets" in text


def test_warnings_about_a_dataset_stand_above_the_scores_with_the_names_they_hold_for(
    tmp_path: Path, write_suite_results: Write
) -> None:
    card = {"access": "simulated", "title": "Made up", "notes": ["Films are the same."]}
    text = show(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER}, card=card))
    assert text.count("(leak, data, simulated)") == 2
    lines = text[: text.index("method ")]
    assert "LEAK: a, b: 25% of the test samples share their trial" in lines
    assert "DATA: a, b: Films are the same." in lines
    assert "SIMULATED data: a, b: these scores say nothing about real data." in lines


def test_the_best_mean_rank_stands_first_whatever_the_order_of_the_run(
    tmp_path: Path, write_suite_results: Write
) -> None:
    turned = ["third", "second", "first"]
    text = show(write_suite_results(tmp_path, {"a": turned, "b": turned, "c": turned}))
    names = [line.split()[0] for line in text.splitlines() if line.startswith(("first ", "second ", "third "))][:3]
    assert names == turned
    assert "first against" in text


def test_the_test_of_ranks_is_said_with_its_critical_difference(tmp_path: Path, write_suite_results: Write) -> None:
    text = " ".join(show(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": ORDER})).split())
    assert "Friedman test (3 methods, 3 datasets): chi-squared 6.00, p .02" in text
    assert "mean ranks differ significantly" in text
    assert "critical difference of mean ranks 2.00" in text
    assert "=: no two methods of a bar differ significantly" in text


def test_two_datasets_have_mean_ranks_and_no_test(tmp_path: Path, write_suite_results: Write) -> None:
    text = " ".join(show(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER})).split())
    assert "mean rank over 2 datasets, 1 for the best; no interval over fewer than 3 datasets" in text
    assert "No test over 2 datasets: it needs 3" in text
    assert "Friedman" not in text


def test_missing_scores_and_datasets_are_dashes_and_counted_with_their_reasons(
    tmp_path: Path, write_suite_results: Write
) -> None:
    path = write_suite_results(
        tmp_path,
        {"a": ORDER, "b": ["first", "second"]},
        absent={"c": ("not installed", "no dataset 'c'"), "d": ("not at hand", "d is not here")},
        not_applicable={"b": {"third": "no such modality"}},
    )
    text = show(path)
    row = next(line for line in text.splitlines() if line.startswith("third")).split()
    assert (len(row), row[1], row[3]) == (4, "–", "–")  # no mean rank, a score on a, none on b
    assert "2 of 4 datasets are not in these results:" in text
    assert "c, not installed: no dataset 'c'" in text
    assert "1 score is missing (–):" in text
    assert "third on b: does not apply: no such modality" in text
    assert "without a score on every dataset, and so without a mean rank: third (1 of 2)" in " ".join(text.split())


def test_many_datasets_and_long_names_fit_into_80_columns(
    tmp_path: Path, write_suite_results: Write, widest: Callable[[str], int]
) -> None:
    names = ["only[modality=electrodermal-activity]", "second", "third"]
    datasets = {f"a dataset with a long name {at}": names for at in range(7)}
    text = show(write_suite_results(tmp_path, datasets, methods=names))
    lines = [line for line in text.splitlines() if not line.startswith("results: ")]
    assert widest("\n".join(lines)) <= 80


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path, write_suite_results: Write) -> None:
    names = ["late", "only[modality=left]", "milmer[bold]"]
    text = show(write_suite_results(tmp_path, {"a": names, "b": names, "c": names}, methods=names))
    assert text.count("milmer[bold]") >= 3
