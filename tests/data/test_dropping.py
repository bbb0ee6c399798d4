"""``--bad drop`` leaves out what cannot be used of a sample or a unit, counts it and goes on; whole datasets stop."""

import json
import os
import sys
from pathlib import Path

import pytest

import mmbench
from mmbench import DataError, Problem
from mmbench.cli import main
from mmbench.data.dataset_files import check_dataset_files
from mmbench.data.inventory import take_inventory
from mmbench.data.preparation import Preparation, prepare
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import Spec
from mmbench.reporting.terminal.comparisons import describe_data
from mmbench.storage.progress import SilentReporter, use_reporter

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "dropping_plugin.py")


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    root = tmp_path / "people"
    root.mkdir()
    (root / "labels.txt").write_text("all\n")
    for person in range(1, 5):
        (root / f"p{person}.txt").write_text("".join(f"{person} {row}\n" for row in range(6)))
    return root


def plan(root: Path, bad: str = "drop") -> Preparation:
    return Preparation(Spec("people"), root, root.parent / "cache", (PLUGIN,), bad)


def spoil(path: Path, row: int, text: str) -> None:
    lines = path.read_text().splitlines()
    lines[row] = text
    path.write_text("\n".join(lines))


def shell(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """What the program returns."""
    monkeypatch.setattr(sys, "argv", ["mmbench", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_sample_that_cannot_be_read_is_dropped_alone(people: Path) -> None:
    spoil(people / "p2.txt", 3, "2")
    with pytest.raises(DataError, match=r"p2\.txt, line 4: has 1 values, not 2"):
        prepare(plan(people, "error"))
    store = prepare(plan(people))
    assert sorted(set(range(6)) - {int(name[3:]) for name in store.ids.tolist() if name.startswith("p2")}) == [3]
    assert len(store) == 23
    assert [line.partition(", ")[2] for line in store.attributes["dropped"]] == ["line 4: has 1 values, not 2"]
    assert store.attributes["lost"] == {}


def test_a_unit_that_ends_in_the_middle_is_dropped_whole(people: Path) -> None:
    spoil(people / "p1.txt", 0, "1")
    spoil(people / "p2.txt", 3, "end")
    with use_reporter(listener := Listener()):
        store = prepare(plan(people))
    assert set(store.groups["subject"].tolist()) == {"p1", "p3", "p4"}
    assert list(store.attributes["lost"]) == ["p2"]
    assert listener.messages[-1] == (
        "1 unusable sample was left out; 1 unusable unit was left out: p2; 17 samples left"
    )
    assert [
        line for line in listener.messages if line.startswith("left out: unit p2:") and "ends in the middle" in line
    ]


@pytest.mark.parametrize("damage", ["missing", "empty", "a folder", "a pipe"])
def test_a_file_of_one_unit_that_is_damaged_drops_the_unit(people: Path, damage: str) -> None:
    path = people / "p3.txt"
    path.unlink()
    if damage == "missing":
        path.symlink_to("nowhere.txt")
    elif damage == "empty":
        path.touch()
    elif damage == "a pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(DataError, match=r"p3\.txt: "):
        prepare(plan(people, "error"))
    store = prepare(plan(people))
    assert set(store.groups["subject"].tolist()) == {"p1", "p2", "p4"}
    path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()
    path.write_text("3 0\n3 1\n")
    assert len(prepare(plan(people))) == 20, "it is prepared again once the file is there"


def test_what_all_units_need_stops_in_any_case(people: Path) -> None:
    (people / "labels.txt").write_text("")
    with pytest.raises(DataError, match=r"labels\.txt: is empty"):
        prepare(plan(people))


def test_dropped_samples_are_in_table_and_record(people: Path, tmp_path: Path) -> None:
    spoil(people / "p1.txt", 0, "1")
    spoil(people / "p2.txt", 3, "end")
    options = {"data": people, "out": tmp_path / "runs", "plugins": (PLUGIN,), "jobs": 1, "folds": 3}
    result = mmbench.run("prior", "people", bad="drop", **options)
    assert (result.run["dropped"], result.run["lost"]) == (1, ["p2"])
    output = "1 unusable sample was left out; 1 unusable unit was left out: p2"
    assert output in list(describe_data(result))


def test_check_counts_read_and_unread_files(
    people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("p5.TXT", "p6.TXT", "notes.md", ".hidden"):
        (people / name).write_text("x")
    (people / "old").mkdir()
    (people / "old" / "p7.txt").write_text("x")
    line = ["data", "check", "people", "--data", str(people), "--plugin", PLUGIN]
    assert shell(monkeypatch, *line) == 0
    out = " ".join(capsys.readouterr().out.split())
    head = f"people: 4 units in {people}, no problem found; 5 files not read side: no, yes"
    assert head.replace(" ", "") in out.replace(" ", ""), "a long path is broken anywhere"
    assert "found: p1, p2, ... p4 (4): 2 files each" in out
    assert "not read: 2 .TXT files, of which no sample is made: p5.TXT, p6.TXT" in out
    assert "not read: 1 hidden file, of which no sample is made: .hidden" in out
    assert "not read: 1 .txt file, of which no sample is made: old/p7.txt" in out
    assert shell(monkeypatch, *line, "--json") == 0
    output = json.loads(capsys.readouterr().out)
    assert output["unread"] == [".hidden", "notes.md", "old/p7.txt", "p5.TXT", "p6.TXT"]
    assert output["contents"] == dict.fromkeys(("p1", "p2", "p3", "p4"), 2)


def test_check_counts_files_despite_a_problem(
    people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (people / "p3.txt").write_text("")
    assert shell(monkeypatch, "data", "check", "people", "--data", str(people), "--plugin", PLUGIN) == 2
    output = capsys.readouterr()
    assert "1 problem" in " ".join(output.out.split())
    assert "p3.txt: is empty" in output.err


def test_problems_that_differ_only_in_file_and_numbers_share_a_line_of_check(
    people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["data", "check", "people", "--data", str(people), "--plugin", PLUGIN]
    for n_bad in (3, 4):
        for person in range(1, n_bad + 1):
            (people / f"p{person}.txt").write_text("")
        assert shell(monkeypatch, *line) == 2
        output = capsys.readouterr()
        assert f"{n_bad} problems" in " ".join(output.out.split())
        told = output.err.splitlines()
        assert len([line for line in told if "is empty" in line]) == (3 if n_bad == 3 else 1)
    assert f"{people / 'p1.txt'}: is empty (and 3 more like it: --json)" in " ".join(told)
    assert shell(monkeypatch, *line, "--json") == 2
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 4


def test_check_of_an_empty_folder_says_the_problem_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("wesad", "amigos", "dreamer", "mahnob-hci", "seed-iv", "seed-v"):
        assert shell(monkeypatch, "data", "check", name, "--data", str(tmp_path / "empty")) == 2
        output = capsys.readouterr()
        head = f"{name}: 0 units in {tmp_path / 'empty'}, 1 problem"
        assert "".join(output.out.split()) == head.replace(" ", ""), "a long path is broken anywhere"
        assert output.err


def test_problems_of_samples_of_other_units_do_not_stop_a_run(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"{people / 'p2.txt'}, line 4"
    found = [Problem(where, "has 1 values, not 2", concerns="sample")]
    dataset = load_registry((PLUGIN,)).dataset(Spec("people"))
    monkeypatch.setattr(type(dataset), "check", lambda *_: found)
    check_dataset_files(dataset, people, ["p1", "p3"])
    check_dataset_files(dataset, people, bad="drop")
    with pytest.raises(DataError, match="line 4"):
        check_dataset_files(dataset, people, ["p1", "p2"])


def test_what_is_left_out_may_be_unknown_where_files_are_dropped(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def left_out(*_: object) -> dict[str, str]:
        raise DataError("cannot be read", where="p1.txt")

    monkeypatch.setattr(load_registry((PLUGIN,)).find("datasets", "people").component, "left_out", left_out)
    with pytest.raises(DataError, match=r"p1\.txt: cannot be read"):
        prepare(plan(people, "error"))
    assert len(prepare(plan(people))) == 24


def test_links_in_a_circle_are_walked_once(people: Path) -> None:
    (people / "again").symlink_to(people)
    dataset = load_registry((PLUGIN,)).dataset(Spec("people"))
    assert take_inventory(dataset, people).unread == []
