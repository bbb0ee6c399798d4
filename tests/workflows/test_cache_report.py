"""The cache report before a run matches what the run makes, and makes nothing itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import mmbench
from mmbench.cli.app import app
from mmbench.results.comparison import Comparison
from mmbench.storage.progress import SilentReporter, use_reporter
from mmbench.workflows.cache_report import ArtifactStatus, explain_reuse
from mmbench.workflows.request import RunSpec

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
OPTIONS: dict[str, Any] = {
    "encoders": {"signal": "spectrum"},
    "training": {"epochs": 1},
    "folds": 2,
    "jobs": 1,
    "plugins": (TOY,),
}


class Home:
    """Files of people, a cache and records."""

    def __init__(self, folder: Path) -> None:
        self.people, self.cache, self.out = folder / "people", folder / "cache", folder / "runs"

    def options(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {**OPTIONS, "data": self.people, "cache": self.cache, "out": self.out, **changes}

    def run(self, dataset: str = "toy", **changes: Any) -> Comparison:
        return mmbench.run("concat", dataset, **self.options(changes))

    def explain(self, dataset: str = "toy", **changes: Any) -> dict[str, ArtifactStatus]:
        before = self.files()
        found = explain_reuse(RunSpec("concat", dataset, **self.options(changes)))
        assert self.files() == before, "nothing is made"
        return {each.what.split(" ")[0] + each.what[len("tokens of signal with spectrum") :]: each for each in found}

    def files(self) -> set[str]:
        made = {"digests.json"}
        paths = [*self.cache.rglob("*"), *self.out.rglob("*")]
        return {str(path) for path in paths if path.is_file() and path.name not in made}


@pytest.fixture(scope="module")
def done(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    shutil.copytree(toy_people, folder / "people")
    Home(folder).run()
    return folder


@pytest.fixture
def home(done: Path, tmp_path: Path) -> Home:
    shutil.copytree(done, tmp_path / "home", copy_function=shutil.copy2)
    return Home(tmp_path / "home")


def states(found: dict[str, ArtifactStatus]) -> list[str]:
    return [each.state for each in found.values()]


def test_before_anything_was_made(toy_people: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.copytree(toy_people, home.people)
    found = home.explain()
    assert list(found) == ["prepared", "tokens", *(f"tokens, {snr} dB" for snr in (20, 10, 0, -10)), "run"]
    assert states(found) == ["missing"] * 6 + ["not known"]
    assert found["tokens"].why == ("no similar one exists",)


def test_what_was_done_is_there(home: Home) -> None:
    found = home.explain()
    assert states(found) == ["there"] * 7
    assert found["run"].why == ("2 of 2 folds",)
    next(home.out.rglob("fold-*.json")).unlink()
    assert (home.explain()["run"].state, home.explain()["run"].why) == ("partly", ("1 of 2 folds",))


def test_the_report_matches_the_run(home: Home) -> None:
    changes = {"training": {"epochs": 2}, "encoders": {"signal": "spectrum", "facts": "raw"}}
    found = explain_reuse(RunSpec("concat", "toy", **home.options(changes)))
    made = home.run(**changes)
    assert found[-1].path == made.methods[0].folder
    assert len(found) == 12
    assert all(each.path is not None and each.path.exists() for each in found)


@pytest.mark.parametrize(
    ("change", "part", "why"),
    [
        ({"dataset": "toy[windows=3]"}, "prepared", "windows 2 -> 3"),
        ({"dataset": "toy[windows=3]"}, "tokens", "prepared data changed"),
        ({"bad": "drop"}, "prepared", "bad error -> drop"),
        ({"units": ["s0", "s1", "s2", "s3", "s4"]}, "prepared", "unit s5 is gone"),
        ({"threads": 2}, "tokens", "threads 1 -> 2"),
        ({"training": {"epochs": 2}}, "run", "epochs of training 1 -> 2"),
        ({"standardize": "subject"}, "run", "standardize train -> subject"),
    ],
)
def test_a_miss_says_which_part_of_the_key_differs(home: Home, change: dict, part: str, why: str) -> None:
    found = home.explain(**change)[part]
    assert (found.state, found.why) == ("missing", (why,))
    assert found.near is not None
    assert found.near.exists()


def test_files_that_changed_are_named(home: Home) -> None:
    (home.people / "s1.txt").write_text("t0 100\nt1 777\n")
    (home.people / "s9.txt").write_text("t0 900\nt1 901\n")
    assert home.explain()["prepared"].why == ("source file s1.txt changed", "unit s9 is new")


def test_code_that_changed_is_named_by_file(home: Home, tmp_path: Path) -> None:
    late = (
        "\ndef late():\n    from toy_helper import x\n    return open(__file__.replace('toy_plugin.py', 'toy.bin'))\n"
    )
    for place, value in (("one", "1"), ("two", "2")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "toy_plugin.py").write_text(Path(TOY).read_text() + late)
        (tmp_path / place / "toy_helper.py").write_text("x = 1\n")
        (tmp_path / place / "toy.bin").write_text(value)
    home.run(plugins=(str(tmp_path / "one/toy_plugin.py"),))
    (tmp_path / "two/toy_helper.py").write_text("x = 2\n")
    found = home.explain(plugins=(str(tmp_path / "two/toy_plugin.py"),))
    assert found["prepared"].why == ("code of dataset toy changed since: toy.bin changed, toy_helper.py changed",)
    assert found["tokens"].why == ("prepared data changed",)


def test_unknown_code_is_recomputed_and_reported(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "toy_plugin.py"
    path.write_text(Path(TOY).read_text() + "\ndef late(name):\n    return __import__(name)\n")
    listener = Listener()
    with use_reporter(listener):
        found = home.explain(plugins=(str(path),))
    assert found["prepared"].state == "missing"
    assert found["prepared"].why == ("code of dataset toy cannot be determined without running it",)
    (message,) = [message for message in listener.messages if "toy_plugin.py line" in message]
    assert message.endswith(
        "runs a computed name, so that its code cannot be determined without running it: its results are not reused"
    )


def test_damage_is_reported_and_left(home: Home) -> None:
    (path,) = home.cache.glob("prepared/*.h5")
    path.write_bytes(path.read_bytes()[:999])
    assert (home.explain()["prepared"].state, home.explain()["run"].state) == ("damaged", "not known")


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def test_run_reports_in_a_line_why_a_result_is_recomputed(home: Home) -> None:
    listener = Listener()
    with use_reporter(listener):
        first = home.run()
        assert not [message for message in listener.messages if "is run again" in message]
        home.run(training={"epochs": 2})
    message = [message for message in listener.messages if "is run again" in message]
    folder = first.methods[0].folder.name
    assert message == [f"concat is run again; differences to {folder}: epochs of training 1 -> 2"]


def test_an_audit_trains_nothing_and_so_repeats_no_run(home: Home) -> None:
    home.run()
    listener = Listener()
    with use_reporter(listener):
        mmbench.audit("concat", "toy", **home.options({"training": {"epochs": 2}}))
    assert not [message for message in listener.messages if "is run again" in message]


def test_the_shell_explains(home: Home) -> None:
    line = ["explain", "concat", "toy[windows=3]", "--data", str(home.people), "--out", str(home.out)]
    line += ["--cache", str(home.cache), "--plugin", TOY, "--encoder", "signal=spectrum", "--folds", "2"]
    table = CliRunner().invoke(app, line).stdout
    assert "windows 2 -> 3" in table
    assert max(map(len, table.splitlines()[:8])) <= 80
    found = json.loads(CliRunner().invoke(app, [*line, "--json"]).stdout)
    assert found[0]["why"] == ["windows 2 -> 3"]
    assert found[0]["state"] == "missing"
