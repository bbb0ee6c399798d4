"""Results of a suite from their file: scores, mean ranks, verdicts, and what is missing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mmbench
from mmbench import RecordError
from mmbench.results import Interval
from mmbench.workflows.suites.results import load_suite_result

Write = Callable[..., Path]
ORDER = ["first", "second", "third"]


def test_mean_ranks_are_over_datasets(tmp_path: Path, write_suite_results: Write) -> None:
    turned = ["second", "first", "third"]
    result = load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": turned}))
    means = {each.method: each.mean_rank for each in result.standings.ranked}
    assert means == pytest.approx({"first": 4 / 3, "second": 5 / 3, "third": 3})
    assert result.standings.datasets == ("a", "b", "c")
    assert result.standings.ranked[0].ranks == (1, 1, 2)
    assert result.standings.test is not None


def test_scores_are_those_of_the_comparisons(tmp_path: Path, write_suite_results: Write) -> None:
    result = load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER}))
    comparison = mmbench.load_comparison(tmp_path / "a" / "comparison-0.json")
    assert {row["method"]: row["score"] for row in result.to_rows() if row["dataset"] == "a"} == {
        method.name: method.score.mean for method in comparison.methods
    }


def test_verdicts_are_counted_as_the_comparisons_give_them(tmp_path: Path, write_suite_results: Write) -> None:
    turned = ["third", "second", "first"]
    result = load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER, "c": turned}, n_units=30))
    words = [
        verdict.word for each in result.comparisons.values() for verdict in each.verdicts if verdict.against == "third"
    ]
    assert words == ["significantly better"] * 2 + ["significantly worse"]
    third = next(each for each in result.verdict_counts if each.against == "third")
    assert (third.better, third.not_significant, third.worse) == (2, 0, 1)


def test_a_comparison_without_the_first_method_has_no_verdict_on_it(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(
        tmp_path, {"a": ORDER, "b": ["second", "third"]}, not_applicable={"b": {"first": "no such modality"}}
    )
    assert [each.n_datasets for each in load_suite_result(path).verdict_counts] == [1, 1]


def test_a_method_without_a_score_on_a_dataset_has_no_rank_and_is_counted(
    tmp_path: Path, write_suite_results: Write
) -> None:
    path = write_suite_results(
        tmp_path,
        {"a": ORDER, "b": ORDER, "c": ["first", "second"]},
        not_applicable={"c": {"third": "no such modality"}},
    )
    result = load_suite_result(path)
    assert result.standings.unranked == {"third": 2}
    assert [each.mean_rank for each in result.standings.ranked] == [1, 2]
    assert result.standings.no_test == "no test of 2 methods with a score on every dataset: it needs 3"
    assert list(result.missing()) == [("third", "c", "does not apply: no such modality")]


def test_a_method_with_missing_folds_has_no_score(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER})
    (tmp_path / "a" / "run1" / "fold-1-seed-0.json").unlink()
    result = load_suite_result(path)
    assert [(method, reason) for method, _, reason in result.missing()] == [
        ("second", "1 fold is missing; run the same command again")
    ]


def test_a_score_that_is_not_a_number_is_missing_and_has_no_rank(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER, "b": ORDER})
    result = load_suite_result(path)
    undefined = Interval(float("nan"), float("nan"), float("nan"))
    vars(result.comparisons["b"].methods[0])["score"] = undefined
    assert list(result.missing()) == [("first", "b", "its balanced accuracy is not a number")]
    assert [(each.method, each.mean_rank) for each in result.standings.ranked] == [("second", 1), ("third", 2)]


def test_two_datasets_are_not_tested(tmp_path: Path, write_suite_results: Write) -> None:
    result = load_suite_result(write_suite_results(tmp_path, {"a": ORDER, "b": ORDER}))
    assert result.standings.test is None
    assert [each.interval for each in result.standings.ranked] == [None] * 3
    assert result.standings.no_test == "no test over 2 datasets: it needs 3"


def test_datasets_that_were_not_run_are_kept_with_their_reason(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER}, absent={"b": ("not at hand", "b is not here")})
    plain = load_suite_result(path).to_json()
    assert [(each["name"], each["state"], each["reason"]) for each in plain["datasets"]] == [
        ("a", "run", ""),
        ("b", "not at hand", "b is not here"),
    ]
    assert plain["datasets"][1]["doubts"] is None
    assert plain["datasets"][1]["scores"]["first"] == {"score": None, "reason": "b not at hand: b is not here"}
    json.dumps(plain, allow_nan=False)


def test_json_of_results_holds_what_the_warnings_are_about(tmp_path: Path, write_suite_results: Write) -> None:
    card = {"access": "simulated", "title": "Made up", "notes": ["Films are the same."]}
    (plain,) = load_suite_result(write_suite_results(tmp_path, {"a": ORDER}, card=card)).to_json()["datasets"]
    doubts = plain["doubts"]
    assert doubts["straddling"]["trial"] == 0.25
    assert (doubts["simulated"], doubts["data_notes"]) == (True, ["Films are the same."])
    assert (doubts["copies"], doubts["lacking"], doubts["suspicions"]) == (0, {}, [])
    assert [each["method"] for each in doubts["untrained"]] == ["second", "third"]


def test_results_without_any_comparison_have_neither_ranks_nor_a_test(
    tmp_path: Path, write_suite_results: Write
) -> None:
    result = load_suite_result(write_suite_results(tmp_path, {}, absent={"b": ("not installed", "no dataset 'b'")}))
    assert result.standings.ranked == ()
    assert "1 dataset" in result.summary
    assert "not installed" in str(result)


def test_the_same_records_give_the_same_intervals(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER, "b": ["second", "first", "third"], "c": ORDER})
    assert load_suite_result(path).to_json() == load_suite_result(path).to_json()


def test_results_can_be_moved_to_another_folder(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path / "here", {"a": ORDER})
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert load_suite_result(tmp_path / "there" / path.name).comparisons.keys() == {"a"}


def test_the_newest_results_of_a_folder_are_loaded(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER})
    assert load_suite_result(tmp_path).path == path
    with pytest.raises(RecordError, match="holds no results of a suite"):
        load_suite_result(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plain: plain["content"].update(version=2), "its digest is not that of its content"),
        (lambda plain: plain["datasets"].pop(), "its datasets or methods are not those of a suite"),
        (lambda plain: plain.update(methods=["first"]), "its datasets or methods are not those of a suite"),
        (lambda plain: plain["datasets"][0].update(comparison="../x.json"), "lies outside of its folder"),
        (lambda plain: plain["datasets"][0].update(comparison="/x.json"), "lies outside of its folder"),
        (lambda plain: plain.pop("methods"), "methods: "),
        (lambda plain: plain["datasets"][0].update(name="\x1b[2J"), "control characters"),
    ],
)
def test_a_damaged_file_is_one_line(
    tmp_path: Path, write_suite_results: Write, change: Callable[..., object], words: str
) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER})
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError) as raised:
        load_suite_result(path)
    assert words in raised.value.line
    assert path.name in raised.value.line


def test_a_comparison_that_was_deleted_is_named(tmp_path: Path, write_suite_results: Write) -> None:
    path = write_suite_results(tmp_path, {"a": ORDER})
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(RecordError, match=r"comparison-0\.json: no such file"):
        load_suite_result(path)
