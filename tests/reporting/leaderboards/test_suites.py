"""Suites on leaderboards: their boards, mean ranks and pages, and what contradicts them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import RecordError
from mmbench.reporting.leaderboards import find_boards
from mmbench.reporting.leaderboards.building import build_leaderboards, publish_results
from mmbench.reporting.leaderboards.suites import find_suites_in, suite_file
from mmbench.reporting.leaderboards.verification import verify_leaderboards
from mmbench.workflows import load_suite_result
from mmbench.workflows.request import RetrainOptions

HOME = "suites/small-v1"
PAIRS = {"a": ["mor", "zer"], "b": ["mor", "kar"], "c": ["zer", "fou"]}


def write_suite(path: Path, title: str = "Pairs of features", seeds: int = 1) -> Path:
    lines = ['name = "small"', "version = 1", f'title = "{title}"', "[settings]", "folds = 2", f"seeds = {seeds}"]
    lines += ["training = { epochs = 1 }"]
    for name, modalities in PAIRS.items():
        lines += ["[[datasets]]", f'name = "{name}"', 'dataset = "mfeat"', 'protocol = "pooled-segment"']
        lines += ['task = "digit"', 'metric = "balanced_accuracy"', f"modalities = {json.dumps(modalities)}"]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("suite")
    options: dict[str, Any] = {"out": home / "runs", "cache": home / "cache", "jobs": 1}
    return mmbench.suite(write_suite(home / "small.toml"), ["linear", "concat", "prior"], **options)


@pytest.fixture(scope="module")
def published(result: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("leaderboards")
    assert publish_results(result.path, root) == [root / HOME]
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(published, tmp_path / "leaderboards"))


def verify(root: Path, cache: Path, again: int = 0, only: list[Path] | None = None) -> Any:
    return verify_leaderboards(root, again, 0, RetrainOptions(None, cache, 1), {}, only)


def test_a_suite_has_a_board_for_each_dataset(published: Path, result: Any) -> None:
    assert [folder.relative_to(published).as_posix() for folder in find_boards(published)] == [
        f"{HOME}/{name}/pooled-segment/digit" for name in "abc"
    ]
    (home,) = find_suites_in(published)
    assert str(result.path.parent) not in suite_file(home).read_text()
    shown = load_suite_result(home)
    assert shown.standings == result.standings
    assert shown.verdict_counts == result.verdict_counts


def test_its_pages_say_what_the_suite_shows(published: Path, result: Any) -> None:
    text = (published / HOME / "README.md").read_text()
    page = (published / HOME / "index.html").read_text()
    best = result.standings.ranked[0]
    for words in (f"| {best.method} | ", f"{best.mean_rank:.2f}", "Friedman test", "linear against"):
        assert words in text
        assert words.replace("| ", "").strip() in page
    assert "[a](a/pooled-segment/digit/README.md)" in text
    assert 'href="a/pooled-segment/digit/index.html"' in page
    index = (published / "README.md").read_text()
    assert f"| [small-v1]({HOME}/README.md) | Pairs of features | 3 | 3 of 3 |" in index
    assert "pooled-segment" not in index  # its boards are on its own page
    assert f'href="{HOME}/index.html"' in (published / "index.html").read_text()
    assert 'href="../../../../../index.html"' in (published / HOME / "a/pooled-segment/digit/index.html").read_text()


def test_the_same_records_give_the_same_pages_and_any_other_page_is_found(root: Path, tmp_path: Path) -> None:
    assert build_leaderboards(root) == []
    found = verify(root, tmp_path, again=1)
    assert found.faults == ()
    assert found.lines[0] == "3 boards, 18 records, 1 suite: every number recomputed from predictions, pages compared"
    assert found.lines[-1] == "trained again: 1 of 1 fold"
    page = root / HOME / "README.md"
    page.write_text(page.read_text().replace("1.", "2.", 1))
    (fault,) = verify(root, tmp_path).faults
    assert fault.startswith(f"{HOME}/README.md: differs")


def test_methods_are_added_to_those_that_are_there(root: Path, result: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"out": tmp_path / "runs", "cache": result.path.parents[1] / "cache", "jobs": 1}
    more = mmbench.suite(result.path.parents[1] / "small.toml", ["late", "prior"], **options)
    publish_results(more.path, root)
    shown = load_suite_result(root / HOME)
    assert shown.methods == ("linear", "concat", "prior", "late")
    assert len(shown.standings.ranked) == 4
    assert "--methods linear,concat,prior,late" in (root / HOME / "README.md").read_text()
    assert verify(root, tmp_path / "cache").faults == ()


def test_a_suite_of_the_same_version_with_another_content_is_refused(root: Path, result: Any, tmp_path: Path) -> None:
    changed = write_suite(tmp_path / "small.toml", seeds=2)
    options: dict[str, Any] = {"out": tmp_path / "runs", "cache": result.path.parents[1] / "cache", "jobs": 1}
    other = mmbench.suite(changed, ["prior", "linear"], **options)
    before = sorted(root.rglob("*"))
    with pytest.raises(RecordError, match="is small-v1 with another content") as caught:
        publish_results(other.path, root)
    assert "another version" in caught.value.line
    assert sorted(root.rglob("*")) == before


def test_a_run_that_the_suite_does_not_list_is_found(root: Path, tmp_path: Path) -> None:
    file = suite_file(root / HOME)
    plain = json.loads(file.read_text())
    plain["methods"].remove("concat")
    file.write_text(json.dumps(plain))
    faults = verify(root, tmp_path).faults
    assert [f"{HOME}: {name}: concat is not a method that suite-small-v1.json lists" for name in "abc"] == list(faults)


def test_settings_that_are_not_those_of_the_suite_are_found(root: Path, tmp_path: Path) -> None:
    file = suite_file(root / HOME)
    plain = json.loads(file.read_text())
    plain["content"]["datasets"]["b"]["seeds"] = 3
    plain["content"]["datasets"]["b"]["tune"] = 2
    plain["digest"] = mmbench.storage.digest(plain["content"])
    file.write_text(json.dumps(plain))
    faults = verify(root, tmp_path).faults
    assert f"{HOME}: b: concat has seeds 1, the suite 3" in faults
    assert f"{HOME}: b: concat has tune 0, the suite 2" in faults
    assert not any(": a: " in fault for fault in faults)


@pytest.mark.parametrize("damage", ["{", '{"methods": []}'])
def test_a_damaged_file_is_a_fault_and_the_boards_are_still_verified(root: Path, tmp_path: Path, damage: str) -> None:
    suite_file(root / HOME).write_text(damage)
    found = verify(root, tmp_path)
    assert any("suite-small-v1.json" in fault and "is no file of a suite" in fault for fault in found.faults)
    assert found.lines[0].startswith("3 boards, 18 records")


def test_a_board_that_is_gone_or_not_listed_is_a_fault(root: Path, tmp_path: Path) -> None:
    shutil.move(root / HOME / "a", root / HOME / "z")
    (fault,) = verify(root, tmp_path).faults
    assert "lists a/pooled-segment/digit, which is no board" in fault
    shutil.copytree(root / HOME / "z", root / HOME / "a")
    faults = verify(root, tmp_path).faults
    assert f"{HOME}: z/pooled-segment/digit is no board that suite-small-v1.json lists" in faults


def test_a_suite_in_the_folder_of_another_one_is_a_fault(root: Path, tmp_path: Path) -> None:
    home = root / HOME
    other = home.with_name("small-v2")
    home.rename(other)
    (other / "suite-small-v1.json").rename(suite_file(other))
    (fault,) = verify(root, tmp_path).faults
    assert "is of small-v1, in the folder of small-v2" in fault


def test_changed_files_of_a_suite_are_verified(root: Path, tmp_path: Path) -> None:
    board = root / HOME / "a/pooled-segment/digit"
    record = sorted(board.glob("concat-*/fold-*.json"))[0]
    page = root / HOME / "index.html"
    found = verify(root, tmp_path, only=[record, suite_file(root / HOME), page])
    assert found.faults == ()
    assert found.lines[0] == (
        "1 board, 6 records, 1 suite, 1 of them changed: every number recomputed from predictions; "
        "1 changed page compared"
    )
    page.write_text("other")
    stray = root / HOME / "notes.txt"
    stray.write_text("mine")
    faults = verify(root, tmp_path, only=[page, stray]).faults
    assert any(fault.startswith(f"{HOME}/notes.txt: is no part") for fault in faults)


def test_results_of_which_a_dataset_failed_are_refused(root: Path, result: Any, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(result.path.parent, tmp_path / "runs")) / result.path.name
    plain = json.loads(copy.read_text())
    plain["datasets"][1] |= {"state": "failed", "reason": "no memory", "comparison": ""}
    copy.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match="b failed"):
        publish_results(copy, root)
